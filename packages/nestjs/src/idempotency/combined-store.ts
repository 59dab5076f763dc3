import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyTimes } from './store.js';
import { IdempotencyStore } from './store.js';

export interface CombinedIdempotencyOptions {
  /** Quick, and may forget: Redis. Duplicates that follow soon are found here, without asking `record`. */
  readonly lock: IdempotencyStore;
  /** Slower, and never forgets early: an SQL table. It has the last word. */
  readonly record: IdempotencyStore;
  /** Hears of every failure of `lock`. Default: nobody does. */
  readonly onLockError?: (error: unknown) => void;
}

/** No claim at the lock store: it could not be reached. */
const NO_CLAIM: IdempotencyClaim = {
  confirm: () => Promise.resolve(),
  release: () => Promise.resolve(),
  extend: () => Promise.resolve(),
};

/**
 * A quick store in front of a durable one. What the quick one forgets or cannot answer, because it is down, evicts keys or failed over,
 * the durable one still knows.
 */
export class CombinedIdempotencyStore extends IdempotencyStore {
  readonly #lock: IdempotencyStore;
  readonly #record: IdempotencyStore;
  readonly #onLockError: (error: unknown) => void;

  constructor({ lock, record, onLockError = () => undefined }: CombinedIdempotencyOptions) {
    super();
    this.#lock = lock;
    this.#record = record;
    this.#onLockError = onLockError;
  }

  async begin(key: string, times: IdempotencyTimes): Promise<IdempotencyAnswer> {
    const lock = await this.#beginLock(key, times);
    if (lock === 'done' || lock === 'busy') return lock;
    let record: IdempotencyAnswer;
    try {
      record = await this.#record.begin(key, times);
    } catch (error) {
      await this.#tell(() => lock.release());
      throw error;
    }
    if (record === 'done') await this.#tell(() => lock.confirm());
    if (record === 'busy') await this.#tell(() => lock.release());
    if (record === 'done' || record === 'busy') return record;
    return this.#both(record, lock);
  }

  /** The record goes first: once the lock says "done", nobody asks the record any more. */
  #both(record: IdempotencyClaim, lock: IdempotencyClaim): IdempotencyClaim {
    const both = (act: (claim: IdempotencyClaim) => Promise<void>) => async () => {
      await act(record);
      await this.#tell(() => act(lock));
    };
    return {
      confirm: both((claim) => claim.confirm()),
      release: both((claim) => claim.release()),
      extend: both((claim) => claim.extend()),
    };
  }

  async #beginLock(key: string, times: IdempotencyTimes): Promise<IdempotencyAnswer> {
    try {
      return await this.#lock.begin(key, times);
    } catch (error) {
      this.#onLockError(error);
      return NO_CLAIM;
    }
  }

  /** The lock store only makes things quicker: its failures never fail a message. */
  async #tell(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#onLockError(error);
    }
  }
}
