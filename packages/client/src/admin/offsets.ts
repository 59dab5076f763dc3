import { type ConsumeStats, parseConsumeStats, parseResetOffsetBody, Requests, retryTopic } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import { type Gathered, gather } from './gathered.js';

/** Offsets of one group in one queue. */
export type ConsumerOffset = ConsumeStats['offsetTable'][number];

export interface QueueOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** Offsets of queues, and where groups stand in them. */
export class OffsetAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** One past the last message. */
  async max(queue: MessageQueue): Promise<number> {
    return this.brokers.instance.api.maxOffset(await this.brokers.masterOf(queue), queue);
  }

  async min(queue: MessageQueue): Promise<number> {
    return this.brokers.instance.api.minOffset(await this.brokers.masterOf(queue), queue);
  }

  /** Offset of the first message stored at or after `timestamp` (ms since 1970). */
  async search(queue: MessageQueue, timestamp: number): Promise<number> {
    return this.brokers.instance.api.searchOffset(await this.brokers.masterOf(queue), queue, timestamp);
  }

  /**
   * Where a group stands in every queue of its topics, or of one topic: broker offset minus consumer offset is the lag. Brokers
   * that do not know the group contribute nothing.
   */
  async progress(consumerGroup: string, topic?: string): Promise<Gathered<ConsumerOffset>> {
    return gather(await this.brokers.ofTopic(topic ?? retryTopic(consumerGroup)), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getConsumeStats, {
        consumerGroup,
        topic,
      });
      return parseConsumeStats(body).offsetTable;
    });
  }

  /**
   * Moves a group to the messages stored at or after `timestamp` (ms since 1970; 'latest': to the end), back or forth.
   * Resolves to the new offsets. Needs a live consumer on older brokers; 5.x brokers also reset groups that are not online.
   */
  async reset(group: string, topic: string, timestamp: number | 'latest'): Promise<Gathered<QueueOffset>> {
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.invokeBrokerToResetOffset, {
        topic,
        group,
        // Java: -1 means the end of the queue.
        timestamp: timestamp === 'latest' ? -1 : timestamp,
        isForce: true,
      });
      return body.length === 0 ? [] : parseResetOffsetBody(body).offsetTable;
    });
  }
}
