/** Called with null when there is room, with an error when waiting ended without. */
export type GateCallback = (error: Error | null) => void;

interface Waiting {
  readonly bytes: number;
  readonly callback: GateCallback;
  readonly timer: NodeJS.Timeout;
}

/**
 * Bounds what is in flight by count and bytes; those who find no room wait in line, first come first served. A single item
 * larger than the byte limit passes when nothing else is in flight. Java: the two semaphores of DefaultMQProducerImpl.
 */
export class InFlightGate {
  private count = 0;
  private bytes = 0;
  private readonly waiting = new Set<Waiting>();
  private readonly idleListeners: (() => void)[] = [];

  constructor(
    private readonly maxCount: number,
    private readonly maxBytes: number,
  ) {}

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
    return this.count < this.maxCount && (this.bytes + bytes <= this.maxBytes || this.count === 0);
  }

  private admit(): void {
    for (const entry of this.waiting) {
      if (!this.hasRoom(entry.bytes)) return;
      this.waiting.delete(entry);
      clearTimeout(entry.timer);
      this.count++;
      this.bytes += entry.bytes;
      entry.callback(null);
    }
  }
}
