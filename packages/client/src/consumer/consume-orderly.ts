import type { MessageExt } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { type Batch, type BatchOptions, batchOf, Consumption } from './consumption.js';
import type { HandlerCall, Settled } from './handler-call.js';
import type { OffsetStore } from './offset-store.js';
import { type ConsumeOutcome, failedOf, outcomeFor } from './outcome.js';
import type { ProcessQueue } from './process-queue.js';
import type { QueueLocks } from './queue-locks.js';
import type { SendBack } from './send-back.js';

/** Java: bounds of the suspend time in submitConsumeRequestLater. ms */
const SUSPEND_MIN_MS = 10;
const SUSPEND_MAX_MS = 30_000;
/** Pauses after asking for a lost lock: it was granted, it was not. Java: tryLockLaterAndReconsume. ms */
const LOCKED_AGAIN_MS = 10;
const NOT_LOCKED_MS = 3_000;

export interface OrderlyOptions extends BatchOptions {
  readonly group: string;
  readonly concurrency: number;
  readonly suspendMs: number;
  /** Deliveries after the first one before a message is given up. */
  readonly maxReconsumeTimes: number;
  readonly calls: HandlerCall;
  readonly offsets: OffsetStore;
  /** Absent when broadcasting: nobody else reads our copy of the queue. */
  readonly locks: QueueLocks | undefined;
  readonly sendBack: SendBack;
  readonly logger: Logger;
}

/**
 * One handler at a time per queue, in queue order. A failed batch keeps the queue still for a moment and comes again, so
 * nothing overtakes it, until it succeeds or is given up to the dead letter queue. Java: ConsumeMessageOrderlyService.
 */
export class OrderlyConsumption extends Consumption {
  protected readonly overlapping = false;

  constructor(private readonly options: OrderlyOptions) {
    super(options.concurrency);
  }

  protected next(queue: ProcessQueue): Batch | undefined {
    if (queue.suspended) return undefined;
    if (this.options.locks !== undefined && !queue.isLocked(Date.now())) {
      this.lockAgain(queue, this.options.locks);
      return undefined;
    }
    if (this.waitsForMore(queue, queue.untaken, this.options)) return undefined;
    const messages = queue.take(this.options.batchSize);
    return messages.length === 0 ? undefined : batchOf(queue, messages);
  }

  protected run(batch: Batch): void {
    this.options.calls.invoke(batch.messages, batch.queue.queue, (outcome) => this.settle(batch, outcome));
  }

  private settle(batch: Batch, outcome: Settled): void {
    const { queue, messages } = batch;
    if (outcome === undefined) {
      this.commit(queue, messages);
    } else if (!queue.dropped) {
      const done = () => this.finished(batch);
      this.repeat(queue, messages, outcome).then(done, done);
      return;
    }
    // A dropped queue's next owner gets the failed batch, and decides about giving it up.
    this.finished(batch);
  }

  private async repeat(queue: ProcessQueue, messages: readonly MessageExt[], outcome: ConsumeOutcome): Promise<void> {
    const { sendBack, suspendMs } = this.options;
    const failed = failedOf(outcome, messages);
    let pauseMs = suspendMs;
    // Nothing may overtake the first one that comes again.
    let held = false;
    for (const message of messages) {
      if (!held && failed.length > 0 && !failed.includes(message)) {
        this.commit(queue, [message]);
        continue;
      }
      // The handler has not got as far as this one.
      if (held && outcome.action === 'each' && !failed.includes(message)) continue;
      const wanted = outcomeFor(outcome, message);
      const exhausted = wanted.action === 'dead-letter' || message.reconsumeTimes >= this.options.maxReconsumeTimes;
      const reason = wanted.action === 'dead-letter' ? wanted.reason : undefined;
      if (exhausted && (await sendBack.giveUpCounted(message, reason))) {
        this.commit(queue, [message]);
        continue;
      }
      if (!held && wanted.action === 'suspend') pauseMs = wanted.ms ?? suspendMs;
      held = true;
      message.reconsumeTimes++;
    }
    queue.rewind();
    if (messages.some((message) => queue.has(message))) this.suspend(queue, pauseMs);
  }

  private suspend(queue: ProcessQueue, ms: number): void {
    queue.suspended = true;
    this.later(Math.min(Math.max(ms, SUSPEND_MIN_MS), SUSPEND_MAX_MS), () => this.release(queue));
  }

  private release(queue: ProcessQueue): void {
    queue.suspended = false;
    this.submit(queue);
  }

  /** The lock has not been renewed in time: ask the broker, and go on when it is ours. */
  private lockAgain(queue: ProcessQueue, locks: QueueLocks): void {
    this.options.logger.warn('the lock of an ordered queue has expired; consumption waits for it', queue.queue);
    queue.suspended = true;
    void locks
      .lock(queue)
      .then((locked) => this.later(locked ? LOCKED_AGAIN_MS : NOT_LOCKED_MS, () => this.release(queue)));
  }

  /** A dropped queue's last batch still counts while its lock is ours: nobody else has read it yet. */
  private commit(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    const offset = queue.remove(messages);
    if (offset < 0) return;
    if (queue.dropped && !(this.options.locks !== undefined && queue.isLocked(Date.now()))) return;
    this.options.offsets.update(queue.key, queue.queue, offset, false);
  }
}
