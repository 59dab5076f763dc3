/** Part of a second's messages that may come at once after a pause. */
const BURST_S = 0.1;

/**
 * Lets at most so many messages a second through, evenly: a bucket that fills at the rate and holds a tenth of a second's worth,
 * at least one message. A batch may overdraw it; the next one waits the longer. Times are monotonic ms.
 */
export class RateLimit {
  private readonly capacity: number;
  private tokens: number;
  private filledAt: number;

  constructor(
    /** Messages a second; fractions are fine. */
    readonly perSecond: number,
    now: number,
  ) {
    this.capacity = Math.max(1, perSecond * BURST_S);
    this.tokens = this.capacity;
    this.filledAt = now;
  }

  /** How long the next batch has to wait, in ms; 0: it may go. */
  waitMs(now: number): number {
    this.tokens = Math.min(this.capacity, this.tokens + ((now - this.filledAt) / 1000) * this.perSecond);
    this.filledAt = now;
    return this.tokens >= 1 ? 0 : Math.ceil(((1 - this.tokens) / this.perSecond) * 1000);
  }

  /** A batch of so many messages goes. */
  take(messages: number): void {
    this.tokens -= messages;
  }
}
