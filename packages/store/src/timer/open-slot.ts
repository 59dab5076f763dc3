import type { TimerUnit } from './timer-unit.js';

/** A message of a slot, on its way out. */
export interface DueTimer {
  readonly dueMs: number;
  readonly commitLogOffset: number;
  readonly size: number;
  readonly enqueuedMs: number;
  readonly magic: number;
}

/** Numbers per entry of a bucket. */
const STRIDE = 3;
const MAGIC_VALUES = 16;

/**
 * The slot whose time has come, in memory: one bucket per millisecond. Only the present slot and the next are open; all others are
 * on the disk. An entry takes 24 bytes, so that a slot may have millions.
 */
export class OpenSlot {
  /** Delete keys of messages of this slot that were recalled. */
  readonly deleted = new Set<string>();
  /** Some of its messages were taken. */
  touched = false;
  /** Settles when what the disk has of the slot is in it. */
  ready: Promise<void> = Promise.resolve();
  private readonly buckets: (number[] | undefined)[];
  /** The first bucket that may have entries, and how many numbers of it were taken. */
  private bucket = 0;
  private taken = 0;
  private entries = 0;

  constructor(
    readonly timeMs: number,
    readonly precisionMs: number,
  ) {
    this.buckets = new Array(precisionMs + 1).fill(undefined);
  }

  /** Everything in it is due. */
  get endMs(): number {
    return this.timeMs + this.precisionMs;
  }

  get isEmpty(): boolean {
    return this.entries === 0;
  }

  /** When the next message is due, in ms; Infinity when there is none. */
  get nextDueMs(): number {
    if (this.isEmpty) return Number.POSITIVE_INFINITY;
    this.skipEmptyBuckets();
    return this.timeMs + this.bucket;
  }

  /** A message without an exact time is due at the end of the slot. */
  add({ dueMs, commitLogOffset, size, enqueuedMs, magic }: Omit<TimerUnit, 'previous' | 'slotMs' | 'topicHash'>): void {
    const exact = dueMs > 0 && dueMs < this.endMs ? dueMs - this.timeMs : this.precisionMs;
    const at = Math.max(exact, this.bucket);
    this.buckets[at] ??= [];
    this.buckets[at].push(commitLogOffset, size, enqueuedMs * MAGIC_VALUES + magic);
    this.entries++;
  }

  /** Takes at most `max` messages that are due. */
  take(now: number, max: number): DueTimer[] {
    const due: DueTimer[] = [];
    while (due.length < max && this.nextDueMs <= now) {
      const bucket = this.buckets[this.bucket]!;
      const stamp = bucket[this.taken + 2]!;
      due.push({
        dueMs: this.timeMs + this.bucket,
        commitLogOffset: bucket[this.taken]!,
        size: bucket[this.taken + 1]!,
        enqueuedMs: Math.floor(stamp / MAGIC_VALUES),
        magic: stamp % MAGIC_VALUES,
      });
      this.taken += STRIDE;
      this.entries--;
      this.touched = true;
    }
    return due;
  }

  private skipEmptyBuckets(): void {
    while (this.taken >= (this.buckets[this.bucket]?.length ?? 0)) {
      this.buckets[this.bucket] = undefined;
      this.bucket++;
      this.taken = 0;
    }
  }
}
