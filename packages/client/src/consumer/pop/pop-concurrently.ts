import type { Settled } from '../handler-call.js';
import { type ConsumeOutcome, failedOf, outcomeFor } from '../outcome.js';
import { retryDelayMs } from './backoff.js';
import { type PopBatch, PopConsumption } from './pop-consumption.js';
import type { Popped } from './popped.js';

/** Messages are handled side by side; failed ones come again after a while. Java: ConsumeMessagePopConcurrentlyService. */
export class ConcurrentPopConsumption extends PopConsumption {
  protected readonly overlapping = true;

  protected heldBy(batch: PopBatch): readonly Popped[] {
    return batch.popped;
  }

  protected settle(batch: PopBatch, outcome: Settled): void {
    if (outcome === undefined) {
      this.acknowledge(batch.queue, batch.popped);
      this.finished(batch);
      return;
    }
    const done = () => this.finished(batch);
    this.failed(batch, outcome).then(done, done);
  }

  private async failed({ messages, queue: lane, popped }: PopBatch, outcome: ConsumeOutcome): Promise<void> {
    const named = new Set(failedOf(outcome, messages));
    this.acknowledge(
      lane,
      popped.filter(({ message }) => !named.has(message)),
    );
    const failed = popped.filter(({ message }) => named.has(message));
    const isOver = ({ message }: Popped) =>
      outcomeFor(outcome, message).action === 'dead-letter' || message.reconsumeTimes >= this.options.maxReconsumeTimes;
    const kept = await this.giveUp(lane, failed.filter(isOver), outcome);
    const again = failed.filter((each) => !isOver(each)).concat(kept);
    await this.comeAgain(lane, again, (message) => {
      const wanted = outcomeFor(outcome, message);
      return retryDelayMs(wanted.action === 'retry' ? (wanted.delayLevel ?? 0) : 0, message.reconsumeTimes);
    });
  }
}
