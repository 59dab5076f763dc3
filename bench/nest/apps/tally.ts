import { type BenchEvent, mixed, now, percentile } from './app.js';

/** What a handler process has seen of one phase; times in ms of `now()`. */
export interface Handled {
  /** Different events of this phase. */
  readonly count: number;
  /** Deliveries of events that were handled before, of this phase or an earlier one. */
  readonly duplicates: number;
  /** Sum of `mixed(id)` over the different events, modulo 2^32. */
  readonly checksum: number;
  /** Events whose text was not the one that was sent. */
  readonly damaged: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** From emit to handler. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** After the share of events that warms up: what the rest took. */
  readonly measured: { readonly count: number; readonly ms: number; readonly cpuSeconds: number };
  readonly residentMiB: number;
}

/** Which events a phase consists of. */
export interface Expected {
  readonly from: number;
  /** How many events are handled before `measured` begins. */
  readonly warmup: number;
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Counts events: which, how often, how late. */
export class Tally {
  readonly #text: string;
  #seen = new Uint8Array(1 << 20);
  #expected: Expected = { from: 0, warmup: 0 };
  #latencies: number[] = [];
  #count = 0;
  #duplicates = 0;
  #checksum = 0;
  #damaged = 0;
  #firstAt = Number.NaN;
  #lastAt = Number.NaN;
  #mark = { count: 0, at: 0, cpu: 0 };

  /** @param text what every event's text must be */
  constructor(text: string) {
    this.#text = text;
  }

  get count(): number {
    return this.#count;
  }

  /** A phase begins. */
  expect(expected: Expected): void {
    this.#expected = expected;
    this.#latencies = [];
    this.#count = this.#duplicates = this.#checksum = this.#damaged = 0;
    this.#firstAt = this.#lastAt = Number.NaN;
    this.#mark = { count: 0, at: now(), cpu: cpuSeconds() };
  }

  readonly add = ({ id, at, text }: BenchEvent): void => {
    const time = now();
    if (id >= this.#seen.length) this.#grow(id);
    if (id < this.#expected.from || this.#seen[id] === 1) {
      this.#duplicates++;
      return;
    }
    this.#seen[id] = 1;
    if (text !== this.#text) this.#damaged++;
    this.#checksum = (this.#checksum + mixed(id)) >>> 0;
    this.#latencies.push(time - at);
    if (this.#count++ === 0) this.#firstAt = time;
    this.#lastAt = time;
    if (this.#count === this.#expected.warmup) this.#mark = { count: this.#count, at: time, cpu: cpuSeconds() };
  };

  result(): Handled {
    const latencies = Float64Array.from(this.#latencies).sort();
    return {
      count: this.#count,
      duplicates: this.#duplicates,
      checksum: this.#checksum,
      damaged: this.#damaged,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      p999Ms: percentile(latencies, 0.999),
      measured: {
        count: this.#count - this.#mark.count,
        ms: this.#lastAt - this.#mark.at,
        cpuSeconds: cpuSeconds() - this.#mark.cpu,
      },
      residentMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  }

  #grow(id: number): void {
    const larger = new Uint8Array(Math.max(id + 1, this.#seen.length * 2));
    larger.set(this.#seen);
    this.#seen = larger;
  }
}
