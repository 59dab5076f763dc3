import { RETRY_GROUP_PREFIX } from '@rocketnest/protocol';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';
import type { OffsetStore } from './offset-store.js';
import type { ConsumeFrom } from './options.js';

/** How far the clocks of this machine and of a broker may be apart. ms */
const CLOCK_SKEW_MS = 60_000;

/**
 * Where pulling a queue begins: at the group's committed offset, else where `consumeFrom` says.
 * Java: RebalancePushImpl.computePullFromWhereWithException, with four differences that keep messages from being lost:
 * - retry topics start at 0 whatever `consumeFrom` is: all they hold was meant for this group;
 * - with LAST_OFFSET, a queue that appears while the consumer runs starts at messages stored since the consumer started, not
 *   at those stored since its route was seen, up to 30 s later;
 * - with LAST_OFFSET, a queue that no member has read when it is taken over later (whoever had it does not subscribe to the
 *   topic, as in the middle of a rolling deployment) starts at messages stored since this member first looked at the topic;
 * - the position of a new group is committed at once, so that a member who takes the queue over does not compute it anew.
 */
export class StartOffsets {
  constructor(
    private readonly consumeFrom: ConsumeFrom,
    private readonly brokers: BrokerLink,
    private readonly offsets: OffsetStore,
    private readonly startedAt = Date.now(),
  ) {}

  /**
   * Rejects when a broker cannot be asked.
   * @param appeared the queue came into being after this consumer started
   * @param topicSeenAt when this member first computed its share of the topic; absent when it does so now
   */
  async of(queue: MessageQueue, appeared: boolean, topicSeenAt?: number): Promise<number> {
    const committed = await this.offsets.read(queue);
    if (committed !== null) return committed;
    const offset = await this.initial(queue, appeared, topicSeenAt);
    const key = queueKey(queue);
    this.offsets.update(key, queue, offset, false);
    void this.offsets.persist([key], false);
    return offset;
  }

  private async initial(queue: MessageQueue, appeared: boolean, topicSeenAt: number | undefined): Promise<number> {
    const { brokers, consumeFrom } = this;
    if (consumeFrom === 'FIRST_OFFSET' || queue.topic.startsWith(RETRY_GROUP_PREFIX)) return 0;
    if (consumeFrom !== 'LAST_OFFSET') return brokers.searchOffset(queue, consumeFrom.getTime());
    if (appeared) return brokers.searchOffset(queue, this.startedAt - CLOCK_SKEW_MS);
    return topicSeenAt === undefined ? brokers.maxOffset(queue) : brokers.searchOffset(queue, topicSeenAt);
  }
}
