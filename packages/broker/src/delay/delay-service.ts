import { encodeProperties, type MessageExt, PropertyName, SystemTopic } from '@rocketnest/protocol';
import { copyOfStored, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext, Delays } from '../context.js';
import { DelayLane } from './delay-lane.js';
import { DelayOffsets } from './delay-offsets.js';

/**
 * Delay levels: messages with a DELAY property wait in SCHEDULE_TOPIC_XXXX, one queue per level, and return to their
 * real topic when their time has come (`ScheduleMessageService`). The consume queue of a level holds due times instead
 * of tag hashes, so a lane reads when its first message is due without touching the commit log.
 */
export class DelayService implements Delays {
  private readonly offsets: DelayOffsets;
  private readonly lanes: DelayLane[] = [];
  private running = false;

  constructor(private readonly context: BrokerContext) {
    this.offsets = new DelayOffsets(context, context.configFile('delayOffset.json'));
  }

  /** Starts delivering. The store and the server are started before: stored hosts need the real port. */
  async start(): Promise<void> {
    await this.offsets.file.load();
    this.running = true;
    this.startLanes();
    this.context.liveOptions.onChange((changed) => {
      if (changed.has('messageDelayLevel')) this.startLanes();
    });
    this.context.jobs.every(
      () => this.context.options.flushDelayOffsetInterval,
      'persist delay offsets',
      () => this.offsets.file.save(),
    );
  }

  /** A lane for each level; those that are there already go on, also when their level is gone: messages may wait in it. */
  private startLanes(): void {
    while (this.running && this.lanes.length < this.levelsMs.length) {
      const queueId = this.lanes.length;
      const delayMs = (): number => this.levelsMs[queueId] ?? Number.POSITIVE_INFINITY;
      const lane = new DelayLane(this.context, { level: queueId + 1, queueId, delayMs }, this.offsets, timeUp);
      this.lanes.push(lane);
      lane.start();
    }
  }

  private get levelsMs(): readonly number[] {
    return this.context.store.delayLevels.delaysMs;
  }

  /** Stops delivering and persists the offsets. The store is closed after this. */
  async close(): Promise<void> {
    this.running = false;
    await Promise.all(this.lanes.map((lane) => lane.close()));
    await this.offsets.file.save();
  }

  /** Rows for GET_BROKER_RUNTIME_INFO (`ScheduleMessageService.buildRunningStats`). */
  runtimeInfo(): Record<string, string> {
    const rows = this.offsets
      .entries()
      .map(([level, offset]) => [
        `scheduleMessageOffset_${level}`,
        `${offset},${this.context.store.maxOffset(SystemTopic.SCHEDULE, level - 1)}`,
      ]);
    return Object.fromEntries(rows);
  }

  /** Turns a message with a delay level into one for the schedule topic, in place (`HookUtils.transformDelayLevelMessage`). */
  divert(message: StoreMessage, level: number): void {
    const used = Math.min(level, this.levelsMs.length);
    message.properties = {
      ...message.properties,
      [PropertyName.DELAY]: String(used),
      [PropertyName.REAL_TOPIC]: message.topic,
      [PropertyName.REAL_QUEUE_ID]: String(message.queueId),
    };
    message.propertiesData = undefined;
    message.topic = SystemTopic.SCHEDULE;
    message.queueId = used - 1;
  }

  /** Tells that the queue of a level has a new message. */
  arrived(queueId: number): void {
    this.lanes[queueId]?.wake();
  }

  /** The body of GET_ALL_DELAY_OFFSET. */
  encodeOffsets(): string {
    return this.offsets.encode();
  }
}

/**
 * The message as it was sent. The stored properties stay as they are, so that consumers see DELAY, REAL_TOPIC and REAL_QID
 * like on Apache's broker (`ScheduleMessageService.messageTimeUp`); only the map, which decides what the store does
 * with the message, loses what would delay it again.
 */
export function timeUp(waiting: MessageExt): StoreMessage {
  const properties = { ...waiting.properties };
  for (const name of [PropertyName.DELAY, PropertyName.TIMER_DELIVER_MS, PropertyName.TIMER_DELAY_SEC]) {
    delete properties[name];
  }
  return {
    ...copyOfStored(waiting),
    topic: properties[PropertyName.REAL_TOPIC] ?? '',
    queueId: Number(properties[PropertyName.REAL_QUEUE_ID]),
    properties,
    propertiesData: Buffer.from(encodeProperties(waiting.properties)),
    waitStoreOk: false,
  };
}
