import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, NoRouteError, ResponseError } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { Producer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('Admin', () => {
  let cluster: TestCluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    producer = new Producer({ group: unique('producers') }, cluster.admin.instance);
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  it('lists brokers by cluster', async () => {
    const { brokerAddrTable, clusterAddrTable } = await cluster.admin.cluster.info();
    const names = Object.values(clusterAddrTable).flat();
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(brokerAddrTable[name]!.brokerAddrs[0]).toMatch(/:\d+$/);
  });

  it('creates a topic that is usable at once, changes it and deletes it', async () => {
    const topic = unique('topic');
    await cluster.admin.topics.create({ topic, queues: 3 });
    const route = await cluster.admin.topics.route(topic);
    expect(
      route!.queueDatas.map((queues) => [queues.readQueueNums, queues.writeQueueNums, queues.perm]),
    ).toContainEqual([3, 3, 6]);
    expect(await cluster.admin.topics.list()).toContain(topic);
    await cluster.admin.topics.create({ topic, readQueues: 5, writeQueues: 4, perm: 4 });
    await waitFor(
      async () =>
        (await cluster.admin.topics.route(topic))!.queueDatas.every(
          (queues) => queues.readQueueNums === 5 && queues.writeQueueNums === 4 && queues.perm === 4,
        ),
      {
        what: 'the change to arrive',
      },
    );
    await cluster.admin.topics.delete(topic);
    await waitFor(async () => (await cluster.admin.topics.route(topic)) === null, { what: 'the topic to be gone' });
  });

  it.each([
    ['a system topic', { topic: 'TBW102' }, /belongs to the system/],
    ['an illegal name', { topic: 'a b' }, /illegal characters/],
    ['an unknown cluster', { topic: 'T', cluster: 'nowhere' }, /Cluster nowhere has no broker \(clusters: \w+/],
  ])('refuses to create %s', async (_what, input, error) => {
    const failure = cluster.admin.topics.create(input);
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow(error);
  });

  it('reads offsets of queues and where a time lies in them', async () => {
    const topic = await cluster.topic(1);
    const queue = (await producer.publishQueues(topic))[0]!;
    for (let i = 0; i < 5; i++) await producer.send({ topic, body: `${i}` }, { queue });
    await waitFor(async () => (await cluster.admin.offsets.max(queue)) === 5, { what: 'five messages' });
    expect(await cluster.admin.offsets.min(queue)).toBe(0);
    expect(await cluster.admin.offsets.search(queue, 0)).toBe(0);
    const third = (await cluster.messages(topic))[2]!;
    expect(await cluster.admin.offsets.search(queue, third.storeTimestamp)).toBeLessThanOrEqual(2);
    const stats = (await cluster.admin.topics.stats(topic)).items.find(
      (entry) => entry.queue.brokerName === queue.brokerName,
    )!;
    expect(stats).toMatchObject({ minOffset: 0, maxOffset: 5, queue });
    expect(stats.lastUpdateTimestamp).toBeGreaterThan(Date.now() - 60_000);
  });

  it('finds messages by broker id, client id and key', async () => {
    const topic = await cluster.topic();
    const sent = await producer.send({ topic, body: 'find me', keys: ['one', 'two'] });
    await producer.send({ topic, body: 'not me', keys: 'three' });
    expect((await cluster.admin.messages.byOffsetId(topic, sent.offsetMsgId)).body.toString()).toBe('find me');
    const byKey = await waitFor(
      async () => {
        const { items: found } = await cluster.admin.messages.byKey(topic, 'two');
        return found.length > 0 ? found : undefined;
      },
      { what: 'the index' },
    );
    expect(byKey.map((message) => message.msgId)).toEqual([sent.msgId]);
    expect((await cluster.admin.messages.byId(topic, sent.msgId))!.body.toString()).toBe('find me');
    expect(await cluster.admin.messages.byKey(topic, 'nothing')).toEqual({ items: [], failures: [] });
    expect(await cluster.admin.messages.byId(topic, 'C'.repeat(32))).toBeUndefined();
  });

  it('finds by key exactly what was stored in a time', async () => {
    const topic = await cluster.topic(1);
    const queue = (await producer.publishQueues(topic))[0]!;
    for (const body of ['one', 'two']) {
      await producer.send({ topic, body, keys: 'k' }, { queue });
      // The next one is stored in another millisecond.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const both = await waitFor(
      async () => {
        const { items } = await cluster.admin.messages.byKey(topic, 'k');
        return items.length === 2 ? items : undefined;
      },
      { what: 'the index' },
    );
    const times = both.map(({ storeTimestamp }) => storeTimestamp).sort((a, b) => a - b);
    const bodies = async (range: { begin?: number; end?: number }) =>
      (await cluster.admin.messages.byKey(topic, 'k', range)).items.map(({ body }) => body.toString()).sort();
    expect(await bodies({ begin: times[0]! })).toEqual(['one', 'two']);
    expect(await bodies({ begin: times[1]! })).toEqual(['two']);
    expect(await bodies({ end: times[1]! })).toEqual(['one']);
    expect(await bodies({ begin: times[1]! + 1 })).toEqual([]);
  });

  it('explains a topic or message that does not exist', async () => {
    await expect(cluster.admin.topics.stats(unique('nope'))).rejects.toThrow(NoRouteError);
    const topic = await cluster.topic(1);
    const queue = (await producer.publishQueues(topic))[0]!;
    const { offsetMsgId } = await producer.send({ topic, body: 'x' }, { queue });
    const beyond = `${offsetMsgId.slice(0, 16)}00000000FFFFFFFF`;
    await expect(cluster.admin.messages.byOffsetId(topic, beyond)).rejects.toThrow(ResponseError);
  });

  it('creates groups, shows who is connected and where a group stands', async () => {
    const topic = await cluster.topic(1);
    const group = unique('group');
    await cluster.admin.groups.create({ groupName: group, retryMaxTimes: 3 });
    await producer.send({ topic, body: 'x' });
    const connections = await cluster.admin.clients.producers(producer.group, topic);
    expect(connections.members.map((connection) => connection.clientId)).toContain(producer.instance.clientId);
  });
});
