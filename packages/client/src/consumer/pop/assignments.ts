import { isRetryTopic, parseSubscription, popRetryTopic, SUB_ALL } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { Subscriptions } from '../subscriptions.js';
import type { PopConsumer } from './pop-consumer.js';
import type { PopLink } from './pop-link.js';

export interface AssignmentsParts {
  readonly group: string;
  readonly strategyName: string;
  readonly link: PopLink;
  readonly pop: PopConsumer;
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
  /** Topics were added or removed. */
  onSubscriptionsChanged(): void;
}

/**
 * Has brokers say which queues of a topic are this member's, and starts and stops popping accordingly. Operators may change the
 * mode of a group at any time (mqadmin setConsumeMode). Java: RebalanceImpl.getRebalanceResultFromBroker.
 */
export class Assignments {
  /** What this member is to pop, by topic. */
  private readonly popped = new Map<string, readonly MessageQueue[]>();
  /** Topics whose pop retry topics are pulled. */
  private readonly retried = new Set<string>();
  private noted = false;

  constructor(private readonly parts: AssignmentsParts) {}

  /**
   * Asks which queues of a topic this member pulls; no others are to be pulled when {@link pop} follows. Null: brokers cannot say
   * just now. Undefined: they never do, members have to share out the queues by themselves.
   */
  async pulled(topic: string): Promise<readonly MessageQueue[] | null | undefined> {
    const { group, link, logger, pop, strategyName } = this.parts;
    this.popped.delete(topic);
    const assigned = await link.assignment(topic, strategyName);
    if (assigned === undefined && !this.noted) {
      this.noted = true;
      logger.warn('brokers do not assign queues (they are older than 5.0): members share them out, and pull', {
        group,
      });
    }
    if (!assigned) return assigned;
    const queuesOf = (wanted: 'PULL' | 'POP') =>
      assigned.flatMap(({ messageQueue, mode }) => (mode === wanted ? messageQueue : []));
    const popped = queuesOf('POP');
    const pulled = queuesOf('PULL');
    this.followMode(topic, popped.length > 0, pulled.length > 0);
    this.popped.set(topic, popped);
    const keys = new Set(popped.map(queueKey));
    pop.retain(({ key, queue }) => queue.topic !== topic || keys.has(key));
    return pulled;
  }

  /**
   * Pops what was assigned by the last {@link pulled}. To be called when the offsets of queues that are no longer pulled are
   * committed: popping goes on from there.
   */
  pop(topic: string): void {
    const { group, logger, pop } = this.parts;
    const queues = this.popped.get(topic) ?? [];
    if (pop.add(queues)) {
      logger.info(`group ${group} pops ${queues.length} queues of topic ${topic} here`, { group, topic, queues });
    }
  }

  /** Nothing but these topics is popped any more. */
  retain(topics: ReadonlySet<string>): void {
    this.parts.pop.retain(({ queue }) => topics.has(queue.topic));
    for (const topic of this.retried) if (!topics.has(topic)) this.pullRetries(topic, false);
  }

  /** A group that no longer pops pulls what is left in its pop retry topics; one that pops leaves them to brokers. */
  private followMode(topic: string, pops: boolean, pulls: boolean): void {
    if (!isRetryTopic(topic) && pops !== pulls && this.retried.has(topic) !== pulls) this.pullRetries(topic, pulls);
  }

  private pullRetries(topic: string, pulls: boolean): void {
    const { group, onSubscriptionsChanged, subscriptions } = this.parts;
    for (const version of [1, 2] as const) {
      const retryTopic = popRetryTopic(topic, group, version);
      if (pulls) subscriptions.set(parseSubscription(retryTopic, SUB_ALL));
      else subscriptions.delete(retryTopic);
    }
    if (pulls) this.retried.add(topic);
    else this.retried.delete(topic);
    onSubscriptionsChanged();
  }
}
