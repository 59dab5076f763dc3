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

/** What Java's hashCode() makes of a String, an Integer (a number of 32 bits) or a Long (other numbers, every bigint). */
function hashOf(key: string | number | bigint): number {
  if (typeof key === 'string') return javaHashCode(key);
  if (typeof key === 'number' && key === (key | 0)) return key;
  const bits = BigInt.asUintN(64, BigInt(key));
  return Number(BigInt.asIntN(32, bits ^ (bits >> 32n)));
}

/**
 * Same key, same queue. In SendOptions.shardingKey it is recorded with the message, too; this one also takes numbers, as Java users pass
 * them. Java: SelectMessageQueueByHash with the key as `arg`.
 * @throws ConfigurationError when the key is a number, but no whole one
 */
export function selectByHash(key: string | number | bigint): QueueSelector {
  if (typeof key === 'number' && !Number.isSafeInteger(key)) {
    throw new ConfigurationError(`selectByHash needs a string or a whole number, got ${key}.`, { context: { key } });
  }
  const hash = hashOf(key);
  return (queues) => queues[Math.abs(hash % queues.length)]!;
}

/** Any queue. Java: SelectMessageQueueByRandom. */
export const selectByRandom: QueueSelector = (queues) => queues[Math.floor(Math.random() * queues.length)]!;

/** Between the room and the name of a broker. Java: AllocateMessageQueueByMachineRoom. */
const ROOM_SEPARATOR = '@';

/**
 * Queues of brokers in these machine rooms, in turn; brokers are named `room@name`. When no such broker is writable, those of all others.
 * Java: SelectMessageQueueByMachineRoom, which is only declared there.
 */
export function selectByMachineRoom(rooms: Iterable<string>): QueueSelector {
  const wanted = new Set(rooms);
  let turn = Math.floor(Math.random() * 0x10000);
  return (queues) => {
    const near = queues.filter(({ brokerName }) => wanted.has(brokerName.split(ROOM_SEPARATOR, 1)[0]!));
    const from = near.length === 0 ? queues : near;
    turn = (turn + 1) % 0x40000000;
    return from[turn % from.length]!;
  };
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
