import type { Settled } from '../handler-call.js';
import { type ConsumeOutcome, failedOf, outcomeFor } from '../outcome.js';
import { type PopBatch, PopConsumption, type PopConsumptionOptions } from './pop-consumption.js';
import type { Popped } from './popped.js';

/** Bounds of the pause after a failure, as for queues that are pulled. ms */
const SUSPEND_MIN_MS = 10;
const SUSPEND_MAX_MS = 30_000;

export interface OrderlyPopOptions extends PopConsumptionOptions {
  /** Pause of a queue after a failed batch. */
  readonly suspendMs: number;
}

/**
 * One handler at a time per lane, in queue order. The broker gives nobody more of a queue while a message of it is out, so that
 * nothing overtakes a failed one: it goes back with all that follow, and comes again first. The broker counts deliveries.
 * Java's push consumer has no such mode (ConsumeMessagePopOrderlyService consumes nothing); 5.x clients have, through the proxy.
 */
export class OrderlyPopConsumption extends PopConsumption {
  protected readonly overlapping = false;

  constructor(protected override readonly options: OrderlyPopOptions) {
    super(options);
  }

  /** What follows waits as long as the handler runs. */
  protected heldBy(batch: PopBatch): readonly Popped[] {
    return [...batch.popped, ...batch.queue.untaken];
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
    // Nothing may overtake the first one that comes again.
    const named = new Set(failedOf(outcome, messages));
    const isOver = ({ message }: Popped) =>
      outcomeFor(outcome, message).action === 'dead-letter' || message.reconsumeTimes >= this.options.maxReconsumeTimes;
    const isDone = ({ message }: Popped) => named.size > 0 && !named.has(message);
    const firstHeld = popped.findIndex((each) => !isDone(each) && !isOver(each));
    const settled = firstHeld < 0 ? popped : popped.slice(0, firstHeld);
    this.acknowledge(lane, settled.filter(isDone));
    const kept = await this.giveUp(
      lane,
      popped.filter((each) => !isDone(each) && isOver(each)),
      outcome,
    );
    const again = [...kept, ...popped.slice(settled.length).filter((each) => isDone(each) || !isOver(each))];
    const [first] = again;
    if (first === undefined) return;
    const { suspendMs } = this.options;
    const wanted = outcomeFor(outcome, first.message);
    const ms = wanted.action === 'suspend' ? (wanted.ms ?? suspendMs) : suspendMs;
    const pauseMs = Math.min(Math.max(ms, SUSPEND_MIN_MS), SUSPEND_MAX_MS);
    // Taken from the lane at once: no handler may get what follows.
    const following = lane.take(Number.MAX_SAFE_INTEGER);
    await this.comeAgain(lane, [...again, ...following], () => pauseMs);
  }
}
