import { decodeMessage, isNotAllowedSendTopic, type MessageExt, SystemTopic, topicProblem } from '@rocketnest/protocol';
import { type PutResult, PutStatus, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import type { DelayOffsets } from './delay-offsets.js';

/** Messages taken from the queue at a time: bounds memory when a long queue becomes due at once. */
const BATCH = 128;
/** Who reads the schedule topic, in statistics (`MixAll.SCHEDULE_CONSUMER_GROUP`). */
const SCHEDULE_GROUP = 'SCHEDULE_CONSUMER';
/** Pause after a failed read or write (`DELAY_FOR_A_WHILE`). */
const RETRY_MS = 100;
/** Longest sleep: a changed system clock is noticed within this time. */
const MAX_SLEEP_MS = 1_000;

/** A message of the schedule queue: its place in the queue and when it is due. */
type Entry = Awaited<ReturnType<BrokerContext['store']['consumeQueueEntries']>>[number];

/**
 * Delivers the messages of one delay level in order. All messages of a level wait equally long, so the first is always
 * the next one due: the lane sleeps until then, or until something arrives in an empty queue.
 */
export class DelayLane {
  private timer: NodeJS.Timeout | undefined;
  private run: Promise<void> | undefined;
  private again = false;
  private closed = false;

  constructor(
    private readonly context: BrokerContext,
    private readonly lane: { readonly level: number; readonly queueId: number; readonly delayMs: () => number },
    private readonly offsets: DelayOffsets,
    private readonly timeUp: (waiting: MessageExt) => StoreMessage,
  ) {}

  start(): void {
    const { store } = this.context;
    const { level, queueId } = this.lane;
    const offset = this.offsets.get(level);
    const corrected = Math.min(
      Math.max(offset, store.minOffset(SystemTopic.SCHEDULE, queueId)),
      store.maxOffset(SystemTopic.SCHEDULE, queueId),
    );
    if (corrected !== offset) {
      this.context.logger.warn('delay offset outside its queue, corrected', { level, offset, corrected });
      this.offsets.set(level, corrected);
    }
    this.wake();
  }

  /** Looks whether something is due, now. */
  wake(): void {
    if (this.closed) return;
    if (this.run !== undefined) {
      this.again = true;
      return;
    }
    // An armed timer already waits for the first message of the queue, which is due before any later one.
    if (this.timer !== undefined) return;
    this.run = this.deliverDue().then((sleepMs) => {
      this.run = undefined;
      const again = this.again;
      this.again = false;
      if (sleepMs !== undefined) this.sleep(sleepMs);
      else if (again) this.wake();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.run;
  }

  private sleep(ms: number): void {
    if (this.closed) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.wake();
      },
      Math.min(ms, MAX_SLEEP_MS),
    );
  }

  /** Delivers what is due. Returns how long to sleep before the next look, or undefined when the queue is empty. */
  private async deliverDue(): Promise<number | undefined> {
    const { level, queueId } = this.lane;
    try {
      while (!this.closed) {
        const offset = this.offsets.get(level);
        const entries = await this.context.store.consumeQueueEntries(SystemTopic.SCHEDULE, queueId, offset, BATCH);
        const first = entries[0];
        if (first === undefined) return undefined;
        // One moment for all: were the clock to go on between two entries, the first of them would be left out and its offset passed.
        const now = this.context.clock.now();
        const waitMs = this.dueIn(first, now);
        if (waitMs > 0) return waitMs;
        const later = entries.findIndex((entry) => this.dueIn(entry, now) > 0);
        if (!(await this.deliver(later < 0 ? entries : entries.slice(0, later)))) return RETRY_MS;
      }
      return undefined;
    } catch (error) {
      this.context.logger.error('delayed delivery failed, will be tried again', { level, error });
      return RETRY_MS;
    }
  }

  /** Milliseconds until an entry is due. A due time beyond the level's delay (the levels were shortened) counts as now. */
  private dueIn(entry: Entry, now: number): number {
    const wait = entry.tagsCode - now;
    return wait > this.lane.delayMs() ? 0 : wait;
  }

  /** Moves messages to their topics; the offset follows what is stored without a gap. False if one could not be stored. */
  private async deliver(due: readonly Entry[]): Promise<boolean> {
    const stored = await Promise.all(due.map((entry) => this.context.store.messageAt(entry.commitLogOffset)));
    const results = await Promise.all(stored.map((buffer) => this.put(buffer)));
    for (const [index, result] of results.entries()) {
      if (result !== undefined && result.status !== PutStatus.PUT_OK) {
        this.context.logger.error('delayed message not stored, will be tried again', {
          level: this.lane.level,
          offset: due[index]?.queueOffset,
          status: result.status,
        });
        return false;
      }
      this.offsets.set(this.lane.level, (due[index] as Entry).queueOffset + 1);
    }
    return true;
  }

  /** Undefined when there is nothing to deliver: the message is gone by retention, or it names no topic of a user. */
  private put(buffer: Buffer | null): Promise<PutResult> | undefined {
    if (buffer === null) return undefined;
    const message = this.timeUp(decodeMessage(buffer));
    // The schedule topic among them: such a message would come back for ever.
    if (topicProblem(message.topic) !== null || isNotAllowedSendTopic(message.topic)) {
      this.context.logger.error('delayed message names an impossible topic, discarded', { topic: message.topic });
      return undefined;
    }
    const { stats } = this.context;
    stats.got(SCHEDULE_GROUP, SystemTopic.SCHEDULE, 1, buffer.length);
    stats.queueGot(SCHEDULE_GROUP, SystemTopic.SCHEDULE, this.lane.queueId, 1, buffer.length);
    return new Promise((resolve) => {
      this.context.putMessage(message, (result) => {
        if (result.status === PutStatus.PUT_OK) stats.put(message.topic, message.queueId, 1, result.bytes);
        resolve(result);
      });
    });
  }
}
