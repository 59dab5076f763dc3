import type { Logger } from '@rocketnest/remoting';
import { queueKey } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';
import type { ProcessQueue } from './process-queue.js';

/**
 * How long a lock counts as ours after the broker granted it. The broker keeps it for 60 s, so we stop well before
 * somebody else may start. Java: ProcessQueue.REBALANCE_LOCK_MAX_LIVE_TIME. ms
 */
export const LOCK_VALIDITY_MS = 30_000;
/** Java: ProcessQueue.REBALANCE_LOCK_INTERVAL. ms */
export const LOCK_RENEWAL_MS = 20_000;

/** The broker-side locks that let one member of the group consume a queue in order. Java: RebalanceImpl.lock, lockAll, unlock. */
export class QueueLocks {
  constructor(
    private readonly brokers: BrokerLink,
    private readonly logger: Logger,
  ) {}

  /** True when the queue is ours alone now. A broker that cannot be asked counts as "no". */
  async lock(queue: ProcessQueue): Promise<boolean> {
    const [answer] = await this.ask([queue]);
    return answer === 'granted';
  }

  /**
   * Renews the locks of all queues.
   * @returns those that somebody else holds now
   */
  async renew(queues: Iterable<ProcessQueue>): Promise<ProcessQueue[]> {
    const perBroker = new Map<string, ProcessQueue[]>();
    for (const queue of queues) {
      const brokerName = this.brokers.brokerOf(queue.queue);
      const others = perBroker.get(brokerName);
      if (others === undefined) perBroker.set(brokerName, [queue]);
      else others.push(queue);
    }
    const lost: ProcessQueue[] = [];
    for (const group of await Promise.all(
      [...perBroker.values()].map(async (held) => ({ held, answers: await this.ask(held) })),
    )) {
      group.answers.forEach((answer, i) => {
        if (answer === 'refused') lost.push(group.held[i]!);
      });
    }
    return lost;
  }

  /** Lets others consume the queues. Never rejects: the broker also forgets the lock by itself. */
  async unlock(queues: readonly ProcessQueue[]): Promise<void> {
    const perBroker = new Map<string, ProcessQueue[]>();
    for (const queue of queues) {
      queue.lockedUntil = 0;
      const brokerName = this.brokers.brokerOf(queue.queue);
      perBroker.set(brokerName, [...(perBroker.get(brokerName) ?? []), queue]);
    }
    await Promise.all(
      [...perBroker.values()].map(async (held) => {
        try {
          await this.brokers.unlock(held.map((queue) => queue.queue));
        } catch (error) {
          this.logger.warn('queues could not be unlocked; the broker frees them after 60 s', {
            queues: held.map((queue) => queue.key),
            error,
          });
        }
      }),
    );
  }

  /** Asks one broker; the answers are in the order of `queues`. */
  private async ask(queues: readonly ProcessQueue[]): Promise<('granted' | 'refused' | 'unknown')[]> {
    const asked = Date.now();
    try {
      const granted = new Set((await this.brokers.lock(queues.map((queue) => queue.queue))).map(queueKey));
      return queues.map((queue) => {
        if (!granted.has(queue.key)) {
          queue.lockedUntil = 0;
          return 'refused';
        }
        queue.lastLockTime = asked;
        queue.lockedUntil = asked + LOCK_VALIDITY_MS;
        return 'granted';
      });
    } catch (error) {
      this.logger.warn('queues could not be locked; it is tried again', {
        queues: queues.map((queue) => queue.key),
        error,
      });
      return queues.map(() => 'unknown');
    }
  }
}
