/** How long claims and records last, in milliseconds. */
export interface IdempotencyTimes {
  /** A claim that is neither confirmed, released nor extended ends after this: its process is thought dead. */
  readonly lockMs: number;
  /** A confirmed key is remembered for this long. */
  readonly ttlMs: number;
}

/** The right to handle a key, held by whoever got it from `begin`. Once it has ended, all of these do nothing. */
export interface IdempotencyClaim {
  /** The handler succeeded: the key is remembered. */
  confirm(): Promise<void>;
  /** The handler failed: the key is free again. */
  release(): Promise<void>;
  /** The handler still runs: the claim lasts another `lockMs`. */
  extend(): Promise<void>;
}

/** `'done'`: handled before; `'busy'`: somebody handles it now; a claim: it is the caller's turn. */
export type IdempotencyAnswer = 'done' | 'busy' | IdempotencyClaim;

/**
 * Remembers which keys were handled. The class is the injection token, too:
 *
 * ```ts
 * { provide: IdempotencyStore, useFactory: () => new RedisIdempotencyStore(new Redis()) }
 * ```
 */
export abstract class IdempotencyStore {
  /**
   * Claims a key. Of several callers at the same time, in any number of processes, at most one gets a claim.
   * Rejects when the store cannot be reached.
   * @param key 1..255 bytes of UTF-8
   */
  abstract begin(key: string, times: IdempotencyTimes): Promise<IdempotencyAnswer>;
}
