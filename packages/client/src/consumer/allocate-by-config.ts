import { ConfigurationError, RETRY_GROUP_PREFIX } from '@rocketnest/protocol';
import { type MessageQueue, queueKey } from '../message-queue.js';
import { type AllocateStrategy, allocateAveragely } from './allocate.js';

/**
 * This member reads exactly these queues, whoever else is in the group: seeing to it that every queue has one reader is up to
 * the configuration. Java: AllocateMessageQueueByConfig ("CONFIG"), with one difference: there nobody reads the group's
 * retry topic unless its queues are named too, and failed messages are never seen again. Here retry queues that are not named
 * are shared averagely.
 * @throws ConfigurationError when the list is empty or an item is not a queue
 */
export function allocateByConfig(queues: readonly MessageQueue[]): AllocateStrategy {
  if (queues.length === 0 || !queues.every(isQueue)) {
    throw new ConfigurationError(
      'Allocation by configuration needs at least one queue, each as { topic, brokerName, queueId }.',
      { context: { queues: queues.length } },
    );
  }
  const named = new Set(queues.map(queueKey));
  return {
    name: 'CONFIG',
    allocate(self, all, members) {
      const ours = all.filter((queue) => named.has(queueKey(queue)));
      const forgottenRetries = ours.length === 0 && all[0]?.topic.startsWith(RETRY_GROUP_PREFIX);
      return forgottenRetries ? allocateAveragely.allocate(self, all, members) : ours;
    },
  };
}

function isQueue(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { topic, brokerName, queueId } = value as Partial<MessageQueue>;
  return typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
}
