import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type MessageExt, type MessageQueue, NoRouteError } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { only5, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();
const until = <T>(what: string, condition: () => Promise<T> | T) =>
  waitFor(condition, { timeoutMs: PATIENCE_MS, what });

/** One more message for every queue: brokers look at a waiting pull when one comes, else after 15 s. */
async function wake(topic: string, queues: readonly MessageQueue[]): Promise<void> {
  const producer = await cluster.producer();
  for (const queue of queues)
    await producer.send({ topic, body: `wake-${queue.brokerName}-${queue.queueId}` }, { queue });
}

/** A topic whose queues have `count` messages each, "<broker>-<queue>-<i>". */
async function filled(count: number): Promise<{ topic: string; queues: readonly MessageQueue[] }> {
  const topic = await cluster.topic(2);
  const producer = await cluster.producer();
  const queues = await producer.publishQueues(topic);
  for (let i = 0; i < count; i++) {
    for (const queue of queues) {
      const body = `${queue.brokerName}-${queue.queueId}-${i}`;
      await producer.send({ topic, body, keys: `k${i}`, tags: 'ab'[i % 2]! }, { queue });
    }
  }
  // Apache's brokers acknowledge a message a moment before its queue has it.
  const { offsets } = cluster.admin;
  await until('the messages in their queues', async () => {
    const ends = await Promise.all(queues.map((queue) => offsets.max(queue)));
    return ends.every((end) => end === count);
  });
  return { topic, queues };
}

const bodies = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('topics', () => {
  it('are created, changed in what is named only, listed and deleted', async () => {
    const { topics } = cluster.admin;
    const topic = unique('topic');
    await topics.create({ topic, queues: 3 });
    await topics.update(topic, { readQueues: 4 });
    await topics.setPerm(topic, 4);
    const { items, failures } = await topics.config(topic);
    expect(failures).toEqual([]);
    expect(items.map(({ brokerName }) => brokerName).sort()).toEqual(['broker-a', 'broker-b']);
    for (const config of items) expect(config).toMatchObject({ readQueueNums: 4, writeQueueNums: 3, perm: 4 });
    expect(await topics.list()).toContain(topic);
    expect(await topics.list('DefaultCluster')).toContain(topic);
    expect((await topics.configs()).items.filter(({ topicName }) => topicName === topic)).toHaveLength(2);
    expect(await topics.clusters(topic)).toEqual(['DefaultCluster']);
    await topics.delete(topic);
    await until('the topic to be gone', async () => (await topics.route(topic)) === null);
    await expect(topics.stats(topic)).rejects.toThrow(NoRouteError);
    await expect(topics.update(topic, { perm: 6 })).rejects.toThrow(NoRouteError);
  });

  it('can be on one broker only', async () => {
    const topic = unique('topic');
    await cluster.admin.topics.create({ topic, queues: 2, broker: 'broker-b' });
    const { items } = await cluster.admin.topics.stats(topic);
    expect(items.map(({ queue }) => queue.brokerName)).toEqual(['broker-b', 'broker-b']);
  });

  it('have an order configuration', async () => {
    const { topics } = cluster.admin;
    const topic = unique('topic');
    await topics.setOrderConf(topic, { 'broker-a': 1, 'broker-b': 2 });
    expect(await topics.orderConf(topic)).toBe('broker-a:1;broker-b:2');
    await topics.deleteOrderConf(topic);
    expect(await topics.orderConf(topic)).toBeUndefined();
  });

  only5('are created many at once, with a message type', async () => {
    const { topics } = cluster.admin;
    const names = [unique('many'), unique('many')] as const;
    await topics.createAll([
      { topic: names[0], queues: 1, messageType: 'FIFO' },
      { topic: names[1], queues: 2 },
    ]);
    const { items } = await topics.config(names[0]);
    for (const config of items)
      expect(config).toMatchObject({ writeQueueNums: 1, attributes: { 'message.type': 'FIFO' } });
    await topics.update(names[0], { queues: 3 });
    for (const config of (await topics.config(names[0])).items)
      expect(config).toMatchObject({ writeQueueNums: 3, attributes: { 'message.type': 'FIFO' } });
  });

  only5('can be static: they grow, and their queues move', async () => {
    const { topics, offsets } = cluster.admin;
    const topic = unique('static');
    await topics.createStatic({ topic, queues: 2, brokers: ['broker-a'] });
    await topics.createStatic({ topic, queues: 3, brokers: ['broker-a', 'broker-b'] });
    const producer = await cluster.producer();
    const queues = await producer.publishQueues(topic);
    expect(queues.map(({ queueId }) => queueId)).toEqual([0, 1, 2]);
    for (const queue of queues) await producer.send({ topic, body: `before-${queue.queueId}` }, { queue });
    const inbox = await cluster.consume(topic);
    await inbox.until(3);
    const plan = await topics.remapStatic({ topic, brokers: ['broker-b'] });
    expect(plan.mapOut).toEqual(['broker-a']);
    await producer.instance.routes.refresh(topic);
    for (const queue of queues) await producer.send({ topic, body: `after-${queue.queueId}` }, { queue });
    expect(await Promise.all(queues.map((queue) => offsets.max(queue)))).toEqual([10_001, 10_001, 2]);
    await inbox.until(6);
    expect(new Set(inbox.bodies).size).toBe(6);
    const { group } = inbox.consumer;
    await until('the group to be through', async () => {
      const { items } = await offsets.progress(group, topic);
      return items.length === 3 && items.every((row) => row.lag === 0) ? items : undefined;
    });
  });
});

describe('groups', () => {
  it('are created, changed in what is named only, listed and deleted', async () => {
    const { groups, offsets } = cluster.admin;
    const group = unique('group');
    await groups.create({ groupName: group, retryMaxTimes: 3, consumeBroadcastEnable: false });
    await groups.update(group, { retryQueueNums: 2 });
    const { items } = await groups.config(group);
    expect(items).toHaveLength(2);
    for (const config of items)
      expect(config).toMatchObject({ retryMaxTimes: 3, retryQueueNums: 2, consumeBroadcastEnable: false });
    expect((await groups.list()).items).toContain(group);
    const topic = await cluster.topic(1);
    await offsets.reset({ group, topic, to: 'latest' });
    expect((await groups.topics(group)).items).toContain(topic);
    expect((await cluster.admin.topics.groups(topic)).items).toContain(group);
    await groups.delete(group);
    expect((await groups.list()).items).not.toContain(group);
    expect((await groups.topics(group)).items).toEqual([]);
    await expect(groups.update(group, { retryMaxTimes: 1 })).rejects.toThrow(NoRouteError);
  });

  only5('are forbidden to read a topic, and allowed again', async () => {
    const { groups } = cluster.admin;
    const topic = await cluster.topic(1);
    const group = unique('group');
    await groups.create({ groupName: group });
    for (const readable of [false, true]) {
      await groups.setReadable(group, topic, readable);
      expect((await groups.isReadable(group, topic)).items).toEqual(
        expect.arrayContaining([
          { brokerName: 'broker-a', readable },
          { brokerName: 'broker-b', readable },
        ]),
      );
    }
  });
});

only5('the way a group reads a topic is set and listed', async () => {
  const { groups } = cluster.admin;
  const [topic, group] = [await cluster.topic(1), unique('group')];
  await groups.setRequestMode({ topic, group, mode: 'POP', popShareQueueNum: 2 });
  const modes = (await groups.requestModes()).items.filter((row) => row.group === group);
  expect(modes.map(({ brokerName }) => brokerName).sort()).toEqual(['broker-a', 'broker-b']);
  for (const row of modes) expect(row).toMatchObject({ topic, mode: 'POP', popShareQueueNum: 2 });
});

describe('offsets', () => {
  it('are previewed and reset while nobody is connected, by time and by queue', async () => {
    const { offsets, groups } = cluster.admin;
    const { topic, queues } = await filled(4);
    const group = unique('group');
    await groups.create({ groupName: group });
    const plan = await offsets.planReset({ group, topic, to: 'latest' });
    expect(plan.items.map(({ queue, offset, min, max }) => [queue, offset, min, max])).toEqual(
      [...queues].map((queue) => [queue, 4, 0, 4]),
    );
    expect(plan.skipped).toBe(16);
    await offsets.skipAccumulated(group, topic);
    expect((await offsets.progress(group, topic)).lag).toBe(0);
    expect((await offsets.reset({ group, topic, to: 'earliest' })).again).toBe(16);
    expect(await offsets.progress(group, topic)).toMatchObject({ lag: 16, failures: [] });
    await offsets.set(group, [{ queue: queues[0]!, offset: 3 }]);
    await offsets.reset({ group, topic, to: 'latest', queues: [queues[1]!] });
    expect(await Promise.all(queues.map((queue) => offsets.committed(group, queue)))).toEqual([3, 4, 0, 0]);
    const other = unique('group');
    await groups.create({ groupName: other });
    await offsets.clone({ from: group, to: other, topic });
    expect(await Promise.all(queues.map((queue) => offsets.committed(other, queue)))).toEqual([3, 4, 0, 0]);
    await expect(
      offsets.reset({ group, topic, to: 'latest', queues: [{ brokerName: 'broker-a', queueId: 9 }] }),
    ).rejects.toThrow(ConfigurationError);
  });

  it('of a connected group are reset, which then reads again', async () => {
    const { offsets } = cluster.admin;
    const { topic, queues } = await filled(2);
    const inbox = await cluster.consume(topic);
    const { group } = inbox.consumer;
    await inbox.until(8);
    await until('all to be committed', async () => (await offsets.progress(group, topic)).lag === 0);
    const { items } = await offsets.overview();
    expect(items.find((row) => row.group === group)).toMatchObject({ lag: 0 });
    const plan = await offsets.reset({ group, topic, to: 'earliest' });
    expect(plan.again).toBe(8);
    await wake(topic, queues);
    await inbox.until(8 + 8 + 4);
    expect(new Set(inbox.bodies).size).toBe(8 + 4);
  });

  only5('of one queue of a connected group are reset', async () => {
    const { offsets } = cluster.admin;
    const { topic, queues } = await filled(2);
    const inbox = await cluster.consume(topic);
    const { group } = inbox.consumer;
    await inbox.until(8);
    await until('all to be committed', async () => (await offsets.progress(group, topic)).lag === 0);
    await offsets.reset({ group, topic, to: 'earliest', queues: [queues[0]!] });
    await wake(topic, [queues[0]!]);
    await inbox.until(8 + 2 + 1);
    const { brokerName, queueId } = queues[0]!;
    const place = `${brokerName}-${queueId}`;
    expect(inbox.bodies.slice(8)).toEqual([`${place}-0`, `${place}-1`, `wake-${place}`]);
  });
});

describe('messages', () => {
  it.each(['oldest', 'newest'] as const)('come in pages by time, %s first', async (order) => {
    const { messages } = cluster.admin;
    const { topic } = await filled(5);
    const found: MessageExt[] = [];
    let cursor: string | undefined;
    do {
      const page = await messages.byTime(topic, { order, limit: 6, cursor });
      expect(page.failures).toEqual([]);
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(new Set(bodies(found)).size).toBe(20);
    expect(found).toHaveLength(20);
    const times = found.map(({ storeTimestamp }) => storeTimestamp);
    expect(times).toEqual([...times].sort((a, b) => (order === 'oldest' ? a - b : b - a)));
    const middle = times[10]!;
    const later: string[] = [];
    for await (const message of messages.scan(topic, { begin: middle, order, tags: 'b' }))
      later.push(message.body.toString());
    const expected = found.filter((m) => m.storeTimestamp >= middle && m.properties['TAGS'] === 'b');
    expect(later.sort()).toEqual(bodies(expected).sort());
  });

  it('are found by key, by both ids and by place', async () => {
    const { messages } = cluster.admin;
    const { topic, queues } = await filled(1);
    const [one] = (await messages.byTime(topic, { queues: [queues[3]!] })).items as [MessageExt];
    await until('the index', async () => (await messages.byKey(topic, 'k0')).items.length === 4);
    for (const id of [one.msgId, one.offsetMsgId])
      expect(await messages.view(topic, id)).toMatchObject({ msgId: one.msgId, offsetMsgId: one.offsetMsgId });
    expect((await messages.byOffset(queues[3]!, 0))!.msgId).toBe(one.msgId);
    expect(await messages.byOffset(queues[3]!, 1)).toBeUndefined();
    const entries = await until('the consume queue', async () => {
      const found = await messages.consumeQueue(queues[3]!, 0);
      return found.queueData.length === 1 ? found : undefined;
    });
    expect(entries).toMatchObject({ minQueueIndex: 0, maxQueueIndex: 1 });
  });

  it('are tracked, and consumed directly', async () => {
    const { messages } = cluster.admin;
    const { topic, queues } = await filled(1);
    const reads = await cluster.consume(topic);
    const filters = await cluster.consume(topic, { filter: 'b' });
    await reads.until(4);
    const [one] = (await messages.byTime(topic, { queues: [queues[0]!] })).items as [MessageExt];
    // A filtered message moves the offset when a matching one comes.
    const producer = await cluster.producer();
    await producer.send({ topic, body: 'next', tags: 'b' }, { queue: queues[0]! });
    await until('the tracks', async () => {
      const tracks = await messages.track({ topic, id: one.msgId });
      const status = (group: string) => tracks.find((track) => track.group === group)?.status;
      return status(reads.consumer.group) === 'CONSUMED' && status(filters.consumer.group) === 'CONSUMED_BUT_FILTERED';
    });
    const seen = reads.messages.length;
    expect(await messages.consumeDirectly(reads.consumer.group, one)).toMatchObject({ consumeResult: 'CR_SUCCESS' });
    expect(reads.messages[seen]!.msgId).toBe(one.msgId);
  });
});

it('lists dead letters, exports them, and gives them to their group again', async () => {
  const { deadLetters } = cluster.admin;
  const topic = await cluster.topic(1);
  let broken = true;
  const inbox = await cluster.consume(topic, {
    handler: async () => (broken ? { action: 'dead-letter' } : undefined),
  });
  const { group } = inbox.consumer;
  const producer = await cluster.producer();
  const { msgId } = await producer.send({ topic, body: 'poison', tags: 't', keys: 'k', properties: { own: 'yes' } });
  const letter = await until('the dead letter', async () => (await deadLetters.list(group)).items[0]);
  expect(letter).toMatchObject({ originTopic: topic, originMsgId: msgId });
  expect((await deadLetters.overview()).items.find((row) => row.group === group)).toMatchObject({ count: 1 });
  for await (const line of deadLetters.export(group))
    expect(JSON.parse(line)).toMatchObject({ msgId, topic, tags: 't', keys: 'k', properties: { own: 'yes' } });
  broken = false;
  expect(await deadLetters.resend(group, [letter])).toEqual({ sent: 1, failures: [] });
  const messages = await inbox.until(2);
  expect(messages[1]).toMatchObject({ topic, msgId, reconsumeTimes: 0 });
  expect(messages[1]!.properties).toMatchObject({ TAGS: 't', KEYS: 'k', own: 'yes' });
});
