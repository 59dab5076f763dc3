/** Upper bounds in ms of the classes that the runtime info shows, the last one being open (`StoreStatsService`). */
const CLASSES: readonly (readonly [belowMs: number, label: string])[] = [
  [1, '[<=0ms]'],
  [10, '[0~10ms]'],
  [50, '[10~50ms]'],
  [100, '[50~100ms]'],
  [200, '[100~200ms]'],
  [500, '[200~500ms]'],
  [1_000, '[500ms~1s]'],
  [2_000, '[1~2s]'],
  [3_000, '[2~3s]'],
  [4_000, '[3~4s]'],
  [5_000, '[4~5s]'],
  [10_000, '[5~10s]'],
  [Number.POSITIVE_INFINITY, '[10s~]'],
];

/** Buckets for percentiles: step in ms and how many of them, one after another; the last bucket is open. */
const BUCKET_STEPS: readonly (readonly [stepMs: number, count: number])[] = [
  [1, 20],
  [2, 15],
  [5, 10],
  [10, 10],
  [50, 6],
  [100, 5],
  [1_000, 9],
];

const BUCKET_ENDS: readonly number[] = bucketEnds();

/** How long puts take: counted for a minute, then shown while the next minute is counted (`StoreStatsService`). */
export class PutLatency {
  /** Longest put since the start, ms. */
  maxMs = 0;
  private classes = zeros(CLASSES.length);
  private buckets = zeros(BUCKET_ENDS.length);
  private shownClasses = this.classes;
  private shownBuckets = this.buckets;

  add(ms: number): void {
    let inClass = 0;
    while (ms >= CLASSES[inClass]![0]) inClass++;
    this.classes[inClass]! += 1;
    // Most puts take less than 20 ms, where a bucket is one millisecond wide.
    let bucket = ms <= 20 ? Math.max(0, Math.ceil(ms) - 1) : 20;
    while (ms > BUCKET_ENDS[bucket]!) bucket++;
    this.buckets[bucket]! += 1;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  /** Ends the minute. */
  turn(): void {
    this.shownClasses = this.classes;
    this.shownBuckets = this.buckets;
    this.classes = zeros(CLASSES.length);
    this.buckets = zeros(BUCKET_ENDS.length);
  }

  /** `[<=0ms]:12 [0~10ms]:3 …` of the last complete minute. */
  get distribution(): string {
    return CLASSES.map(([, label], at) => `${label}:${this.shownClasses[at]} `).join('');
  }

  /** Latency in ms that `share` (0 to 1) of the puts of the last complete minute kept, interpolated within its bucket. */
  percentile(share: number): number {
    const total = this.shownBuckets.reduce((sum, count) => sum + count, 0);
    const wanted = Math.floor(total * share);
    let passed = 0;
    for (const [at, count] of this.shownBuckets.entries()) {
      if (wanted > passed + count) {
        passed += count;
        continue;
      }
      const from = at === 0 ? 0 : BUCKET_ENDS[at - 1]!;
      const to = Math.min(BUCKET_ENDS[at]!, Math.max(this.maxMs, from));
      return count === 0 ? from : from + ((to - from) * (wanted - passed)) / count;
    }
    return 0;
  }
}

function bucketEnds(): number[] {
  const ends: number[] = [];
  let end = 0;
  for (const [step, count] of BUCKET_STEPS) {
    for (let i = 0; i < count; i++) {
      end += step;
      ends.push(end);
    }
  }
  return [...ends, Number.POSITIVE_INFINITY];
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0);
