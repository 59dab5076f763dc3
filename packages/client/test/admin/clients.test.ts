import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseSubscription, ResponseError } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { Producer, PushConsumer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.clients', () => {
  let cluster: TestCluster;
  let topic: string;
  let consumer: PushConsumer;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    topic = await cluster.topic(1);
    consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('consumers'),
      consumeFrom: 'FIRST_OFFSET',
    });
    consumer.subscribe(topic, 'a || b').listen(() => {});
    producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers') });
    await consumer.start();
    await producer.start();
    for (let i = 0; i < 4; i++) await producer.send({ topic, tags: 'a', body: 'x' });
    await waitFor(() => consumer.assignment.filter((queue) => queue.topic === topic).length === 2, {
      what: 'the queues',
    });
  });
  afterAll(async () => {
    await producer.close();
    await consumer.close();
    await cluster.close();
  });

  it('lists the members of a consumer group once, with their brokers and the subscription', async () => {
    const group = await waitFor(
      async () => {
        const found = await cluster.admin.clients.consumers(consumer.group);
        return found.members[0]?.brokers.length === 2 ? found : undefined;
      },
      { what: 'both brokers to know the consumer' },
    );
    expect(group.members).toEqual([
      {
        clientId: consumer.instance.clientId,
        clientAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        language: expect.any(String),
        version: 'V5_5_0',
        brokers: expect.arrayContaining(['broker-a', 'broker-b']),
      },
    ]);
    expect(group).toMatchObject({ consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING', failures: [] });
    expect(group.subscriptionTable[topic]).toMatchObject({ subString: 'a || b' });
  });

  it('has no members for a group that nobody is in', async () => {
    const group = unique('lonely');
    const passing = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group }).subscribe(topic).listen(() => {});
    await passing.start();
    await passing.close();
    await waitFor(async () => (await cluster.admin.clients.consumers(group)).members.length === 0, {
      what: 'the group to be empty',
    });
  });

  it('lists producers, of one group or all', async () => {
    const { clients } = cluster.admin;
    const { members } = await clients.producers(producer.group, topic);
    expect(members.map(({ clientId }) => clientId)).toEqual([producer.instance.clientId]);
    expect((await clients.producers(unique('none'), topic)).members).toEqual([]);
    const { items } = await clients.allProducers();
    expect(items.filter(({ group }) => group === producer.group)[0]).toMatchObject({
      clientId: producer.instance.clientId,
      version: 'V5_5_0',
    });
  });

  it('asks a consumer what it is doing, and where it is', async () => {
    const { clients } = cluster.admin;
    const { clientId } = consumer.instance;
    const info = await clients.runningInfo(consumer.group, clientId);
    expect(info.properties['consumerGroup']).toBe(consumer.group);
    expect(info.mqTable.map(({ queue }) => queue.topic)).toContain(topic);
    const status = await waitFor(
      async () => {
        const found = await clients.consumeStatus(consumer.group, topic);
        return found.items.length === 2 ? found : undefined;
      },
      { what: 'offsets in both queues' },
    );
    expect(status.items.map((entry) => entry.clientId)).toEqual([clientId, clientId]);
    expect(status.items.reduce((sum, { offset }) => sum + offset, 0)).toBe(4);
    await expect(clients.runningInfo(consumer.group, 'nobody')).rejects.toThrow(ResponseError);
  });

  it('has brokers forget a client that is gone', async () => {
    const group = unique('gone');
    const { clients, brokers, instance } = cluster.admin;
    // A client that has sent one heartbeat and does nothing any more.
    for (const { address } of await brokers.list()) {
      await instance.api.heartbeat(address, {
        clientID: 'ghost',
        producerDataSet: [],
        consumerDataSet: [
          {
            ...{ groupName: group, consumeType: 'CONSUME_PASSIVELY', messageModel: 'CLUSTERING', unitMode: false },
            consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
            subscriptionDataSet: [parseSubscription(topic, '*')],
          },
        ],
      });
    }
    const ids = async () => (await clients.consumers(group)).members.map(({ clientId }) => clientId);
    await waitFor(async () => (await ids()).includes('ghost'), { what: 'the ghost to be seen' });
    await clients.unregister('ghost', { consumerGroup: group });
    expect(await ids()).toEqual([]);
  });
});
