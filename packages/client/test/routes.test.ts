import { describe, expect, it } from '@jest/globals';
import { NoRouteError, type TopicRouteData } from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import { createTopicRoute, RouteTable, type TopicRoute } from '../src/routes.js';

type BrokerInput = { name: string; members?: Record<number, string>; perm?: number; read?: number; write?: number };

function routeOf(...brokers: BrokerInput[]): TopicRouteData {
  return {
    queueDatas: brokers.map(({ name, perm = 6, read = 2, write = 2 }) => ({
      brokerName: name,
      readQueueNums: read,
      writeQueueNums: write,
      perm,
      topicSysFlag: 0,
    })),
    brokerDatas: brokers.map(({ name, members = { 0: `${name}:10911` } }) => ({
      cluster: 'c',
      brokerName: name,
      brokerAddrs: members,
    })),
    filterServerTable: {},
  };
}

/** A name server that is a map, and a note of what it was asked and what changed. */
function tableOver(topics: Record<string, TopicRouteData>) {
  const asked: string[] = [];
  const changes: TopicRoute[] = [];
  const newBrokers: string[] = [];
  const table = new RouteTable({
    fetch: async (topic) => {
      asked.push(topic);
      return topics[topic] ?? null;
    },
    nameServers: () => ['127.0.0.1:9876'],
    logger: silentLogger,
    onChange: (route) => changes.push(route),
    onNewBrokers: (addresses) => newBrokers.push(...addresses),
  });
  return { table, asked, changes, newBrokers };
}

const names = (queues: readonly { brokerName: string; queueId: number }[]) =>
  queues.map((queue) => `${queue.brokerName}/${queue.queueId}`);

describe('createTopicRoute', () => {
  it('lists writable queues of brokers with a master, by broker name', () => {
    const route = createTopicRoute(
      'T',
      routeOf(
        { name: 'b', write: 1 },
        { name: 'readonly', perm: 4 },
        { name: 'slave-only', members: { 1: 's:1' } },
        { name: 'a' },
      ),
    );
    expect(names(route.publishQueues)).toEqual(['a/0', 'a/1', 'b/0']);
  });

  it('lists readable queues, also of brokers that only have slaves left', () => {
    const route = createTopicRoute(
      'T',
      routeOf({ name: 'writeonly', perm: 2 }, { name: 'slave-only', members: { 1: 's:1' } }, { name: 'a', read: 3 }),
    );
    expect(names(route.subscribeQueues)).toEqual(['a/0', 'a/1', 'a/2', 'slave-only/0', 'slave-only/1']);
  });

  it('follows the fixed order of an order topic', () => {
    const route = createTopicRoute('T', { ...routeOf({ name: 'a' }, { name: 'b' }), orderTopicConf: 'b:2;a:1' });
    expect(route.orderTopic).toBe(true);
    expect(names(route.publishQueues)).toEqual(['b/0', 'b/1', 'a/0']);
  });
});

describe('RouteTable', () => {
  it('asks once for many callers, then answers from memory', async () => {
    const { table, asked } = tableOver({ T: routeOf({ name: 'a' }) });
    await Promise.all(Array.from({ length: 100 }, () => table.findToPublish('T', 'TBW102', 4)));
    await table.find('T');
    expect(asked).toEqual(['T']);
  });

  it('lends the auto-create route to a topic that does not exist, with at most the wanted queues', async () => {
    const { table, asked } = tableOver({ TBW102: routeOf({ name: 'a', read: 8, write: 8 }) });
    const [route] = await Promise.all(Array.from({ length: 100 }, () => table.findToPublish('New', 'TBW102', 4)));
    expect(route!.lent).toBe(true);
    expect(names(route!.publishQueues)).toEqual(['a/0', 'a/1', 'a/2', 'a/3']);
    expect(asked).toEqual(['New', 'TBW102']);
  });

  it('replaces a lent route by the real one', async () => {
    const topics: Record<string, TopicRouteData> = { TBW102: routeOf({ name: 'a', read: 8, write: 8 }) };
    const { table } = tableOver(topics);
    await table.findToPublish('New', 'TBW102', 4);
    topics['New'] = routeOf({ name: 'a', write: 1 });
    await table.refresh('New');
    expect(table.get('New')).toMatchObject({ lent: false });
    expect(names(table.get('New')!.publishQueues)).toEqual(['a/0']);
  });

  it('explains a missing topic with the name server asked and the next step', async () => {
    const { table } = tableOver({});
    await expect(table.findToPublish('Nope', 'TBW102', 4)).rejects.toThrow(NoRouteError);
    await expect(table.find('Nope')).rejects.toThrow(
      /No route info of topic Nope from name server 127\.0\.0\.1:9876\. Create it with "mqadmin updateTopic .*autoCreateTopicEnable/,
    );
  });

  it('tells a topic without writable queues from one that does not exist', async () => {
    const { table } = tableOver({ T: routeOf({ name: 'a', perm: 4 }), TBW102: routeOf({ name: 'a' }) });
    await expect(table.findToPublish('T', 'TBW102', 4)).rejects.toThrow(
      /no writable queue: its brokers \(a\) are read-only/,
    );
  });

  it('keeps the last route when the topic vanishes, and announces only real changes', async () => {
    const topics: Record<string, TopicRouteData> = { T: routeOf({ name: 'a' }, { name: 'b' }) };
    const { table, changes } = tableOver(topics);
    const first = await table.refresh('T');
    topics['T'] = routeOf({ name: 'b' }, { name: 'a' });
    expect(await table.refresh('T')).toBe(first);
    delete topics['T'];
    expect(await table.refresh('T')).toBeNull();
    expect(table.get('T')).toBe(first);
    expect(changes).toHaveLength(1);
  });

  it('forgets brokers no route names, and announces new ones once', async () => {
    const topics: Record<string, TopicRouteData> = {
      T: routeOf({ name: 'a' }, { name: 'b' }),
      U: routeOf({ name: 'a' }),
    };
    const { table, newBrokers } = tableOver(topics);
    await table.refresh('T');
    await table.refresh('U');
    expect(newBrokers).toEqual(['a:10911', 'b:10911']);
    topics['T'] = routeOf({ name: 'a', members: { 0: 'moved:10911' } });
    await table.refresh('T');
    expect(table.findBroker('b')).toBeUndefined();
    expect(table.findBroker('a')?.address).toBe('moved:10911');
    expect(newBrokers).toEqual(['a:10911', 'b:10911', 'moved:10911']);
  });

  it.each([
    [undefined, { address: 'm', brokerId: 0, slave: false }],
    [{ brokerId: 2 }, { address: 's2', brokerId: 2, slave: true }],
    [{ brokerId: 1 }, { address: 's2', brokerId: 2, slave: true }], // the next slave may have replaced it
    [{ brokerId: 5 }, { address: 'm', brokerId: 0, slave: false }],
    [{ brokerId: 5, onlyThisBroker: true }, undefined],
    [
      { onlyMaster: true, brokerId: 2 },
      { address: 'm', brokerId: 0, slave: false },
    ],
  ])('finds the member asked for with %j', async (options, expected) => {
    const { table } = tableOver({ T: routeOf({ name: 'a', members: { 0: 'm', 2: 's2' } }) });
    await table.refresh('T');
    expect(table.findBroker('a', options)).toEqual(expected);
  });

  it('falls back to a slave when the master is gone, unless only the master will do', async () => {
    const { table } = tableOver({ T: routeOf({ name: 'a', members: { 1: 's1' } }) });
    await table.refresh('T');
    expect(table.findBroker('a')).toEqual({ address: 's1', brokerId: 1, slave: true });
    expect(table.findBroker('a', { onlyMaster: true })).toBeUndefined();
    expect(table.anyBrokerOf('T')).toBe('s1');
  });
});
