import type { DecodedCommand } from '@rocketnest/protocol';

export type ResponseCallback = (error: Error | null, response?: DecodedCommand) => void;

interface Pending {
  readonly opaque: number;
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly sentAt: number;
  readonly callback: ResponseCallback;
}

const MAX_OPAQUE = 0x7fffffff;
/** Of the table at first; a power of two. */
const SLOTS = 16;

/**
 * The requests of one connection that wait for a response, by opaque. One timer serves them all: it is armed for the
 * earliest deadline and looks at every request only when it fires, so the usual request costs a slot and no timer.
 *
 * Opaques count up, so their last bits are all the hash that a table needs. A Map would do, but one that entries pass through moves
 * them to a new table every so often, each of which leads to the next: once one is old to the garbage collector, it takes every request
 * in the later ones, and all they hold, for alive, and copies them.
 */
export class PendingRequests {
  #slots = new Array<Pending | undefined>(SLOTS).fill(undefined);
  #size = 0;
  readonly #onTimeout: (timeoutMs: number, sentAt: number) => Error;
  #nextOpaque = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param onTimeout makes the error of a request that got no response in time; times are `performance.now()`. */
  constructor(onTimeout: (timeoutMs: number, sentAt: number) => Error) {
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#size;
  }

  /** An opaque no waiting request uses, nor one that shares its slot. */
  nextOpaque(): number {
    do this.#nextOpaque = this.#nextOpaque === MAX_OPAQUE ? 1 : this.#nextOpaque + 1;
    while (this.#slots[this.#slotOf(this.#nextOpaque)] !== undefined);
    return this.#nextOpaque;
  }

  /** Waits up to `timeoutMs` for {@link settle} with this opaque. The callback is called exactly once, never from here. */
  add(opaque: number, timeoutMs: number, callback: ResponseCallback): void {
    const sentAt = performance.now();
    const deadline = sentAt + timeoutMs;
    // Half of the slots stay free, so that nextOpaque finds one at once.
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(opaque)] = { opaque, deadline, timeoutMs, sentAt, callback };
    this.#size++;
    if (deadline < this.#timerAt) this.#arm(deadline, sentAt);
  }

  /** Hands the response to its request. False: nobody waits (any more), drop it. */
  settle(response: DecodedCommand): boolean {
    const pending = this.#slots[this.#slotOf(response.opaque)];
    if (pending?.opaque !== response.opaque) return false;
    this.#remove(pending);
    pending.callback(null, response);
    return true;
  }

  /** Fails all waiting requests, for example because the connection is gone. */
  failAll(error: Error): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const waiting = this.#waiting();
    for (const pending of waiting) this.#remove(pending);
    for (const { callback } of waiting) callback(error);
  }

  #slotOf(opaque: number): number {
    return opaque & (this.#slots.length - 1);
  }

  #remove({ opaque }: Pending): void {
    this.#slots[this.#slotOf(opaque)] = undefined;
    this.#size--;
  }

  /** Twice the slots: what had one of its own keeps one of its own. */
  #grow(): void {
    const waiting = this.#waiting();
    this.#slots = new Array<Pending | undefined>(this.#slots.length * 2).fill(undefined);
    for (const pending of waiting) this.#slots[this.#slotOf(pending.opaque)] = pending;
  }

  /** In the order they were sent. */
  #waiting(): Pending[] {
    return this.#slots.filter((pending) => pending !== undefined).sort((a, b) => a.sentAt - b.sentAt);
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
    for (const pending of this.#waiting()) {
      if (pending.deadline <= now) {
        this.#remove(pending);
        expired.push(pending);
      } else if (pending.deadline < earliest) earliest = pending.deadline;
    }
    if (earliest !== Number.POSITIVE_INFINITY) this.#arm(earliest, now);
    for (const { callback, timeoutMs, sentAt } of expired) callback(this.#onTimeout(timeoutMs, sentAt));
  };
}
