import type { TopicRouteData } from '@rocketnest/protocol';
import type { MessageQueue } from './message-queue.js';

/** Logic queues of static topics belong to no broker for good; clients give them one of this name. Java: MixAll.LOGICAL_QUEUE_MOCK_BROKER_PREFIX. */
const LOGIC_BROKER_PREFIX = '__syslo__';
/** The scope of all mappings so far; its leading underscores are part of the prefix. Java: TopicQueueMappingUtils.getMockBrokerName. */
const GLOBAL_SCOPE = '__global__';
/** The broker name of all logic queues so far. */
export const LOGIC_BROKER: string = LOGIC_BROKER_PREFIX + GLOBAL_SCOPE.slice(2);

/** What a client needs of a broker's mapping. Java: TopicQueueMappingInfo. */
interface MappingInfo {
  readonly bname: string;
  readonly scope?: string;
  readonly epoch: number;
  readonly totalQueues: number;
  readonly currIdMap?: Readonly<Record<string, number>>;
}

/** A static topic as a route describes it. */
export interface LogicQueues {
  readonly queues: readonly MessageQueue[];
  /** Broker that takes messages and pulls of a queue, by queue id. A queue that nobody leads just now is missing. */
  readonly leaders: ReadonlyMap<number, string>;
}

/** True for a queue whose broker has to be looked up for every request, since it changes. */
export const isLogicQueue = ({ brokerName }: Pick<MessageQueue, 'brokerName'>): boolean =>
  brokerName.startsWith(LOGIC_BROKER_PREFIX);

/** The logic queues of a topic; null for ordinary topics. Java: ClientMetadata.topicRouteData2EndpointsForStaticTopic. */
export function logicQueuesOf(topic: string, { topicQueueMappingByBroker }: TopicRouteData): LogicQueues | null {
  const infos = (Object.values(topicQueueMappingByBroker ?? {}) as MappingInfo[])
    .filter(({ scope = GLOBAL_SCOPE }) => scope === GLOBAL_SCOPE)
    // Ascending: what a newer mapping says comes last and wins.
    .sort((a, b) => a.epoch - b.epoch);
  if (infos.length === 0) return null;
  const leaders = new Map<number, string>();
  for (const { bname, currIdMap = {} } of infos) {
    for (const id of Object.keys(currIdMap)) leaders.set(Number(id), bname);
  }
  const count = infos.at(-1)!.totalQueues;
  const queues = Array.from({ length: count }, (_, queueId) =>
    Object.freeze({ topic, brokerName: LOGIC_BROKER, queueId }),
  );
  return { queues, leaders };
}
