import {
  encodeProperties,
  isRetryTopic,
  type MessageExt,
  MessageSysFlag,
  PermName,
  type PopCheckPoint,
  PropertyName,
  popNormalTopic,
} from '@rocketnest/protocol';
import { copyOfStored, type PutResult, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { returnKey } from './crash-recovery.js';
import type { InflightCounter } from './inflight.js';
import { queueKey, retryTopicOf } from './names.js';
import { isStored, type ReviveLog } from './revive-log.js';
import { ReviveQueue } from './revive-queue.js';

interface Parts {
  readonly context: BrokerContext;
  readonly log: ReviveLog;
  readonly inflight: InflightCounter;
  readonly deliveredUntil: () => number;
}

/** Check points from before a crash are all looked at when the timer has got so far beyond the start. */
const FORGET_RETURNED_MS = 60_000;
/** Properties that would send a message on a detour again. */
const DETOURS = [
  PropertyName.DELAY,
  PropertyName.TIMER_DELIVER_MS,
  PropertyName.TIMER_DELAY_SEC,
  PropertyName.TIMER_DELAY_MS,
] as const;

/** Returns popped messages that were not acknowledged in time, by the retry topic of their group (`PopReviveService`). */
export class ReviveService {
  readonly queues: readonly ReviveQueue[];
  private stopped = false;
  private returned: { readonly keys: ReadonlySet<string>; readonly startedAt: number } | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: Parts) {
    const revive = (point: PopCheckPoint, message: MessageExt) => this.revive(point, message);
    this.queues = Array.from(
      { length: parts.context.options.reviveQueueNum },
      (_, queueId) => new ReviveQueue({ ...parts, revive }, queueId),
    );
  }

  /** One round over all queues. Also called by tests that do not want to wait for the interval. */
  run(): Promise<void> {
    this.running = this.round();
    return this.running;
  }

  /** Ends a round under way soon and lets no other begin. */
  stop(): void {
    this.stopped = true;
  }

  /** Resolves when no round is under way. */
  async close(): Promise<void> {
    this.stop();
    await this.running.catch(() => undefined);
  }

  private async round(): Promise<void> {
    const outcomes = await Promise.allSettled(this.queues.map((queue) => queue.run(() => this.stopped)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Java: `reviveRetry`. */
  private async revive(point: PopCheckPoint, message: MessageExt): Promise<boolean> {
    const { context, inflight } = this.parts;
    const topic = isRetryTopic(point.t) ? point.t : retryTopicOf(context.options, point.t, point.c);
    const queues = this.ensureTopic(topic, point);
    const copy = copyOf(context, point, message, topic, message.queueId < queues ? message.queueId : 0);
    // A message that is given back uncounted can return twice by the same name.
    if (!point.sp && this.wasReturned(copy)) return true;
    const result = await new Promise<PutResult>((resolve) => context.putMessage(copy, resolve));
    if (!isStored(result)) return false;
    inflight.finished(queueKey(point.t, point.c, point.q), point.pt, 1);
    context.stats.put(topic, copy.queueId, 1, result.bytes);
    return true;
  }

  /** After a crash, check points of messages that were returned shortly before come once more: those are not returned again. */
  skipReturned(returned: Set<string>): void {
    this.returned = { keys: returned, startedAt: this.parts.context.clock.now() };
  }

  private wasReturned({ topic, reconsumeTimes, properties }: StoreMessage): boolean {
    if (this.returned === undefined) return false;
    if (this.parts.deliveredUntil() > this.returned.startedAt + FORGET_RETURNED_MS) {
      this.returned = undefined;
      return false;
    }
    const key = returnKey(topic, reconsumeTimes, properties);
    return key !== undefined && this.returned.keys.has(key);
  }

  /** Makes the retry topic, or gives it as many queues as its topic has. @returns its number of queues in use */
  private ensureTopic(name: string, point: PopCheckPoint): number {
    const { options, topics, offsets } = this.parts.context;
    const known = topics.get(name);
    const normal = topics.get(popNormalTopic(point.t, point.c));
    const queues = options.useSeparateRetryQueue ? (normal?.writeQueueNums ?? 1) : 1;
    if (known === undefined) {
      topics.createInternal(name, queues, PermName.READ | PermName.WRITE);
    } else if (options.useSeparateRetryQueue && known.writeQueueNums !== queues) {
      topics.update({ ...known, readQueueNums: queues, writeQueueNums: queues, attributes: {} });
    } else {
      return queues;
    }
    for (let queueId = 0; queueId < queues; queueId++) {
      if (offsets.query(point.c, name, queueId) < 0) offsets.commit(point.c, name, queueId, 0);
    }
    return queues;
  }
}

/** The message as it was, one attempt later. What it was delayed by counts for its first delivery only. */
function copyOf(
  { storeHost }: BrokerContext,
  point: PopCheckPoint,
  message: MessageExt,
  topic: string,
  queueId: number,
): StoreMessage {
  const all: Record<string, string> = { ...message.properties, [PropertyName.ORIGIN_GROUP]: point.c };
  if (message.reconsumeTimes === 0 || all[PropertyName.FIRST_POP_TIME] === undefined) {
    all[PropertyName.FIRST_POP_TIME] = String(point.pt);
  }
  const properties = { ...all };
  for (const name of DETOURS) delete properties[name];
  return {
    ...copyOfStored(message),
    topic,
    queueId,
    properties,
    propertiesData: Buffer.from(encodeProperties(all)),
    sysFlag: message.sysFlag & ~MessageSysFlag.STOREHOST_V6,
    storeHost,
    reconsumeTimes: message.reconsumeTimes + (point.sp ? 0 : 1),
  };
}
