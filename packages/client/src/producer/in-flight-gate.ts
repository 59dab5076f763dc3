/** Called with null when there is room, with an error when waiting ended without. */
export type GateCallback = (error: Error | null) => void;

interface Waiting {
  readonly bytes: number;
  readonly callback: GateCallback;
  readonly timer: NodeJS.Timeout;
}

/** However busy the brokers are, this many may be in flight. */
const MIN_LIMIT = 16;
/** Refusals within this time, in ms, are one sign of overload, not many: they were sent before the limit was cut. */
const CUT_INTERVAL_MS = 200;

/**
 * Bounds what is in flight by count and bytes; those who find no room wait in line, first come first served. A single item
 * larger than the byte limit passes when nothing else is in flight. Java: the two semaphores of DefaultMQProducerImpl.
 *
 * The count limit adapts as TCP's window does: a broker's "busy" halves it, answers let it grow back to `maxCount`.
 */
export class InFlightGate {
  private count = 0;
  private bytes = 0;
  private readonly waiting = new Set<Waiting>();
  private readonly idleListeners: (() => void)[] = [];
  private admitting = false;
  private limit: number;
  private cutAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly maxCount: number,
    private readonly maxBytes: number,
  ) {
    this.limit = maxCount;
  }

  /** How many may be in flight now. */
  get currentLimit(): number {
    return Math.floor(this.limit);
  }

  /** A broker refused an item because it has too many waiting. @param now performance.now() */
  overloaded(now: number): void {
    if (now - this.cutAt < CUT_INTERVAL_MS) return;
    this.cutAt = now;
    this.limit = Math.min(this.limit, Math.max(MIN_LIMIT, Math.min(this.limit, this.count) / 2));
  }

  /** A broker took an item. One full round of answers raises the limit by one. */
  answered(): void {
    if (this.limit < this.maxCount) this.limit = Math.min(this.maxCount, this.limit + 1 / this.limit);
  }

  /** Items inside, not counting those in line. */
  get inFlight(): number {
    return this.count;
  }

  get inFlightBytes(): number {
    return this.bytes;
  }

  get inLine(): number {
    return this.waiting.size;
  }

  /** Takes room if there is some and nobody waits for it; every success needs one `leave`. */
  tryEnter(bytes: number): boolean {
    if (this.waiting.size > 0 || !this.hasRoom(bytes)) return false;
    this.count++;
    this.bytes += bytes;
    return true;
  }

  /** Waits for room at most `timeoutMs`; `expired` makes the error for then. */
  enter(bytes: number, timeoutMs: number, expired: () => Error, callback: GateCallback): void {
    if (this.tryEnter(bytes)) {
      callback(null);
      return;
    }
    const entry: Waiting = {
      bytes,
      callback,
      timer: setTimeout(() => {
        this.waiting.delete(entry);
        callback(expired());
        // The next in line may be smaller.
        this.admit();
      }, timeoutMs),
    };
    this.waiting.add(entry);
  }

  leave(bytes: number): void {
    this.count--;
    this.bytes -= bytes;
    if (this.waiting.size > 0) this.admit();
    if (this.count === 0 && this.waiting.size === 0) for (const listener of this.idleListeners.splice(0)) listener();
  }

  /** Resolves true when nothing is in flight or in line, false after `timeoutMs`. */
  whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.count === 0 && this.waiting.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.idleListeners.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Turns away everybody in line. */
  rejectWaiting(error: Error): void {
    const turnedAway = [...this.waiting];
    this.waiting.clear();
    for (const { callback, timer } of turnedAway) {
      clearTimeout(timer);
      callback(error);
    }
  }

  private hasRoom(bytes: number): boolean {
    return this.count < this.limit && (this.bytes + bytes <= this.maxBytes || this.count === 0);
  }

  /** Lets in who has room now. One who leaves again at once (out of time) must not nest another round per waiter. */
  private admit(): void {
    if (this.admitting) return;
    this.admitting = true;
    for (const entry of this.waiting) {
      if (!this.hasRoom(entry.bytes)) break;
      this.waiting.delete(entry);
      clearTimeout(entry.timer);
      this.count++;
      this.bytes += entry.bytes;
      entry.callback(null);
    }
    this.admitting = false;
  }
}
