import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, ConnectionError, NoRouteError, PartialError, RequestCode } from '@rocketnest/protocol';
import { startCluster, unique } from '@rocketnest/testing';
import { Admin, Producer, type StaticTopicPlan, topicKind } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.topics', () => {
  let cluster: TestCluster;
  let admin: Admin;
  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    admin = cluster.admin;
  });
  afterAll(() => cluster.close());

  it('changes what it is told to and leaves the rest', async () => {
    const topic = unique('topic');
    await admin.topics.create({ topic, queues: 3, perm: 6, messageType: 'FIFO' });
    await admin.topics.update(topic, { readQueues: 5 });
    await admin.topics.setPerm(topic, 4);
    const { items, failures } = await admin.topics.config(topic);
    expect(failures).toEqual([]);
    expect(new Set(items.map(({ brokerName }) => brokerName)).size).toBe(items.length);
    expect(items.length).toBeGreaterThan(0);
    for (const config of items) {
      expect(config).toMatchObject({ topicName: topic, readQueueNums: 5, writeQueueNums: 3, perm: 4 });
      expect(config.attributes['message.type']).toBe('FIFO');
    }
    await expect(admin.topics.update(unique('nope'), { perm: 6 })).rejects.toThrow(NoRouteError);
  });

  it('creates and deletes on one broker only', async () => {
    const topic = unique('topic');
    const [first] = await admin.cluster.brokerMembers();
    await admin.topics.create({ topic, queues: 2, broker: first!.brokerName });
    expect((await admin.topics.config(topic)).items.map(({ brokerName }) => brokerName)).toEqual([first!.brokerName]);
    await admin.topics.delete(topic, { broker: first!.address });
    const { items } = await admin.topics.configs();
    expect(items.map(({ topicName }) => topicName)).not.toContain(topic);
  });

  it('creates many at once, lists them with their settings, and says what kind they are', async () => {
    const names = [unique('many'), unique('many')];
    await admin.topics.createAll([
      { topic: names[0]!, queues: 1, messageType: 'DELAY' },
      { topic: names[1]!, readQueues: 2, writeQueues: 3 },
    ]);
    expect(await admin.topics.list()).toEqual(expect.arrayContaining(names));
    const [clusterName] = await admin.cluster.names();
    expect(await admin.topics.list(clusterName)).toEqual(expect.arrayContaining(names));
    expect(await admin.topics.clusters(names[0]!)).toContain(clusterName);
    const { items } = await admin.topics.configs();
    const found = items.filter(({ topicName }) => names.includes(topicName));
    expect(found.find(({ topicName }) => topicName === names[0])!.attributes).toEqual({ 'message.type': 'DELAY' });
    expect(found.find(({ topicName }) => topicName === names[1])).toMatchObject({
      readQueueNums: 2,
      writeQueueNums: 3,
    });
    expect(['T', '%RETRY%g', '%DLQ%g', 'TBW102', 'rmq_sys_x'].map(topicKind)).toEqual([
      'USER',
      'RETRY',
      'DLQ',
      'SYSTEM',
      'SYSTEM',
    ]);
  });

  it('keeps the order configuration, until the topic is deleted', async () => {
    const topic = await cluster.topic(2);
    expect(await admin.topics.orderConf(topic)).toBeUndefined();
    await admin.topics.setOrderConf(topic, { 'broker-a': 2, 'broker-b': 2 });
    expect(await admin.topics.orderConf(topic)).toBe('broker-a:2;broker-b:2');
    await admin.topics.delete(topic);
    expect(await admin.topics.orderConf(topic)).toBeUndefined();
    await expect(admin.topics.setOrderConf(topic, { 'broker-a': 0 })).rejects.toThrow(/number from 1/);
  });

  it.each([
    ['no queues', { queues: 0 }, /queues of topic .* is 0/],
    ['half a queue', { writeQueues: 1.5 }, /writeQueues of topic .* is 1.5/],
    ['an unknown permission', { perm: 9 }, /perm of topic .* is 9/],
    ['attributes brokers cannot read', { attributes: { 'a b': 'c' } }, /Attribute "a b"/],
    ['an unknown broker', { broker: 'nobody' }, /no broker nobody .*brokers: .*broker/],
  ])('refuses %s', async (_what, settings, error) => {
    const failure = admin.topics.create({ topic: unique('topic'), ...settings });
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow(error);
  });
});

describe('admin.topics, when one of two brokers is down', () => {
  it('answers with what the other knows and says who failed; a change says where it was made', async () => {
    await using cluster = await startCluster({ brokers: 2 });
    const topic = unique('topic');
    await using whole = new Admin({ namesrvAddr: cluster.namesrvAddr });
    await whole.start();
    await whole.topics.create({ topic, queues: 2 });
    // Nobody listens where this admin looks for the second broker.
    const { address } = cluster.brokers[1]!;
    await using admin = new Admin({
      namesrvAddr: cluster.namesrvAddr,
      addressMap: (to) => (to === address ? '127.0.0.1:1' : to),
    });
    await admin.start();
    const { items, failures } = await admin.topics.stats(topic);
    expect(items.map(({ queue }) => queue.brokerName)).toEqual(['broker-a', 'broker-a']);
    expect(failures).toMatchObject([{ brokerName: 'broker-b', address }]);
    const failure: unknown = await admin.topics.setPerm(topic, 4).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(PartialError); // it could not even ask broker-b what it has
    const partial = await admin.topics.create({ topic: unique('topic'), queues: 1 }).catch((error: unknown) => error);
    expect(partial).toBeInstanceOf(PartialError);
    expect(partial).toMatchObject({ code: 'PARTIAL', done: ['broker-a'], failures: [{ brokerName: 'broker-b' }] });
    expect((partial as Error).message).toMatch(/is created on broker-a, but not on broker-b .*Repeat it/);
  });
});

describe('static topics', () => {
  it('are created, grow, and move with their messages to other brokers', async () => {
    await using cluster = await startCluster({ brokers: 3 });
    await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    const topic = unique('static');
    const preview = await admin.topics.createStatic({ topic, queues: 3, brokers: ['broker-a'], preview: true });
    expect(Object.keys(preview.configs).sort()).toEqual(['broker-a', 'broker-b', 'broker-c']);
    expect(await admin.topics.route(topic)).toBeNull();
    await admin.topics.createStatic({ topic, queues: 3, brokers: ['broker-a'] });
    await admin.topics.createStatic({ topic, queues: 4, brokers: ['broker-a', 'broker-b'] });
    await using producer = new Producer({ group: unique('p') }, admin.instance);
    await producer.start();
    const queues = await producer.publishQueues(topic);
    expect(queues.map(({ queueId }) => queueId)).toEqual([0, 1, 2, 3]);
    for (const queue of queues) await producer.send({ topic, body: 'before' }, { queue });
    const plan = await admin.topics.remapStatic({ topic, brokers: ['broker-b', 'broker-c'] });
    expect(plan.mapOut).toEqual(['broker-a']);
    await admin.instance.routes.refresh(topic);
    for (const queue of queues) await producer.send({ topic, body: 'after' }, { queue });
    const ends = await Promise.all(queues.map((queue) => admin.offsets.max(queue)));
    // Queue 3 stayed on broker-b; the others have a new part, which begins at the next block.
    expect(ends).toEqual([10_001, 10_001, 10_001, 2]);
    expect((await admin.topics.remapStatic({ topic, brokers: ['broker-b', 'broker-c'] })).mapIn).toEqual([]);
    await expect(admin.topics.createStatic({ topic, queues: 2 })).rejects.toThrow(/has 4 queues and cannot have 2/);
    const ordinary = unique('ordinary');
    await admin.topics.create({ topic: ordinary });
    await expect(admin.topics.createStatic({ topic: ordinary, queues: 2 })).rejects.toThrow(/ordinary topic/);
  });

  it('whose remapping stopped anywhere in the middle is finished with the plan in the error', async () => {
    await using cluster = await startCluster({ brokers: 3 });
    // The write to fail: 1 to a new leader, 2 the old one, 3 the place, 4 a bystander.
    for (const failing of [1, 2, 3, 4]) {
      let writes = 0;
      let armed = false;
      const hook = {
        beforeRequest(_address: string, request: { code: number }) {
          if (!armed || request.code !== RequestCode.UPDATE_AND_CREATE_STATIC_TOPIC) return;
          writes++;
          if (writes === failing) throw new ConnectionError('cut');
        },
      };
      await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr, rpcHooks: [hook] });
      await admin.start();
      const topic = unique('static');
      await admin.topics.createStatic({ topic, queues: 1, brokers: ['broker-a'] });
      armed = true;
      const failure: unknown = await admin.topics
        .remapStatic({ topic, brokers: ['broker-b'] })
        .catch((e: unknown) => e);
      expect(failure).toBeInstanceOf(PartialError);
      armed = false;
      const { plan } = (failure as PartialError).context as { plan: StaticTopicPlan };
      const done = await admin.topics.applyStatic(plan);
      expect(done.configs['broker-b']!.mappingDetail.hostedQueues[0]!.at(-1)).toMatchObject({
        bname: 'broker-b',
        logicOffset: 10_000,
      });
      expect((await admin.topics.remapStatic({ topic, brokers: ['broker-b'] })).mapIn).toEqual([]);
    }
  });
});
