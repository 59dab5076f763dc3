import {
  type ConsumeStats,
  type LogicQueueItem,
  parseTopicConfigAndQueueMapping,
  Requests,
  ResponseCode,
  type TopicQueueMapping,
} from '@rocketnest/protocol';
import { LOGIC_BROKER } from '../logic-queues.js';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import { gather } from './gathered.js';
import { logicQueues } from './static-mapping.js';

/** Where one group stands in one queue. */
export interface QueueProgress {
  readonly queue: MessageQueue;
  /** One past the last message. */
  readonly brokerOffset: number;
  /** The next message to consume; 0 when the group never committed. */
  readonly consumerOffset: number;
  /** The next message to pull: what lies between this and consumerOffset is with the consumers. */
  readonly pullOffset: number;
  /** When the last consumed message was stored, ms since 1970; 0: unknown. */
  readonly lastTimestamp: number;
  /** Messages not consumed. Never negative. */
  readonly lag: number;
  /** Messages pulled and not consumed. */
  readonly inflight: number;
}

type Offsets = Omit<ConsumeStats['offsetTable'][number], 'queue'>;

export function progressRow({ queue, ...offsets }: Offsets & { readonly queue: MessageQueue }): QueueProgress {
  const consumerOffset = Math.max(0, offsets.consumerOffset);
  const pullOffset = Math.max(consumerOffset, offsets.pullOffset);
  return {
    queue,
    ...offsets,
    consumerOffset,
    pullOffset,
    // Brokers may answer the offset and the end of the queue from two moments.
    lag: Math.max(0, offsets.brokerOffset - consumerOffset),
    inflight: pullOffset - consumerOffset,
  };
}

/** What brokers say about physical queues, told of the logic queues where a topic is static. */
export async function logicProgress(
  brokers: BrokersOf,
  rows: readonly ConsumeStats['offsetTable'][number][],
): Promise<QueueProgress[]> {
  const result: QueueProgress[] = [];
  for (const topic of new Set(rows.map(({ queue }) => queue.topic))) {
    const ofTopic = rows.filter(({ queue }) => queue.topic === topic);
    const mappings = await mappingsOf(brokers, topic);
    result.push(...(mappings.length === 0 ? ofTopic.map(progressRow) : logicRows(topic, mappings, ofTopic)));
  }
  return result;
}

/** Empty for an ordinary topic. */
async function mappingsOf({ instance }: BrokersOf, topic: string): Promise<TopicQueueMapping[]> {
  const route = instance.routes.get(topic) ?? (await instance.routes.refresh(topic));
  if (route?.leaders == null) return [];
  const targets = route.brokerNames.flatMap((brokerName) => {
    const found = instance.findBrokerAddress(brokerName);
    return found === undefined ? [] : [{ brokerName, address: found.address }];
  });
  const { items } = await gather(targets, async ({ address }) => {
    const { code, body } = await instance.api.call(
      address,
      Requests.getTopicConfig,
      { topic, lo: true },
      { accept: [ResponseCode.SUCCESS, ResponseCode.TOPIC_NOT_EXIST] },
    );
    const mapping = code === ResponseCode.SUCCESS ? parseTopicConfigAndQueueMapping(body).mappingDetail : undefined;
    return mapping === undefined ? [] : [mapping];
  });
  return [...items];
}

/** The group stands in the last part it committed; the queue ends in the last part that has a place. Java: MQAdminUtils.convertPhysicalConsumeStats. */
function logicRows(
  topic: string,
  mappings: readonly TopicQueueMapping[],
  rows: readonly ConsumeStats['offsetTable'][number][],
): QueueProgress[] {
  const physical = new Map(rows.map((row) => [queueKey(row.queue), row]));
  return [...logicQueues(mappings)].flatMap(([queueId, { items }]) => {
    const parts = items
      .filter(({ logicOffset }) => logicOffset >= 0)
      .flatMap((item) => {
        const row = physical.get(queueKey({ topic, brokerName: item.bname, queueId: item.queueId }));
        return row === undefined ? [] : [{ item, row }];
      });
    const last = parts.at(-1);
    if (last === undefined) return [];
    const reached = parts.findLast(({ row }) => row.consumerOffset > 0) ?? parts[0]!;
    const pulled = parts.findLast(({ row }) => row.pullOffset > 0) ?? parts[0]!;
    return [
      progressRow({
        queue: { topic, brokerName: LOGIC_BROKER, queueId },
        brokerOffset: logicOf(last.item, last.row.brokerOffset),
        consumerOffset: logicOf(reached.item, reached.row.consumerOffset),
        pullOffset: logicOf(pulled.item, pulled.row.pullOffset),
        lastTimestamp: reached.row.lastTimestamp,
      }),
    ];
  });
}

const logicOf = (item: LogicQueueItem, physical: number): number =>
  item.logicOffset + Math.max(0, physical - item.startOffset);
