import type { MessageQueue } from '../message-queue.js';

/**
 * Decides which queues of a topic one member of a consumer group reads. Every member runs the same strategy on the same
 * sorted input, so the members agree without talking to each other; Java members take part if they use the same one.
 * Java: AllocateMessageQueueStrategy.
 */
export interface AllocateStrategy {
  /** Java's name of the strategy, shown in the console and used in logs. */
  readonly name: string;
  /**
   * @param queues all readable queues of the topic, sorted by topic, broker name, queue id
   * @param members client ids of the whole group, sorted by UTF-16 code unit, `self` among them
   */
  allocate(self: string, queues: readonly MessageQueue[], members: readonly string[]): MessageQueue[];
}

/** Contiguous shares: 8 queues, 3 members → 3, 3, 2. The default. Java: AllocateMessageQueueAveragely ("AVG"). */
export const allocateAveragely: AllocateStrategy = {
  name: 'AVG',
  allocate(self, queues, members) {
    const index = members.indexOf(self);
    if (index < 0) return [];
    const share = Math.floor(queues.length / members.length);
    const rest = queues.length % members.length;
    const start = index * share + Math.min(index, rest);
    return queues.slice(start, start + share + (index < rest ? 1 : 0));
  },
};

/** Queues dealt like cards: member i gets i, i+n, i+2n, … Java: AllocateMessageQueueAveragelyByCircle ("AVG_BY_CIRCLE"). */
export const allocateByCircle: AllocateStrategy = {
  name: 'AVG_BY_CIRCLE',
  allocate(self, queues, members) {
    const index = members.indexOf(self);
    if (index < 0) return [];
    return queues.filter((_, at) => at % members.length === index);
  },
};
