import {
  createRequest,
  type LogicQueueItem,
  parseTopicConfigAndQueueMapping,
  Requests,
  ResponseCode,
  type TopicQueueMapping,
  type TopicRouteData,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MappingTable } from './mapping-table.js';
import type { PeerBrokers } from './peer-brokers.js';

/** What the clean-up looks at. */
export interface CleanParts {
  readonly staticTopics: {
    readonly table: MappingTable;
    readonly peers: Pick<PeerBrokers, 'stats' | 'route' | 'request'>;
  };
  readonly logger: Logger;
}
type Queues = TopicQueueMapping['hostedQueues'];

/** How often it is looked whether it is time to (`TopicQueueMappingCleanService`). */
export const CLEAN_INTERVAL_MS = 5 * 60_000;

/**
 * Forgets parts of logic queues that nobody needs any more: first parts whose messages are all deleted, and queues that
 * were moved on from here twice. A topic that cannot be cleaned now is tried again next time.
 */
export async function cleanMappings(context: CleanParts): Promise<void> {
  const { table } = context.staticTopics;
  for (const topic of [...table.all.keys()]) {
    try {
      for (const clean of [withoutEmptyParts, withoutForgottenQueues]) {
        const mapping = table.get(topic);
        if (mapping === undefined) break;
        const left = await clean(context, mapping);
        // What has changed meanwhile is newer than what was looked at.
        if (left !== null && table.get(topic) === mapping) table.replaceQueues(topic, left);
      }
    } catch (error) {
      context.logger.warn('a static topic is not cleaned', { topic, error });
    }
  }
}

/** Drops the first part of queues led here when its physical queue has no messages left; null: nothing to drop. */
async function withoutEmptyParts(
  { staticTopics, logger }: CleanParts,
  { topic, bname, hostedQueues }: TopicQueueMapping,
): Promise<Queues | null> {
  const left: Record<number, LogicQueueItem[]> = { ...hostedQueues };
  let changed = false;
  for (const [id, items] of Object.entries(hostedQueues)) {
    const [first, ...others] = items;
    if (first === undefined || others.at(-1)?.bname !== bname) continue;
    const { offsetTable } = await staticTopics.peers.stats(first.bname, topic);
    const offsets = offsetTable.find(({ queue }) => queue.queueId === first.queueId);
    if (offsets === undefined || (offsets.maxOffset !== offsets.minOffset && offsets.maxOffset !== 0)) continue;
    left[Number(id)] = others;
    changed = true;
    logger.info('a part of a logic queue is empty and forgotten', { topic, logicQueue: id, part: first });
  }
  return changed ? left : null;
}

/** Drops queues whose leader, as far as this broker knows, has passed them on and its successor says so; null: none. */
async function withoutForgottenQueues(
  { staticTopics, logger }: CleanParts,
  mapping: TopicQueueMapping,
): Promise<Queues | null> {
  const { topic, bname, hostedQueues } = mapping;
  const elsewhere = Object.entries(hostedQueues).filter(
    ([, items]) => items.length > 0 && items.at(-1)!.bname !== bname,
  );
  if (elsewhere.length === 0) return null;
  const route = await staticTopics.peers.route(topic);
  const left: Record<number, LogicQueueItem[]> = { ...hostedQueues };
  for (const [id, items] of elsewhere) {
    const leader = leaderInRoute(route, id);
    if (leader === undefined || leader === items.at(-1)!.bname) continue;
    const known = await mappingOf({ staticTopics }, leader, topic);
    const confirmed =
      known?.epoch === mapping.epoch &&
      known.totalQueues === mapping.totalQueues &&
      known.hostedQueues[Number(id)]?.at(-1)?.bname === leader;
    if (!confirmed) continue;
    delete left[Number(id)];
    logger.info('a logic queue that moved on twice is forgotten', { topic, logicQueue: id });
  }
  return Object.keys(left).length === Object.keys(hostedQueues).length ? null : left;
}

/** The broker that writes a logic queue, by the newest mapping that names it. */
function leaderInRoute({ topicQueueMappingByBroker = {} }: TopicRouteData, id: string): string | undefined {
  const infos = Object.values(topicQueueMappingByBroker) as Partial<TopicQueueMapping>[];
  const naming = infos.filter(({ currIdMap }) => currIdMap !== undefined && Object.hasOwn(currIdMap, id));
  return naming.sort((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0))[0]?.bname;
}

async function mappingOf(
  { staticTopics }: Pick<CleanParts, 'staticTopics'>,
  brokerName: string,
  topic: string,
): Promise<TopicQueueMapping | undefined> {
  const request = createRequest(Requests.getTopicConfig, { topic, lo: true });
  const { code, body } = await staticTopics.peers.request(brokerName, request);
  return code === ResponseCode.SUCCESS ? parseTopicConfigAndQueueMapping(body).mappingDetail : undefined;
}
