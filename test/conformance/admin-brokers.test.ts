import { expect, it } from '@jest/globals';
import { ResponseError } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { only5, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();
const NAMES = ['broker-a', 'broker-b'];

it('tells what brokers are doing and how they are configured', async () => {
  const { brokers } = cluster.admin;
  const { items, failures } = await brokers.runtimeInfo();
  expect(failures).toEqual([]);
  expect(items.map(({ brokerName }) => brokerName).sort()).toEqual(NAMES);
  for (const { version, bootTime, commitLogDiskRatio, sendQueue, pullQueue, putRates } of items) {
    expect(version).toMatch(/^V[45]_\d+_\d+$/);
    expect(bootTime).toBeGreaterThan(Date.now() - 3_600_000);
    expect(commitLogDiskRatio).toBeGreaterThan(0);
    expect(sendQueue.capacity).toBeGreaterThan(0);
    expect(pullQueue.capacity).toBeGreaterThan(0);
    expect(Object.values(putRates).every(Number.isFinite)).toBe(true);
  }
  const configs = (await brokers.config()).items;
  for (const { brokerName, properties } of configs) expect(properties['brokerName']).toBe(brokerName);
});

it('counts messages by name', async () => {
  const topic = await cluster.topic(1);
  const producer = await cluster.producer();
  const { queue } = await producer.send({ topic, body: 'x' });
  const { items } = await cluster.admin.brokers.stats('TOPIC_PUT_NUMS', topic, { broker: queue.brokerName });
  expect(items).toMatchObject([{ brokerName: queue.brokerName, stats: { statsDay: { sum: expect.any(Number) } } }]);
  const { items: none } = await cluster.admin.brokers.stats('TOPIC_PUT_NUMS', unique('nothing'));
  expect(none.map(({ stats }) => stats)).toEqual([null, null]);
});

it('tells of replication, and of the offsets of all groups', async () => {
  const { brokers } = cluster.admin;
  expect((await brokers.consumeStats()).items.length).toBe(2);
});

only5('tells of replication since 5.0', async () => {
  expect((await cluster.admin.brokers.haStatus()).items).toMatchObject([{ master: true }, { master: true }]);
});

it('lists the members of groups, asks them, and explains who is not there', async () => {
  const { clients } = cluster.admin;
  const topic = await cluster.topic(1);
  const producer = await cluster.producer();
  const { consumer } = await cluster.consume(topic, { filter: 'a || b' });
  const { clientId } = consumer.instance;
  await producer.send({ topic, tags: 'a', body: 'x' });

  const group = await waitFor(
    async () => {
      const found = await clients.consumers(consumer.group);
      return found.members[0]?.brokers.length === 2 ? found : undefined;
    },
    { timeoutMs: PATIENCE_MS, what: 'both brokers to know the consumer' },
  );
  expect(group).toMatchObject({ consumeType: 'CONSUME_PASSIVELY', members: [{ clientId }] });
  expect(group.subscriptionTable[topic]).toMatchObject({ subString: 'a || b' });
  expect((await clients.producers(producer.group, topic)).members).toMatchObject([
    { clientId: producer.instance.clientId },
  ]);
  const info = await clients.runningInfo(consumer.group, clientId);
  expect(info.subscriptionSet.map((subscription) => subscription.topic)).toContain(topic);
  await waitFor(
    async () =>
      (await clients.consumeStatus(consumer.group, topic)).items.reduce((sum, { offset }) => sum + offset, 0) === 1,
    { timeoutMs: PATIENCE_MS, what: 'the consumer to say where it is' },
  );
  await expect(clients.runningInfo(consumer.group, 'nobody')).rejects.toThrow(ResponseError);
});

only5('lists all producers', async () => {
  const producer = await cluster.producer();
  const topic = await cluster.topic(1);
  await producer.send({ topic, body: 'x' });
  await waitFor(
    async () => (await cluster.admin.clients.allProducers()).items.some(({ group }) => group === producer.group),
    { timeoutMs: PATIENCE_MS, what: 'the producer in the list' },
  );
});

it('keeps keys and values at the name servers, and reads their configuration', async () => {
  const { nameServers } = cluster.admin;
  const namespace = unique('namespace');
  expect(await nameServers.keyValues(namespace)).toEqual({});
  await nameServers.putKeyValue(namespace, 'a', '1');
  expect(await nameServers.keyValues(namespace)).toEqual({ a: '1' });
  await nameServers.deleteKeyValue(namespace, 'a');
  expect(await nameServers.keyValue(namespace, 'a')).toBeUndefined();
  expect((await nameServers.config()).items[0]!.properties['orderMessageEnable']).toMatch(/^(true|false)$/);
  expect(Object.keys((await nameServers.clusters()).items[0]!.brokerAddrTable).sort()).toEqual(NAMES);
});
