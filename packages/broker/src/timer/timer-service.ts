import { encodeRecallHandle, isRetryTopic, PropertyName, TIMER_TOPIC } from '@rocketnest/protocol';
import { deliverTime, PutStatus, type StoreMessage, slotBefore, TimerMessageStore } from '@rocketnest/store';
import type { BrokerContext, Timers } from '../context.js';
import { javaDouble } from '../stats/java-double.js';

/** Java: every 3 minutes. */
const FORGET_TOPICS_MS = 180_000;

/**
 * Messages that are due at a time of their own (`TimerMessageStore`, `HookUtils.transformTimerMessage`). They wait in
 * rmq_sys_wheel_timer and in the timer files of the store.
 */
export class TimerService implements Timers {
  private readonly wheel: TimerMessageStore | null;

  constructor(private readonly context: BrokerContext) {
    const { options, store, clock, logger } = context;
    this.wheel = options.timerWheelEnable
      ? new TimerMessageStore({
          options,
          store,
          clock,
          logger,
          put: (message, done) =>
            context.putMessage(message, (result) => {
              if (result.status === PutStatus.PUT_OK) {
                context.stats.put(message.topic, message.queueId, result.messageCount, result.bytes);
              }
              done(result);
            }),
        })
      : null;
  }

  /** Starts delivering. The store and the server are started before: stored hosts need the real port. */
  async start(): Promise<void> {
    const { context, wheel } = this;
    if (wheel === null) return;
    await wheel.start();
    context.jobs.every(FORGET_TOPICS_MS, 'forget timer counts of deleted topics', () =>
      wheel.metrics.keepOnly((topic) => context.topics.has(topic) || context.topics.isSystem(topic)),
    );
  }

  /** Stops delivering and brings the timer files to the disk. The store is closed after this. */
  async close(): Promise<void> {
    await this.wheel?.close();
  }

  arrived(): void {
    this.wheel?.arrived();
  }

  divert(message: StoreMessage): PutStatus | null {
    const { clock, options } = this.context;
    const { wheel } = this;
    if (wheel === null || !options.timerWheelEnable) return PutStatus.WHEEL_TIMER_NOT_ENABLE;
    const now = clock.now();
    const deliverMs = deliverTime(message.properties, now);
    if (deliverMs === null) return PutStatus.WHEEL_TIMER_MSG_ILLEGAL;
    if (deliverMs <= now) {
      const recalls = message.properties[PropertyName.TIMER_DEL_UNIQKEY] !== undefined;
      return recalls ? PutStatus.WHEEL_TIMER_MSG_ILLEGAL : null;
    }
    if (deliverMs - now > options.timerMaxDelaySec * 1_000) return PutStatus.WHEEL_TIMER_MSG_ILLEGAL;
    const slotMs = slotBefore(deliverMs, wheel.precisionMs);
    if (wheel.isCongested(slotMs)) return PutStatus.WHEEL_TIMER_FLOW_CONTROL;
    // Assigned after the copy, which takes less time than computed names behind a spread: every acknowledgement of pop comes here.
    const properties = { ...message.properties };
    properties[PropertyName.TIMER_OUT_MS] = String(slotMs);
    properties[PropertyName.REAL_TOPIC] = message.topic;
    properties[PropertyName.REAL_QUEUE_ID] = String(message.queueId);
    message.properties = properties;
    message.propertiesData = undefined;
    message.tagsCode = undefined;
    message.topic = TIMER_TOPIC;
    message.queueId = 0;
    return null;
  }

  recallHandle({ properties }: StoreMessage): string | undefined {
    const {
      [PropertyName.TIMER_OUT_MS]: outMs,
      [PropertyName.REAL_TOPIC]: topic,
      [PropertyName.UNIQ_KEY]: messageId,
    } = properties;
    if (outMs === undefined || topic === undefined || messageId === undefined || isRetryTopic(topic)) return undefined;
    // One more than the slot, so that the recall, which is due then, gets into the same slot.
    const timestamp = String(Number(outMs) + 1);
    return encodeRecallHandle({ topic, brokerName: this.context.options.brokerName, timestamp, messageId });
  }

  get checkpoint(): Buffer | null {
    return this.wheel?.encodeCheckpoint() ?? null;
  }

  get metrics(): string | null {
    return this.wheel?.metrics.encode() ?? null;
  }

  topicDeleted(topic: string): void {
    this.wheel?.metrics.remove(topic);
  }

  get enqueueBehindMillis(): number {
    return this.wheel?.enqueueBehindMillis ?? 0;
  }

  get dequeueBehindMillis(): number {
    return this.wheel?.dequeueBehindMillis ?? 0;
  }

  runtimeInfo(): Record<string, string> {
    const { wheel } = this;
    return {
      timerReadBehind: String(Math.floor(this.dequeueBehindMillis / 1_000)),
      timerOffsetBehind: String(wheel?.behindMessages ?? 0),
      timerCongestNum: String(wheel?.waiting ?? 0),
      timerEnqueueTps: javaDouble(Math.fround(wheel?.rates.enqueue ?? 0)),
      timerDequeueTps: javaDouble(Math.fround(wheel?.rates.dequeue ?? 0)),
    };
  }
}
