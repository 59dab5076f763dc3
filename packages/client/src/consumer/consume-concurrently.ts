import type { MessageExt } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { type Batch, type BatchOptions, batchOf, Consumption } from './consumption.js';
import { type HandlerCall, type Settled, startOf } from './handler-call.js';
import type { OffsetStore } from './offset-store.js';
import { type ConsumeOutcome, failedOf, outcomeFor } from './outcome.js';
import type { ProcessQueue } from './process-queue.js';
import type { SendBack } from './send-back.js';

/** Pause before a message that could be handed back nowhere is given to the handler again. Java: submitConsumeRequestLater. */
const LOCAL_RETRY_MS = 5_000;
/** Delay level of messages whose handler exceeded the consume timeout. Java: ProcessQueue.cleanExpiredMsg. */
const EXPIRED_DELAY_LEVEL = 3;
/** Messages at the front of one queue that one expiry check looks at. */
const EXPIRED_PER_CHECK = 16;

export interface ConcurrentlyOptions extends BatchOptions {
  readonly group: string;
  readonly concurrency: number;
  readonly consumeTimeoutMs: number;
  readonly broadcasting: boolean;
  readonly calls: HandlerCall;
  readonly offsets: OffsetStore;
  readonly sendBack: SendBack;
  readonly logger: Logger;
}

/**
 * Messages of a queue are handled side by side; the committed offset follows the oldest unfinished one. A failed message
 * goes back to the broker, which delivers it again later, so it does not hold the queue up. Java: ConsumeMessageConcurrentlyService.
 */
export class ConcurrentConsumption extends Consumption {
  protected readonly overlapping = true;
  /** Messages on their way back because of the consume timeout; what their handlers return no longer matters. */
  private readonly expiring = new Set<MessageExt>();

  constructor(private readonly options: ConcurrentlyOptions) {
    super(options.concurrency);
  }

  protected next(queue: ProcessQueue): Batch | undefined {
    if (this.waitsForMore(queue, queue.untaken, this.options)) return undefined;
    const messages = queue.take(this.options.batchSize);
    return messages.length === 0 ? undefined : batchOf(queue, messages);
  }

  protected run(batch: Batch): void {
    this.options.calls.invoke(batch.messages, batch.queue.queue, (outcome) => this.settle(batch, outcome));
  }

  /**
   * Sends messages back whose handler runs longer than the consume timeout, so that they no longer hold the committed
   * offset. The handler goes on; its result no longer matters.
   */
  async expire(queue: ProcessQueue): Promise<void> {
    const { consumeTimeoutMs, group, logger, sendBack } = this.options;
    for (let i = 0; i < EXPIRED_PER_CHECK; i++) {
      const message = queue.oldest;
      if (message === undefined || queue.dropped || this.expiring.has(message)) return;
      if (!(Date.now() - startOf([message]) > consumeTimeoutMs)) return;
      logger.warn(
        `handler of group ${group} runs longer than ${consumeTimeoutMs} ms; the message is sent back for a retry`,
        {
          group,
          topic: message.topic,
          msgId: message.msgId,
          queueOffset: message.queueOffset,
        },
      );
      this.expiring.add(message);
      const sent = await sendBack.retry(message, queue.queue, EXPIRED_DELAY_LEVEL);
      this.expiring.delete(message);
      // Else the next check tries again.
      if (!sent) return;
      this.acknowledge(queue, [message]);
    }
  }

  private settle(batch: Batch, outcome: Settled): void {
    const { queue, messages } = batch;
    if (outcome === undefined) {
      this.acknowledge(queue, messages);
    } else if (queue.dropped) {
      this.note('info', 'failed messages are left to the new owner of their queue', batch);
    } else if (this.options.broadcasting) {
      this.note('warn', 'broadcast messages failed and are dropped: broadcasting has no retry', batch);
      this.acknowledge(queue, messages);
    } else {
      const done = () => this.finished(batch);
      this.handBack(batch, outcome).then(done, done);
      return;
    }
    this.finished(batch);
  }

  private note(level: 'info' | 'warn', what: string, { queue, messages }: Batch): void {
    const msgIds = messages.map((message) => message.msgId);
    this.options.logger[level](what, { group: this.options.group, ...queue.queue, msgIds });
  }

  private async handBack({ queue, messages }: Batch, outcome: ConsumeOutcome): Promise<void> {
    const wanted = failedOf(outcome, messages);
    if (wanted.length < messages.length) {
      this.acknowledge(
        queue,
        messages.filter((message) => !wanted.includes(message)),
      );
    }
    // A message that is no longer in its queue has expired: it was sent back already.
    const failed = wanted.filter((message) => queue.has(message) && !this.expiring.has(message));
    const sent = await Promise.all(failed.map((message) => this.handBackOne(message, queue, outcome)));
    this.acknowledge(
      queue,
      failed.filter((_, i) => sent[i]),
    );
    const kept = failed.filter((_, i) => !sent[i]);
    if (kept.length === 0) return;
    for (const message of kept) message.reconsumeTimes++;
    this.repeatLater(batchOf(queue, kept));
  }

  private handBackOne(message: MessageExt, { queue }: ProcessQueue, outcome: ConsumeOutcome): Promise<boolean> {
    const { sendBack } = this.options;
    const wanted = outcomeFor(outcome, message);
    if (wanted.action === 'dead-letter') return sendBack.giveUp(message, queue, wanted.reason);
    return sendBack.retry(message, queue, wanted.action === 'retry' ? (wanted.delayLevel ?? 0) : 0);
  }

  private repeatLater(batch: Batch): void {
    this.later(LOCAL_RETRY_MS, () => {
      if (batch.queue.dropped) return;
      if (this.isPaused || batch.queue.paused) this.repeatLater(batch);
      else this.start(batch);
    });
  }

  private acknowledge(queue: ProcessQueue, messages: readonly MessageExt[]): void {
    const offset = queue.remove(messages);
    if (offset >= 0 && !queue.dropped) this.options.offsets.update(queue.key, queue.queue, offset, true);
  }
}
