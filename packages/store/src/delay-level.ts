const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The table of delay levels. Java: `DefaultMessageStore.parseDelayLevel` and `computeDeliverTimestamp`. */
export class DelayLevels {
  /** Delay in ms of level i + 1. */
  private readonly delaysMs: readonly number[];

  /** @param text the checked `messageDelayLevel` option. */
  constructor(text: string) {
    this.delaysMs = text.split(' ').map((word) => Number(word.slice(0, -1)) * UNIT_MS[word.slice(-1)]!);
  }

  get max(): number {
    return this.delaysMs.length;
  }

  /** When a message of this level (1 or more; above the table = the last level) stored at that time is due, in ms since 1970. */
  deliverTimestamp(level: number, storeTimestamp: number): number {
    return storeTimestamp + this.delaysMs[Math.min(level, this.max) - 1]!;
  }
}
