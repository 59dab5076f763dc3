import type { IdempotencyAnswer, IdempotencyTimes } from './store.js';
import { IdempotencyStore } from './store.js';

interface Entry {
  readonly done: boolean;
  readonly expiresAt: number;
}

/** Expired entries are looked for when there are this many, and then each time the number has doubled. */
const FIRST_SWEEP = 1_024;

/**
 * Keys in the memory of this process: for tests, and for applications that run once and may forget at a restart. Grows with the
 * number of keys within their `ttl`.
 */
export class MemoryIdempotencyStore extends IdempotencyStore {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #sweepAt = FIRST_SWEEP;

  /** @param now the clock, in ms; default `Date.now` */
  constructor({ now = Date.now }: { readonly now?: () => number } = {}) {
    super();
    this.#now = now;
  }

  /** Keys that are claimed or remembered, and expired ones that nobody has looked for yet. */
  get size(): number {
    return this.#entries.size;
  }

  async begin(key: string, { lockMs, ttlMs }: IdempotencyTimes): Promise<IdempotencyAnswer> {
    const known = this.#live(key);
    if (known !== undefined) return known.done ? 'done' : 'busy';
    let mine = this.#set(key, false, lockMs);
    const ifMine = async (act: () => void): Promise<void> => {
      if (this.#live(key) === mine && !mine.done) act();
    };
    return {
      confirm: () => ifMine(() => (mine = this.#set(key, true, ttlMs))),
      release: () => ifMine(() => this.#entries.delete(key)),
      extend: () => ifMine(() => (mine = this.#set(key, false, lockMs))),
    };
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expiresAt > this.#now() ? entry : undefined;
  }

  #set(key: string, done: boolean, ms: number): Entry {
    if (this.#entries.size >= this.#sweepAt) this.#sweep();
    const entry = { done, expiresAt: this.#now() + ms };
    this.#entries.set(key, entry);
    return entry;
  }

  #sweep(): void {
    const now = this.#now();
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#entries.size);
  }
}
