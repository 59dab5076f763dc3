import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type MessageExt, ResponseError } from '@rocketnest/protocol';
import { startCluster, unique, waitFor } from '@rocketnest/testing';
import {
  Admin,
  type MessageQueue,
  type PageOptions,
  Producer,
  PushConsumer,
  TransactionProducer,
} from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

const bodies = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('admin.messages', () => {
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

  /** `count` messages m0, m1 …, one by one over the queues of a new topic; every third has tag c, the others a and b. */
  async function filled(count: number): Promise<{ topic: string; queues: readonly MessageQueue[]; sent: string[] }> {
    const topic = await cluster.topic(2);
    const queues = await producer.publishQueues(topic);
    const sent: string[] = [];
    for (let i = 0; i < count; i++) {
      await producer.send({ topic, body: `m${i}`, tags: 'abc'[i % 3]! }, { queue: queues[i % queues.length]! });
      sent.push(`m${i}`);
    }
    return { topic, queues, sent };
  }

  /** All pages one after the other. */
  async function pages(topic: string, options: PageOptions): Promise<string[][]> {
    const result: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await admin.messages.byTime(topic, { ...options, cursor });
      expect(page.failures).toEqual([]);
      result.push(bodies(page.items));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return result;
  }

  it.each(['oldest', 'newest'] as const)('gives pages over all queues, %s first', async (order) => {
    const { topic, sent } = await filled(50);
    const found = await pages(topic, { limit: 7, order });
    const all = found.flat();
    expect(found.slice(0, -1).every((page) => page.length === 7)).toBe(true);
    expect([...all].sort()).toEqual([...sent].sort());
    // Messages of one millisecond may change places between queues.
    const times = new Map((await cluster.messages(topic)).map((m) => [m.body.toString(), m.storeTimestamp]));
    const inOrder = all.map((body) => times.get(body)!);
    expect(inOrder).toEqual([...inOrder].sort((a, b) => (order === 'oldest' ? a - b : b - a)));
  });

  it('keeps to the messages there were when the first page was asked for', async () => {
    const { topic, queues } = await filled(4);
    const first = await admin.messages.byTime(topic, { limit: 2 });
    await producer.send({ topic, body: 'late' }, { queue: queues[0]! });
    const second = await admin.messages.byTime(topic, { limit: 10, cursor: first.cursor! });
    expect(bodies([...first.items, ...second.items]).sort()).toEqual(['m0', 'm1', 'm2', 'm3']);
    expect(second.cursor).toBeUndefined();
  });

  it('takes a time, tags and queues into account, in both directions', async () => {
    const { topic, queues, sent } = await filled(40);
    const stored = (await cluster.messages(topic)).sort((a, b) => a.storeTimestamp - b.storeTimestamp);
    const [begin, end] = [stored[10]!.storeTimestamp, stored[30]!.storeTimestamp];
    const within = stored.filter((m) => m.storeTimestamp >= begin && m.storeTimestamp < end);
    for (const order of ['oldest', 'newest'] as const) {
      const found = (await pages(topic, { begin, end: new Date(end), order, limit: 6 })).flat();
      expect(found.sort()).toEqual(bodies(within).sort());
      const tagged = (await pages(topic, { tags: 'a || c', order, limit: 5 })).flat();
      expect(tagged.sort()).toEqual(bodies(stored.filter((m) => m.properties['TAGS'] !== 'b')).sort());
      const one = (await pages(topic, { queues: [queues[0]!], order })).flat();
      expect(one.sort()).toEqual(sent.filter((_body, i) => i % queues.length === 0).sort());
    }
    expect(await pages(topic, { begin: Date.now() + 60_000 })).toEqual([[]]);
  });

  it('scans without end of memory, and stops where it is told to', async () => {
    const { topic, sent } = await filled(300);
    const all: string[] = [];
    for await (const message of admin.messages.scan(topic)) all.push(message.body.toString());
    expect(all.sort()).toEqual([...sent].sort());
    let few = 0;
    for await (const _message of admin.messages.scan(topic, { max: 5, order: 'newest' })) few++;
    expect(few).toBe(5);
  });

  it('finds a message by either id and by its place', async () => {
    const { topic, queues } = await filled(0);
    const { msgId, offsetMsgId } = await producer.send({ topic, body: 'find me' }, { queue: queues[1]! });
    for (const id of [msgId, offsetMsgId]) {
      const found = await waitFor(() => admin.messages.view(topic, id), { what: 'the message' });
      expect(found).toMatchObject({ msgId, offsetMsgId, topic });
    }
    expect((await admin.messages.byOffset(queues[1]!, 0))!.body.toString()).toBe('find me');
    expect(await admin.messages.byOffset(queues[1]!, 1)).toBeUndefined();
    const { queueData, maxQueueIndex } = await admin.messages.consumeQueue(queues[1]!, 0);
    expect([queueData.length, maxQueueIndex]).toEqual([1, 1]);
  });

  it('tells what groups did with a message, and lets one of them consume it again', async () => {
    const { topic, queues } = await filled(0);
    const [reads, filters, gone] = [unique('reads'), unique('filters'), unique('gone')];
    const seen: string[] = [];
    const consumer = (group: string, tags: string) => {
      const made = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group,
        consumeFrom: 'FIRST_OFFSET',
        persistConsumerOffsetIntervalMs: 1_000,
      });
      made.subscribe(topic, tags).listen(async (messages) => {
        if (group === reads) seen.push(...bodies(messages));
      });
      return made;
    };
    const open = [consumer(reads, '*'), consumer(filters, 'other')];
    const left = consumer(gone, '*');
    await Promise.all([...open, left].map((each) => each.start()));
    const { msgId } = await producer.send({ topic, body: 'one', tags: 'mine' }, { queue: queues[0]! });
    const ref = { topic, id: msgId };
    const statuses = async () => {
      const tracks = await admin.messages.track(ref);
      return Object.fromEntries(tracks.map(({ group, status }) => [group, status]));
    };
    await waitFor(() => seen.length === 1, { what: 'the message to be consumed' });
    await waitFor(async () => (await admin.messages.track(ref, [gone]))[0]!.passed, { what: 'the third group' });
    await left.close();
    await waitFor(
      async () => {
        const now = await statuses();
        return now[reads] === 'CONSUMED' && now[filters] === 'CONSUMED_BUT_FILTERED' && now[gone] === 'NOT_ONLINE';
      },
      { what: 'the tracks of all three groups' },
    );
    const result = await admin.messages.consumeDirectly(reads, ref);
    expect(result).toMatchObject({ consumeResult: 'CR_SUCCESS' });
    expect(seen).toEqual(['one', 'one']);
    await expect(admin.messages.consumeDirectly(gone, ref)).rejects.toThrow(/no connected consumer/);
    await Promise.all(open.map((each) => each.close()));
  });

  it('explains what it cannot do', async () => {
    const { topic, queues } = await filled(1);
    await expect(admin.messages.byTime(topic, { limit: 0 })).rejects.toThrow(/1 to 10000 messages/);
    await expect(admin.messages.byTime(topic, { begin: -1 })).rejects.toThrow(ConfigurationError);
    await expect(admin.messages.byTime(topic, { cursor: 'zzz' })).rejects.toThrow(/not one that a page had/);
    await expect(admin.messages.byOffset(queues[0]!, -1)).rejects.toThrow(ConfigurationError);
    await expect(admin.messages.track({ topic, id: 'C'.repeat(32) })).rejects.toThrow(/has no message/);
    await admin.topics.setPerm(topic, 2);
    await waitFor(
      () =>
        admin.messages.byOffset(queues[0]!, 0).then(
          () => false,
          (error: unknown) => error instanceof ResponseError,
        ),
      { what: 'the broker to refuse reading' },
    );
  });
});

describe('admin.messages, when one of two brokers is down', () => {
  it('gives the messages of the other and says whose are missing', async () => {
    await using cluster = await startCluster({ brokers: 2 });
    const topic = unique('topic');
    await using whole = new Admin({ namesrvAddr: cluster.namesrvAddr });
    await whole.start();
    await whole.topics.create({ topic, queues: 1 });
    await using producer = new Producer({ group: unique('p') }, whole.instance);
    await producer.start();
    for (const queue of await producer.publishQueues(topic))
      await producer.send({ topic, body: queue.brokerName, keys: 'k' }, { queue });
    const { address } = cluster.brokers[1]!;
    let down = true;
    const addressMap = (to: string): string => (down && to === address ? '127.0.0.1:1' : to);
    await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr, addressMap });
    await admin.start();
    const page = await admin.messages.byTime(topic);
    expect(bodies(page.items)).toEqual(['broker-a']);
    expect(page.failures).toMatchObject([{ brokerName: 'broker-b' }]);
    await waitFor(async () => (await admin.messages.byKey(topic, 'k')).items.length === 1, { what: 'the index' });
    expect((await admin.messages.byKey(topic, 'k')).failures).toMatchObject([{ brokerName: 'broker-b', address }]);
    await expect(admin.messages.byId(topic, 'C'.repeat(32))).rejects.toThrow(/127\.0\.0\.1/);
    await expect(collect(admin.messages.scan(topic))).rejects.toThrow();
    down = false;
    await waitFor(async () => (await admin.messages.byTime(topic)).items.length === 2, {
      what: 'the broker to be back',
    });
  });
});

it('admin.messages puts a half message back that the broker gave up, and its checks begin again', async () => {
  await using cluster = await startCluster({
    broker: { transactionTimeOut: 100, transactionCheckInterval: 200, transactionCheckMax: 1 },
  });
  await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
  const topic = unique('topic');
  await admin.topics.create({ topic, queues: 1 });
  let checks = 0;
  let decision: 'UNKNOWN' | 'COMMIT' = 'UNKNOWN';
  await using producer = new TransactionProducer({
    namesrvAddr: cluster.namesrvAddr,
    group: unique('transactions'),
    checker: () => {
      checks++;
      return decision;
    },
  });
  await producer.start();
  await producer.sendInTransaction({ topic, body: 'undecided' }, async () => 'UNKNOWN' as const);
  const givenUp = await waitFor(
    async () => {
      if ((await admin.topics.route('TRANS_CHECK_MAX_TIME_TOPIC')) === null) return undefined;
      return (await admin.messages.byTime('TRANS_CHECK_MAX_TIME_TOPIC')).items[0];
    },
    { what: 'the broker to give up' },
  );
  const before = checks;
  decision = 'COMMIT';
  await admin.messages.resumeHalf(givenUp);
  await waitFor(async () => (await admin.messages.byTime(topic)).items.length === 1, { what: 'the commit' });
  expect(checks).toBeGreaterThan(before);
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}
