import type { LogicQueueItem, TopicQueueMapping } from '@rocketnest/protocol';
import type { MappingTable } from './mapping-table.js';
import type { PeerBrokers } from './peer-brokers.js';

/** One queue of a static topic, as this broker knows it. */
export interface LogicQueue {
  readonly topic: string;
  readonly queueId: number;
  readonly mapping: TopicQueueMapping;
  /** Its parts, oldest first; empty when this broker knows nothing of the queue. */
  readonly items: readonly LogicQueueItem[];
  /** Where it is written, when that is in this broker; only then does this broker answer for the queue. */
  readonly leader: LogicQueueItem | undefined;
}

/** The fields of a request that tell whether it is about a logic queue. */
export interface QueueFields {
  readonly topic: string;
  readonly queueId: number;
  /** False: `queueId` is physical whatever the topic; another broker has done the translation. */
  readonly lo?: boolean | undefined;
}

/** Static topics of one broker: what the processors need to know of them. */
export class StaticTopics {
  constructor(
    readonly table: MappingTable,
    readonly peers: PeerBrokers,
  ) {}

  /**
   * The logic queue that a request means; undefined when it means a physical one, which is the usual case
   * (`TopicQueueMappingManager.buildTopicQueueMappingContext`).
   */
  queueOf({ topic, queueId, lo }: QueueFields): LogicQueue | undefined {
    const mapping = this.table.get(topic);
    if (mapping === undefined || lo === false) return undefined;
    const items = mapping.hostedQueues[queueId] ?? [];
    const last = items.at(-1);
    return { topic, queueId, mapping, items, leader: last?.bname === mapping.bname ? last : undefined };
  }

  /** The logic queue to send to: any that is written here when the sender leaves the choice to the broker (−1). */
  queueToSendTo(fields: QueueFields): LogicQueue | undefined {
    if (fields.queueId >= 0) return this.queueOf(fields);
    const { hostedQueues = {}, bname } = this.table.get(fields.topic) ?? {};
    const here = Object.keys(hostedQueues).filter((id) => hostedQueues[Number(id)]?.at(-1)?.bname === bname);
    const queueId = here[Math.floor(Math.random() * here.length)];
    return this.queueOf(queueId === undefined ? fields : { ...fields, queueId: Number(queueId) });
  }
}

/** Remark of NOT_LEADER_FOR_QUEUE: the client then asks for the route again. */
export const notLeader = ({ topic, queueId, mapping }: LogicQueue): string =>
  `${topic}-${queueId} does not exist in request process of current broker ${mapping.bname}`;
