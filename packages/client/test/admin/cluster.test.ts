import { expect, it } from '@jest/globals';
import { startCluster, unique, waitFor } from '@rocketnest/testing';
import { Admin, Producer, PushConsumer } from '../../src/index.js';

it('admin.cluster tells members, traffic and settings of a cluster', async () => {
  await using cluster = await startCluster({ brokers: 2 });
  await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
  expect(await admin.cluster.names()).toEqual(['DefaultCluster']);
  const members = await admin.cluster.brokerMembers();
  expect(members.map(({ brokerName, brokerId }) => [brokerName, brokerId]).sort()).toEqual([
    ['broker-a', 0],
    ['broker-b', 0],
  ]);
  await expect(admin.cluster.brokerMembers({ broker: 'none' })).rejects.toThrow(/no broker none .*broker-a, broker-b/);

  const [topic, group] = [unique('topic'), unique('group')];
  await admin.topics.create({ topic, queues: 2 });
  await using producer = new Producer({ group: unique('p') }, admin.instance);
  await producer.start();
  for (const queue of await producer.publishQueues(topic)) await producer.send({ topic, body: 'x' }, { queue });
  await using consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group, consumeFrom: 'FIRST_OFFSET' });
  let seen = 0;
  consumer.subscribe(topic).listen(async () => {
    seen++;
  });
  await consumer.start();
  await waitFor(() => seen === 4, { what: 'all messages' });
  const traffic = await waitFor(
    async () => {
      const found = await admin.cluster.traffic(topic);
      return found.groups.length === 1 ? found : undefined;
    },
    { what: 'the group to be known' },
  );
  expect(traffic).toMatchObject({ topic, groups: [{ group, lag: expect.any(Number) }], failures: [] });
  expect(Number.isFinite(traffic.inTps)).toBe(true);

  const { topics, groups } = await admin.cluster.metadata();
  expect(topics.filter(({ topicName }) => topicName === topic)).toHaveLength(2);
  expect(groups.some(({ groupName }) => groupName === group)).toBe(true);
  expect(topics.some(({ topicName }) => topicName.startsWith('%') || topicName === 'TBW102')).toBe(false);

  const shares = await admin.groups.allocation(topic, ['b', 'a']);
  expect([...shares].map(([member, queues]) => [member, queues.map(({ brokerName }) => brokerName)])).toEqual([
    ['a', ['broker-a', 'broker-a']],
    ['b', ['broker-b', 'broker-b']],
  ]);
});
