import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';

/** Java: `RebalanceLockManager.REBALANCE_LOCK_MAX_LIVE_TIME`. */
const LOCK_LIFE_MS = 60_000;

export interface LockableQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

interface Lock {
  clientId: string;
  renewedAt: number;
}

const keyOf = (queue: LockableQueue): string => `${queue.topic}@${queue.brokerName}@${queue.queueId}`;

/** Orderly consumers lock queues so that only one client consumes each; locks live for 60 s (`RebalanceLockManager`). */
export class QueueLocks {
  private readonly groups = new Map<string, Map<string, Lock>>();

  constructor(private readonly clock: Clock) {}

  /** @returns the queues that the client holds now */
  lock<Q extends LockableQueue>(group: string, queues: readonly Q[], clientId: string): Q[] {
    const held = getOrCreate(this.groups, group, () => new Map<string, Lock>());
    return queues.filter((queue) => {
      const lock = held.get(keyOf(queue));
      if (lock !== undefined && lock.clientId !== clientId && !this.expired(lock)) return false;
      held.set(keyOf(queue), { clientId, renewedAt: this.clock.now() });
      return true;
    });
  }

  /** Gives up the queues that the client holds; locks of others stay. */
  unlock(group: string, queues: readonly LockableQueue[], clientId: string): void {
    const locks = this.groups.get(group);
    for (const queue of queues) {
      if (locks?.get(keyOf(queue))?.clientId === clientId) locks.delete(keyOf(queue));
    }
    if (locks?.size === 0) this.groups.delete(group);
  }

  /** True when nobody holds a queue for this group (`isLockAllExpired`). */
  noneHeld(group: string): boolean {
    return [...(this.groups.get(group)?.values() ?? [])].every((lock) => this.expired(lock));
  }

  private expired(lock: Lock): boolean {
    return this.clock.now() - lock.renewedAt > LOCK_LIFE_MS;
  }
}
