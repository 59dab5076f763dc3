/** Sum, rate and average of an item over some time (`StatsSnapshot`). */
export interface StatsSnapshot {
  readonly sum: number;
  /** Per second. */
  readonly tps: number;
  /** Average per call. */
  readonly avgpt: number;
}

interface Sample {
  readonly at: number;
  readonly times: number;
  readonly value: number;
}

/** How often an item is sampled for each span, and how many samples a span has (`StatsItemSet.init`, `StatsItem.sampling…`). */
export const statsSpans = {
  minute: { everyMs: 10_000, samples: 7 },
  hour: { everyMs: 600_000, samples: 7 },
  day: { everyMs: 3_600_000, samples: 25 },
} as const;

export type StatsSpan = keyof typeof statsSpans;

/** One number that is counted, and its recent past (`StatsItem`). */
export class StatsItem {
  /** Sum of everything added. */
  value = 0;
  /** How often something was added. */
  times = 0;
  /** When the frequent sampling last saw a change, in ms since 1970. */
  changedAt: number;
  private readonly series: Record<StatsSpan, Sample[]> = { minute: [], hour: [], day: [] };

  /** @param now ms since 1970 */
  constructor(now: number) {
    this.changedAt = now;
  }

  add(value: number, times = 1): void {
    this.value += value;
    this.times += times;
  }

  sample(span: StatsSpan, now: number): void {
    const { everyMs, samples } = statsSpans[span];
    const series = this.series[span];
    // What was counted before the first sample counts as of this interval.
    if (series.length === 0) series.push({ at: now - everyMs, times: 0, value: 0 });
    if (span === 'minute' && (this.times !== series.at(-1)!.times || this.value !== series.at(-1)!.value))
      this.changedAt = now;
    series.push({ at: now, times: this.times, value: this.value });
    if (series.length > samples) series.shift();
  }

  /** What the samples of a span say; zeros before the first one. */
  snapshot(span: StatsSpan): StatsSnapshot {
    const first = this.series[span][0];
    const last = this.series[span].at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return { sum: 0, tps: 0, avgpt: 0 };
    const sum = last.value - first.value;
    const times = last.times - first.times;
    return { sum, tps: (sum * 1_000) / (last.at - first.at), avgpt: times > 0 ? sum / times : 0 };
  }
}
