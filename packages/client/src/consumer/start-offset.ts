import { RETRY_GROUP_PREFIX } from '@rocketnest/protocol';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';
import type { OffsetStore } from './offset-store.js';
import type { ConsumeFrom } from './options.js';

/** How far the clocks of this machine and of a broker may be apart. ms */
const CLOCK_SKEW_MS = 60_000;

/**
 * Where pulling a queue begins: at the group's committed offset, else where `consumeFrom` says.
 * Java: RebalancePushImpl.computePullFromWhereWithException, with three differences that keep messages from being lost:
 * - retry topics start at 0 whatever `consumeFrom` is: all they hold was meant for this group;
 * - with LAST_OFFSET, a queue that appears while the consumer runs starts at messages stored since the consumer started, not
 *   at those stored since its route was seen, up to 30 s later;
 * - the position of a new group is committed at once, so that a member who takes the queue over does not compute it anew.
 */
export class StartOffsets {
  constructor(
    private readonly consumeFrom: ConsumeFrom,
    private readonly brokers: BrokerLink,
    private readonly offsets: OffsetStore,
    private readonly startedAt = Date.now(),
  ) {}

  /** @param appeared the queue came into being after this consumer started. Rejects when a broker cannot be asked. */
  async of(queue: MessageQueue, appeared: boolean): Promise<number> {
    const committed = await this.offsets.read(queue);
    if (committed !== null) return committed;
    const offset = await this.initial(queue, appeared);
    const key = queueKey(queue);
    this.offsets.update(key, queue, offset, false);
    void this.offsets.persist([key], false);
    return offset;
  }

  private async initial(queue: MessageQueue, appeared: boolean): Promise<number> {
    const { brokers, consumeFrom } = this;
    if (consumeFrom === 'FIRST_OFFSET' || queue.topic.startsWith(RETRY_GROUP_PREFIX)) return 0;
    if (consumeFrom !== 'LAST_OFFSET') return brokers.searchOffset(queue, consumeFrom.getTime());
    return appeared ? brokers.searchOffset(queue, this.startedAt - CLOCK_SKEW_MS) : brokers.maxOffset(queue);
  }
}
