import type { MessageExt } from '@rocketnest/protocol';

/** One queue of a topic on one broker: the unit of sending, assignment and offsets. Java: MessageQueue. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
}

/** The queue a received message was read from: for seeking and committing. */
export function queueOf({
  topic,
  brokerName = '',
  queueId,
}: Pick<MessageExt, 'topic' | 'brokerName' | 'queueId'>): MessageQueue {
  return { topic, brokerName, queueId };
}

/** A string that is equal for equal queues: the key of a queue in a Map. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}

/** Java's natural order of queues (topic, broker name, queue id), which allocation strategies depend on. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return compareText(a.topic, b.topic) || compareText(a.brokerName, b.brokerName) || a.queueId - b.queueId;
}

/** Code unit order, as Java's String.compareTo; locale order would allocate other queues than a Java consumer. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
