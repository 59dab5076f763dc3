import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, NoRouteError } from '@rocketnest/protocol';
import { startCluster, unique, waitFor } from '@rocketnest/testing';
import { Admin, type MessageQueue, Producer, PushConsumer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.offsets', () => {
  let cluster: TestCluster;
  let admin: Admin;
  let producer: Producer;
  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    admin = cluster.admin;
    producer = new Producer({ group: unique('producers') }, admin.instance);
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  /** A topic with `count` messages in each of its queues, and a group that knows nothing of it. */
  async function prepare(count: number): Promise<{ topic: string; group: string; queues: readonly MessageQueue[] }> {
    const topic = await cluster.topic(2);
    const group = unique('group');
    await admin.groups.create({ groupName: group });
    const queues = await producer.publishQueues(topic);
    for (const queue of queues) {
      for (let i = 0; i < count; i++) await producer.send({ topic, body: `${i}` }, { queue });
    }
    return { topic, group, queues };
  }

  it('shows what a connected group has not consumed, and nothing when it has', async () => {
    const { topic, group, queues } = await prepare(5);
    await using consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      consumeFrom: 'FIRST_OFFSET',
      persistConsumerOffsetIntervalMs: 1_000,
    });
    let letThrough: () => void = () => {};
    const open = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    consumer.subscribe(topic).listen(() => open);
    await consumer.start();
    await waitFor(async () => (await admin.offsets.progress(group, topic)).lag === 5 * queues.length, {
      what: 'the lag',
    });
    const overview = await admin.offsets.overview();
    expect(overview.items.find((row) => row.group === group)).toMatchObject({ lag: 5 * queues.length });
    letThrough();
    await waitFor(async () => (await admin.offsets.progress(group)).lag === 0, { what: 'everything to be consumed' });
    const { items } = await admin.offsets.progress(group);
    expect(items.filter(({ queue }) => queue.topic === topic)).toHaveLength(queues.length);
    for (const row of items.filter(({ queue }) => queue.topic === topic)) {
      expect(row).toMatchObject({ brokerOffset: 5, consumerOffset: 5, lag: 0, inflight: 0 });
      expect(row.lastTimestamp).toBeGreaterThan(Date.now() - 60_000);
    }
    const spans = await admin.offsets.timeSpans(group, topic);
    expect(spans.items).toHaveLength(queues.length);
    expect(await admin.offsets.committed(group, queues[0]!)).toBe(5);
    expect((await admin.groups.topics(group)).items).toContain(topic);
    expect((await admin.topics.groups(topic)).items).toContain(group);
    expect((await admin.groups.subscription(group, topic))!.subString).toBe('*');
  });

  it('plans a reset, then moves a group that is not connected, back and forth', async () => {
    const { topic, group, queues } = await prepare(4);
    expect(await admin.offsets.committed(group, queues[0]!)).toBeNull();
    const toEnd = await admin.offsets.planReset({ group, topic, to: 'latest' });
    expect(toEnd.items.map(({ current, offset, min, max }) => [current, offset, min, max])).toEqual(
      queues.map(() => [null, 4, 0, 4]),
    );
    expect([toEnd.again, toEnd.skipped]).toEqual([0, 4 * queues.length]);
    expect(await admin.offsets.committed(group, queues[0]!)).toBeNull();
    await admin.offsets.skipAccumulated(group, topic);
    expect((await admin.offsets.progress(group, topic)).lag).toBe(0);
    const back = await admin.offsets.reset({ group, topic, to: 'earliest' });
    expect([back.again, back.skipped]).toEqual([4 * queues.length, 0]);
    expect((await admin.offsets.progress(group, topic)).lag).toBe(4 * queues.length);
    const third = (await cluster.messages(topic))[2]!;
    const byTime = await admin.offsets.reset({ group, topic, to: new Date(third.storeTimestamp) });
    expect(byTime.items[0]!.offset).toBeLessThanOrEqual(2);
  });

  it('moves a connected group, which reads again', async () => {
    const { topic, group, queues } = await prepare(3);
    const seen: string[] = [];
    await using consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      consumeFrom: 'FIRST_OFFSET',
      persistConsumerOffsetIntervalMs: 1_000,
    });
    consumer.subscribe(topic).listen(async (messages) => {
      seen.push(...messages.map((message) => message.msgId));
    });
    await consumer.start();
    const all = 3 * queues.length;
    await waitFor(() => seen.length === all, { what: 'the first reading' });
    await waitFor(async () => (await admin.offsets.progress(group, topic)).lag === 0, { what: 'the offsets' });
    await admin.offsets.reset({ group, topic, to: 'earliest' });
    await waitFor(() => seen.length === 2 * all, { what: 'the second reading', timeoutMs: 60_000 });
    expect(new Set(seen).size).toBe(all);
  });

  it('sets single queues, and clones offsets', async () => {
    const { topic, group, queues } = await prepare(4);
    await admin.offsets.reset({ group, topic, to: 'earliest', queues });
    await admin.offsets.set(group, [{ queue: queues[0]!, offset: 3 }]);
    expect(await admin.offsets.committed(group, queues[0]!)).toBe(3);
    expect(await admin.offsets.committed(group, queues[1]!)).toBe(0);
    const only = await admin.offsets.reset({ group, topic, to: 'latest', queues: [queues[1]!] });
    expect(only.items.map(({ queue, offset }) => [queue, offset])).toEqual([[queues[1], 4]]);
    expect(await admin.offsets.committed(group, queues[0]!)).toBe(3);
    const other = unique('group');
    await admin.groups.create({ groupName: other });
    await admin.offsets.clone({ from: group, to: other, topic });
    expect(await admin.offsets.committed(other, queues[0]!)).toBe(3);
    expect(await admin.offsets.committed(other, queues[1]!)).toBe(4);
  });

  it('searches by time, with both boundaries, and knows the oldest message', async () => {
    const { topic, queues } = await prepare(3);
    const [queue] = queues as [MessageQueue];
    const stored = (await cluster.messages(topic)).filter((message) => message.queueId === queue.queueId);
    const { storeTimestamp } = stored[1]!;
    expect(await admin.offsets.search(queue, storeTimestamp)).toBeLessThanOrEqual(1);
    expect(await admin.offsets.search(queue, storeTimestamp, 'UPPER')).toBeGreaterThanOrEqual(1);
    expect(await admin.offsets.earliestTime(queue)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('explains what it cannot do', async () => {
    const { topic, group, queues } = await prepare(1);
    const nowhere = { brokerName: 'broker-a', queueId: 99 };
    await expect(admin.offsets.reset({ group, topic, to: 'latest', queues: [nowhere] })).rejects.toThrow(
      /has no queue .*@99/,
    );
    await expect(admin.offsets.reset({ group, topic, to: -5 })).rejects.toThrow(ConfigurationError);
    await expect(admin.offsets.set(group, [{ queue: queues[0]!, offset: -1 }])).rejects.toThrow(ConfigurationError);
    await expect(admin.offsets.clone({ from: group, to: group })).rejects.toThrow(/cannot be cloned to itself/);
    await expect(admin.offsets.progress(group, unique('nope'))).rejects.toThrow(NoRouteError);
    await expect(admin.offsets.set(group, [{ queue: queues[0]!, offset: 1_000 }])).rejects.toThrow();
  });
});

describe('admin.offsets of a static topic', () => {
  it('are those of its logic queues, also to reset a group', async () => {
    await using cluster = await startCluster({ brokers: 2 });
    await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    const [topic, group] = [unique('static'), unique('group')];
    await admin.topics.createStatic({ topic, queues: 2 });
    await admin.groups.create({ groupName: group });
    await using producer = new Producer({ group: unique('p') }, admin.instance);
    await producer.start();
    const queues = await producer.publishQueues(topic);
    for (const queue of queues) for (let i = 0; i < 3; i++) await producer.send({ topic, body: `${i}` }, { queue });
    await admin.topics.remapStatic({ topic, brokers: ['broker-b'] });
    await admin.instance.routes.refresh(topic);
    for (const queue of queues) await producer.send({ topic, body: 'last' }, { queue });
    const plan = await admin.offsets.planReset({ group, topic, to: 'latest' });
    const ends = plan.items.map(({ offset }) => offset).sort((a, b) => a - b);
    expect(ends).toEqual([4, 10_001]);
    await admin.offsets.reset({ group, topic, to: 'latest' });
    expect(
      (await admin.offsets.progress(group, topic)).items.map(({ consumerOffset }) => consumerOffset).sort(),
    ).toEqual([10_001, 4]);
    expect((await admin.offsets.progress(group, topic)).lag).toBe(0);
    await using consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group });
    const seen: string[] = [];
    consumer.subscribe(topic).listen(async (messages) => {
      seen.push(...messages.map(({ body }) => body.toString()));
    });
    await consumer.start();
    await expect(admin.offsets.reset({ group, topic, to: 'earliest' })).rejects.toThrow(/while nobody is connected/);
    await producer.send({ topic, body: 'new' }, { queue: queues[0]! });
    await waitFor(() => seen.length === 1, { what: 'only the new message' });
    expect(seen).toEqual(['new']);
  });
});

describe('admin.offsets with brokers that reset offsets through the consumers', () => {
  it('moves groups that are connected and groups that are not, and refuses single queues of connected ones', async () => {
    await using cluster = await startCluster({ broker: { useServerSideResetOffset: false } });
    await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
    await admin.start();
    const topic = unique('topic');
    const group = unique('group');
    await admin.topics.create({ topic, queues: 2 });
    await admin.groups.create({ groupName: group });
    await using producer = new Producer({ group: unique('p') }, admin.instance);
    await producer.start();
    const queues = await producer.publishQueues(topic);
    for (const queue of queues) for (let i = 0; i < 3; i++) await producer.send({ topic, body: `${i}` }, { queue });
    await admin.offsets.reset({ group, topic, to: 'latest' });
    expect((await admin.offsets.progress(group, topic)).lag).toBe(0);
    const seen: string[] = [];
    const consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group });
    consumer.subscribe(topic).listen(async (messages) => {
      seen.push(...messages.map((message) => message.msgId));
    });
    await consumer.start();
    try {
      await expect(admin.offsets.set(group, [{ queue: queues[0]!, offset: 0 }])).rejects.toThrow(/Stop the consumers/);
      await admin.offsets.reset({ group, topic, to: 'earliest' });
      await waitFor(() => seen.length === 6, { what: 'all messages again', timeoutMs: 60_000 });
    } finally {
      await consumer.close();
    }
    await admin.offsets.set(group, [{ queue: queues[0]!, offset: 1 }]);
    expect(await admin.offsets.committed(group, queues[0]!)).toBe(1);
  });
});
