import type { DecodedCommand } from '@rocketnest/protocol';

export type ResponseCallback = (error: Error | null, response?: DecodedCommand) => void;

interface Pending {
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly sentAt: number;
  readonly callback: ResponseCallback;
}

const MAX_OPAQUE = 0x7fffffff;

/**
 * The requests of one connection that wait for a response, by opaque. One timer serves them all: it is armed for the
 * earliest deadline and looks at every request only when it fires, so the usual request costs a map entry and no timer.
 */
export class PendingRequests {
  readonly #pending = new Map<number, Pending>();
  readonly #onTimeout: (timeoutMs: number, sentAt: number) => Error;
  #nextOpaque = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param onTimeout makes the error of a request that got no response in time; times are `performance.now()`. */
  constructor(onTimeout: (timeoutMs: number, sentAt: number) => Error) {
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** An opaque no waiting request uses. */
  nextOpaque(): number {
    do this.#nextOpaque = this.#nextOpaque === MAX_OPAQUE ? 1 : this.#nextOpaque + 1;
    while (this.#pending.has(this.#nextOpaque));
    return this.#nextOpaque;
  }

  /** Waits up to `timeoutMs` for {@link settle} with this opaque. The callback is called exactly once, never from here. */
  add(opaque: number, timeoutMs: number, callback: ResponseCallback): void {
    const sentAt = performance.now();
    const deadline = sentAt + timeoutMs;
    this.#pending.set(opaque, { deadline, timeoutMs, sentAt, callback });
    if (deadline < this.#timerAt) this.#arm(deadline, sentAt);
  }

  /** Hands the response to its request. False: nobody waits (any more), drop it. */
  settle(response: DecodedCommand): boolean {
    const pending = this.#pending.get(response.opaque);
    if (pending === undefined) return false;
    this.#pending.delete(response.opaque);
    pending.callback(null, response);
    return true;
  }

  /** Fails all waiting requests, for example because the connection is gone. */
  failAll(error: Error): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { callback } of waiting) callback(error);
  }

  #arm(deadline: number, now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(this.#sweep, Math.max(1, Math.ceil(deadline - now)));
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    const expired: Pending[] = [];
    for (const [opaque, pending] of this.#pending) {
      if (pending.deadline <= now) {
        this.#pending.delete(opaque);
        expired.push(pending);
      } else if (pending.deadline < earliest) earliest = pending.deadline;
    }
    if (earliest !== Number.POSITIVE_INFINITY) this.#arm(earliest, now);
    for (const { callback, timeoutMs, sentAt } of expired) callback(this.#onTimeout(timeoutMs, sentAt));
  };
}
