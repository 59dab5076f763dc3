import { ConfigurationError, javaHashCode } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import type { TopicRoute } from '../routes.js';
import type { FaultLatency } from './fault-latency.js';
import type { OutgoingMessage } from './outgoing-message.js';

/**
 * Chooses the queue of a message. `queues` are the topic's writable queues, ordered by broker name and queue id, never
 * empty. Java: MessageQueueSelector.
 */
export type QueueSelector = (queues: readonly MessageQueue[], message: OutgoingMessage) => MessageQueue;

/** Same key, same queue, and the same one a Java producer chooses. Java: SelectMessageQueueByHash. */
export function queueOfKey(queues: readonly MessageQueue[], shardingKey: string): MessageQueue {
  return queues[Math.abs(javaHashCode(shardingKey) % queues.length)]!;
}

/** The queue a custom selector returned, if it is one of the topic's. @throws ConfigurationError otherwise */
export function checkSelected(selected: unknown, queues: readonly MessageQueue[], topic: string): MessageQueue {
  const found = queues.find(
    (queue) =>
      queue === selected ||
      (typeof selected === 'object' &&
        selected !== null &&
        queue.brokerName === (selected as MessageQueue).brokerName &&
        queue.queueId === (selected as MessageQueue).queueId),
  );
  if (found !== undefined) return found;
  throw new ConfigurationError(
    `The queue selector for topic ${topic} returned ${JSON.stringify(selected) ?? String(selected)}, which is none of the ${queues.length} queues it was given. Return one of them.`,
    { context: { topic } },
  );
}

/**
 * Takes the writable queues of one topic in turn. A repeat passes over the broker that failed, if there is another; with
 * fault latency, brokers to be avoided are passed over first. Java: TopicPublishInfo and MQFaultStrategy.
 */
export class RoundRobin {
  private index = Math.floor(Math.random() * 0x10000);

  next(route: TopicRoute, failedBroker: string | undefined, faults: FaultLatency | undefined): MessageQueue {
    const queues = route.publishQueues;
    if (faults !== undefined) {
      const found =
        this.find(queues, (name) => name !== failedBroker && faults.isAvailable(name)) ??
        this.find(queues, (name) => name !== failedBroker && faults.isReachable(name));
      if (found !== undefined) return found;
    } else if (failedBroker !== undefined) {
      const found = this.find(queues, (name) => name !== failedBroker);
      if (found !== undefined) return found;
    }
    return queues[this.advance(queues.length)]!;
  }

  private find(queues: readonly MessageQueue[], accepts: (brokerName: string) => boolean): MessageQueue | undefined {
    for (let i = 0; i < queues.length; i++) {
      const queue = queues[this.advance(queues.length)]!;
      if (accepts(queue.brokerName)) return queue;
    }
    return undefined;
  }

  private advance(length: number): number {
    this.index = (this.index + 1) % 0x40000000;
    return this.index % length;
  }
}
