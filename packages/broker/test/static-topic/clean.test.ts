import { describe, expect, it } from '@jest/globals';
import {
  type DecodedCommand,
  encodeTopicConfigAndQueueMapping,
  type LogicQueueItem,
  ResponseError,
  type TopicQueueMapping,
  type TopicRouteData,
  type TopicStatsTable,
} from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import { type CleanParts, cleanMappings } from '../../src/static-topic/clean.js';
import { infoOf } from '../../src/static-topic/mapping.js';
import { MappingTable } from '../../src/static-topic/mapping-table.js';
import { newTopicConfig } from '../../src/topics.js';
import { mapping, part } from './support.js';

const inA = part({ bname: 'broker-a', queueId: 0 });
const inB = part({ bname: 'broker-b', queueId: 1, gen: 1, logicOffset: 100 });
const inC = part({ bname: 'broker-c', queueId: 2, gen: 2, logicOffset: 200 });

interface Cluster {
  /** Min and max offset of each broker's queues, by `broker-queue`. */
  readonly offsets?: Record<string, readonly [number, number]>;
  /** What the other brokers know of topic T. */
  readonly others?: readonly TopicQueueMapping[];
}

/** Cleans the table of `own`'s broker in such a cluster; answers what is left of logic queue 0. */
async function clean(
  own: TopicQueueMapping,
  { offsets = {}, others = [] }: Cluster,
): Promise<LogicQueueItem[] | undefined> {
  const table = new MappingTable({ clock: { now: () => 0 }, brokerName: own.bname, path: '/nowhere' });
  table.update(own);
  const peers: CleanParts['staticTopics']['peers'] = {
    stats: async (brokerName, topic): Promise<TopicStatsTable> => {
      const queues = Object.entries(offsets).filter(([queue]) => queue.startsWith(brokerName));
      if (queues.length === 0) throw new ResponseError('no answer', { responseCode: 1, remark: 'no answer' });
      return {
        topicPutTps: 0,
        offsetTable: queues.map(([queue, [minOffset, maxOffset]]) => ({
          queue: { topic, brokerName, queueId: Number(queue.at(-1)) },
          minOffset,
          maxOffset,
          lastUpdateTimestamp: 0,
        })),
      };
    },
    route: async (): Promise<TopicRouteData> => ({
      queueDatas: [],
      brokerDatas: [],
      filterServerTable: {},
      topicQueueMappingByBroker: Object.fromEntries([own, ...others].map((each) => [each.bname, infoOf(each)])),
    }),
    request: async (brokerName) => {
      const mappingDetail = others.find(({ bname }) => bname === brokerName);
      const body = encodeTopicConfigAndQueueMapping({ ...newTopicConfig('T'), mappingDetail });
      return { code: 0, body } as DecodedCommand;
    },
  };
  await cleanMappings({ staticTopics: { table, peers }, logger: silentLogger });
  return table.get('T')!.hostedQueues[0];
}

describe('The clean-up of static topics', () => {
  it.each([
    ['forgets a first part without messages', [7, 7], [inB]],
    ['forgets a first part that never had any', [0, 0], [inB]],
    ['keeps a first part with messages', [6, 7], [inA, inB]],
  ] as const)('%s', async (_, range, left) => {
    expect(await clean(mapping('T', 'broker-b', { 0: [inA, inB] }), { offsets: { 'broker-a-0': range } })).toEqual(
      left,
    );
  });

  it('never touches the last part, nor queues that are written elsewhere', async () => {
    const offsets = { 'broker-a-0': [0, 0], 'broker-b-1': [0, 0] } as const;
    expect(await clean(mapping('T', 'broker-b', { 0: [inB] }), { offsets })).toEqual([inB]);
    expect(await clean(mapping('T', 'broker-a', { 0: [inA, inB] }), { offsets })).toEqual([inA, inB]);
  });

  it('changes nothing when the other broker does not answer', async () => {
    expect(await clean(mapping('T', 'broker-b', { 0: [inA, inB] }), {})).toEqual([inA, inB]);
  });

  it('forgets a queue that moved on twice, once its new leader confirms it', async () => {
    const own = mapping('T', 'broker-a', { 0: [inA, inB] });
    const leader = mapping('T', 'broker-c', { 0: [inA, inB, inC] });
    expect(await clean(own, { others: [leader] })).toBeUndefined();
    expect(await clean(own, { others: [{ ...leader, epoch: 2_000 }] })).toEqual([inA, inB]);
    expect(await clean(own, { others: [mapping('T', 'broker-b', { 0: [inA, inB] })] })).toEqual([inA, inB]);
  });
});
