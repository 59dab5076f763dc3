import type { Clock } from './clock.js';

/** Java samples every second and answers averages over the last 10, 60 and 600 seconds (`StoreStatsService`). */
const SAMPLE_MS = 1_000;
const WINDOWS_S = [10, 60, 600] as const;
const KEPT_SAMPLES = WINDOWS_S[2] + 1;

interface Totals {
  putMessages: number;
  putBytes: number;
  putFailures: number;
  gotMessages: number;
  getsFound: number;
  getsMissed: number;
}

const noTotals = (): Totals => ({
  putMessages: 0,
  putBytes: 0,
  putFailures: 0,
  gotMessages: 0,
  getsFound: 0,
  getsMissed: 0,
});

/** What this broker has done since it started: cheap counters on the hot path, rates and day totals for the admin. */
export class BrokerStats {
  readonly totals = noTotals();
  readonly startedAt: number;
  private readonly samples: (Totals & { at: number })[] = [];
  private day: string;
  private todayMorning = noTotals();
  private yesterdayMorning = noTotals();

  constructor(private readonly clock: Clock) {
    this.startedAt = clock.now();
    this.day = localDay(this.startedAt);
    this.sample();
  }

  static readonly sampleIntervalMs = SAMPLE_MS;

  /** Called every {@link BrokerStats.sampleIntervalMs}. */
  sample(): void {
    const at = this.clock.now();
    this.samples.push({ at, ...this.totals });
    if (this.samples.length > KEPT_SAMPLES) this.samples.shift();
    const day = localDay(at);
    if (day !== this.day) {
      this.day = day;
      this.yesterdayMorning = this.todayMorning;
      this.todayMorning = { ...this.totals };
    }
  }

  /** Averages per second over the last 10, 60 and 600 seconds, as Java prints them: `"12.5 10.0 9.75"`. */
  rate(...counters: (keyof Totals)[]): string {
    const sum = (totals: Totals): number => counters.reduce((all, counter) => all + totals[counter], 0);
    const last = this.samples.at(-1)!;
    return WINDOWS_S.map((seconds) => {
      const first = this.samples[Math.max(0, this.samples.length - 1 - seconds)]!;
      const elapsed = (last.at - first.at) / 1_000;
      return elapsed <= 0 ? 0 : (sum(last) - sum(first)) / elapsed;
    }).join(' ');
  }

  /** Messages put and got until yesterday's and today's midnight and now (`BrokerStats`). */
  get days(): Record<'yesterdayMorning' | 'todayMorning' | 'now', { put: number; got: number }> {
    const count = (totals: Totals) => ({ put: totals.putMessages, got: totals.gotMessages });
    return {
      yesterdayMorning: count(this.yesterdayMorning),
      todayMorning: count(this.todayMorning),
      now: count(this.totals),
    };
  }
}

function localDay(at: number): string {
  return new Date(at).toDateString();
}
