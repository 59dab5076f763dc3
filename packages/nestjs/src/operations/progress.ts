import type { ConsumerReport, MessageQueue, PushConsumer } from '@rocketnest/client';
import { Admin, queueKey } from '@rocketnest/client';

/** How far behind this process is in one of its queues. */
export interface QueueLag extends MessageQueue {
  /** Messages that the group has not consumed. */
  readonly lag: number;
  /** Of these, messages that are here already. */
  readonly inflight: number;
}

/** Queue id of a report that stands for all queues of a topic on a broker. */
const ALL_QUEUES = -1;

/**
 * How far this member is behind in its queues; queues of other members are theirs to tell of. One request per broker. Empty
 * for a group that broadcasts: it keeps its offsets here, and brokers know nothing of it.
 *
 * Rejects with ConnectionError, TimeoutError or ResponseError when no broker answers.
 */
export async function lagOf(consumer: PushConsumer, report: ConsumerReport = consumer.report()): Promise<QueueLag[]> {
  if (consumer.options.messageModel === 'BROADCASTING') return [];
  const { instance, group } = consumer;
  const { namespace } = instance;
  const { items } = await new Admin(instance).offsets.progress(namespace.wrapGroup(group));
  const committed = new Map(report.queues.map((queue) => [queueKey(queue), queue.committedOffset]));
  const popped = new Set(report.popQueues.map(queueKey));
  return items.flatMap(({ queue: wired, lag, inflight, brokerOffset }): QueueLag[] => {
    const queue = namespace.unwrapQueue(wired);
    const own = committed.get(queueKey(queue));
    // What is consumed here counts as consumed, though it may be committed later.
    if (own !== undefined) return [{ ...queue, lag: own < 0 ? lag : Math.max(0, brokerOffset - own), inflight }];
    const isPopped = popped.has(queueKey(queue)) || popped.has(queueKey({ ...queue, queueId: ALL_QUEUES }));
    return isPopped ? [{ ...queue, lag, inflight }] : [];
  });
}
