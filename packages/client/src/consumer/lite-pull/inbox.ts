import type { MessageExt } from '@rocketnest/protocol';
import type { AssignedQueue } from './assigned-queue.js';

/** What poll() got: messages of one queue, in its order. */
export interface Batch {
  readonly assigned: AssignedQueue;
  readonly messages: MessageExt[];
}

/** Hands a batch, or nothing, to somebody who waits. */
type Waiter = (batch: Batch | null) => void;

/** Where prefetched messages wait for poll(): queues take turns, and so do those who wait for messages. */
export class Inbox {
  private readonly line: AssignedQueue[] = [];
  private readonly waiters = new Set<Waiter>();

  constructor(private readonly batchSize: number) {}

  /** Messages have arrived in the queue, or it is no longer paused. */
  offer(assigned: AssignedQueue): void {
    this.enqueue(assigned);
    for (const waiter of this.waiters) {
      const batch = this.next();
      if (batch === null) return;
      waiter(batch);
    }
  }

  /** The next batch of the queue whose turn it is; null when nothing is there. */
  next(): Batch | null {
    for (let assigned = this.line.shift(); assigned !== undefined; assigned = this.line.shift()) {
      assigned.listed = false;
      if (assigned.paused || assigned.dropped) continue;
      const messages = assigned.take(this.batchSize);
      if (messages.length === 0) continue;
      this.enqueue(assigned);
      return { assigned, messages };
    }
    return null;
  }

  /**
   * Waits for a batch: at most `timeoutMs`, until `signal` is aborted (then it rejects with its reason) or until release().
   */
  wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<Batch | null> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.waiters.delete(waiter);
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
      };
      const waiter: Waiter = (batch) => {
        leave();
        resolve(batch);
      };
      const aborted = () => {
        leave();
        reject(signal?.reason);
      };
      const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(waiter, timeoutMs, null);
      signal?.addEventListener('abort', aborted);
      this.waiters.add(waiter);
    });
  }

  get hasWaiters(): boolean {
    return this.waiters.size > 0;
  }

  /** Nobody waits any longer. */
  release(): void {
    for (const waiter of [...this.waiters]) waiter(null);
  }

  private enqueue(assigned: AssignedQueue): void {
    if (assigned.listed || assigned.paused || assigned.dropped || assigned.waiting === 0) return;
    assigned.listed = true;
    this.line.push(assigned);
  }
}
