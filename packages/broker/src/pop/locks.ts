import { getOrCreate } from '../collections.js';

/**
 * Who works on a queue of a group right now (`PopMessageProcessor.QueueLockManager`). A pop goes on to the next queue when it
 * does not get the lock; an acknowledgement in order waits for it.
 */
export class PopLocks {
  /** Locked queues and who waits for them. */
  private readonly held = new Map<string, (() => void)[]>();

  tryLock(key: string): boolean {
    if (this.held.has(key)) return false;
    this.held.set(key, []);
    return true;
  }

  unlock(key: string): void {
    const next = this.held.get(key)?.shift();
    if (next === undefined) this.held.delete(key);
    else next();
  }

  /** Runs `work` with the lock; at once when it is free. `work` must not wait for anything. */
  async run<T>(key: string, work: () => T): Promise<T> {
    if (!this.tryLock(key)) {
      await new Promise<void>((resolve) => getOrCreate(this.held, key, () => []).push(resolve));
    }
    try {
      return work();
    } finally {
      this.unlock(key);
    }
  }
}
