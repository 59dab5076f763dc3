import { describe, expect, it } from '@jest/globals';
import {
  type AllocateStrategy,
  allocateByConfig,
  allocateByConsistentHash,
  allocateNearby,
  type MessageQueue,
  type PushConsumer,
  queueKey,
} from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { type Inbox, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const bodies = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

async function send(topic: string, texts: readonly string[]): Promise<void> {
  const producer = await cluster.producer();
  for (const body of texts) await producer.send({ topic, body });
}

/** Waits until the members hold all queues of the topic, each queue once. */
async function shared(topic: string, queues: number, members: readonly PushConsumer[]): Promise<MessageQueue[][]> {
  const shares = () => members.map((member) => member.assignment.filter((queue) => queue.topic === topic));
  await waitFor(
    () => {
      const held = shares().flat().map(queueKey);
      return held.length === queues && new Set(held).size === queues;
    },
    { timeoutMs: PATIENCE_MS, what: `${queues} queues to be shared by ${members.length} members` },
  );
  return shares();
}

const received = (inboxes: readonly Inbox[]) => inboxes.flatMap((inbox) => inbox.bodies).sort();

describe('queues are shared', () => {
  it.each<[name: string, strategyOf: (topic: string, member: number) => AllocateStrategy]>([
    ['by consistent hash', () => allocateByConsistentHash()],
    [
      'by configuration',
      (topic, member) =>
        allocateByConfig(['broker-a', 'broker-b'].map((brokerName) => ({ topic, brokerName, queueId: member }))),
    ],
    [
      'with the nearest members',
      () => allocateNearby({ roomOfBroker: ({ brokerName }) => brokerName, roomOfConsumer: (id) => id.split('@')[1]! }),
    ],
  ])('%s, and every message is received once', async (_, strategyOf) => {
    const topic = await cluster.topic(2);
    const group = cluster.group();
    const members: Inbox[] = [];
    for (const [i, instanceName] of ['broker-a', 'broker-b'].entries()) {
      members.push(await cluster.consume(topic, { group, instanceName, allocate: strategyOf(topic, i) }));
    }
    await shared(
      topic,
      4,
      members.map(({ consumer }) => consumer),
    );
    await send(topic, bodies(40, 'm'));
    await waitFor(() => received(members).length >= 40, { timeoutMs: PATIENCE_MS, what: 'all messages' });
    expect(received(members)).toEqual(bodies(40, 'm').sort());
  });
});

describe('subscriptions', () => {
  it('of one group to two topics on two instances lose nothing while members come and go', async () => {
    const topics = [await cluster.topic(2), await cluster.topic(2)] as const;
    const group = cluster.group();
    const first = await cluster.consume(topics, { group });
    await Promise.all(topics.map((topic, i) => send(topic, bodies(30, `${i} early `))));
    const second = await cluster.consume(topics, { group });
    await Promise.all(topics.map((topic, i) => send(topic, bodies(30, `${i} joined `))));
    for (const topic of topics) {
      const shares = await shared(topic, 4, [first.consumer, second.consumer]);
      expect(shares.map((share) => share.length)).toEqual([2, 2]);
    }
    await first.consumer.close();
    await Promise.all(topics.map((topic, i) => send(topic, bodies(30, `${i} left `))));
    const all = ['early', 'joined', 'left'].flatMap((when) => [0, 1].flatMap((i) => bodies(30, `${i} ${when} `)));
    const distinct = () => new Set(received([first, second]));
    await waitFor(() => distinct().size === all.length, {
      timeoutMs: PATIENCE_MS,
      what: 'all messages of both topics',
    });
    expect([...distinct()].sort()).toEqual(all.sort());
  });

  it('of two groups to the same topic do not touch each other', async () => {
    const topic = await cluster.topic(2);
    const producer = await cluster.producer();
    const red = await cluster.consume(topic, { filter: 'red' });
    const all = await cluster.consume(topic);
    const big = await cluster.consume(topic, { filter: { sql92: 'size > 5' } });
    for (let i = 0; i < 30; i++) {
      const tags = i % 3 === 0 ? 'red' : 'blue';
      await producer.send({ topic, body: `${tags} ${i}`, tags, properties: { size: `${i % 10}` } });
    }
    await all.until(30);
    await red.until(10);
    await big.until(12);
    expect(all.messages).toHaveLength(30);
    expect(red.bodies.every((body) => body.startsWith('red'))).toBe(true);
    expect(red.messages).toHaveLength(10);
    expect(big.messages).toHaveLength(12);
  });

  it('change while the consumer runs', async () => {
    const topics = [await cluster.topic(1), await cluster.topic(1)] as const;
    const inbox = await cluster.consume(topics[0], { filter: 'red' });
    const producer = await cluster.producer();
    await producer.send({ topic: topics[0], body: 'red', tags: 'red' });
    await inbox.until(1);
    inbox.consumer.subscribe(topics[0], 'blue').subscribe(topics[1]);
    await shared(topics[1], 2, [inbox.consumer]);
    await producer.send({ topic: topics[0], body: 'blue', tags: 'blue' });
    await producer.send({ topic: topics[1], body: 'other' });
    await inbox.until(3);
    inbox.consumer.unsubscribe(topics[1]);
    await shared(topics[1], 0, [inbox.consumer]);
    await producer.send({ topic: topics[1], body: 'unread' });
    await producer.send({ topic: topics[0], body: 'blue 2', tags: 'blue' });
    await inbox.until(4);
    expect(inbox.bodies.slice(1, 3).sort()).toEqual(['blue', 'other']);
    expect(inbox.bodies[3]).toBe('blue 2');
  });
});

describe('a running consumer', () => {
  it('has the failed messages of a batch again, and those given back', async () => {
    const topic = await cluster.topic(1);
    const inbox = await cluster.consume(topic, {
      consumeMessageBatchMaxSize: 32,
      handler: async (messages) => {
        const first = messages.filter(({ reconsumeTimes }) => reconsumeTimes === 0);
        for (const message of first) {
          if (message.body.toString() === 'm1') await inbox.consumer.sendMessageBack(message, 1);
        }
        return { action: 'retry', delayLevel: 1, failed: first.filter(({ body }) => body.toString() === 'm3') };
      },
    });
    await send(topic, bodies(6, 'm'));
    await inbox.until(8);
    const again = inbox.messages.filter(({ reconsumeTimes }) => reconsumeTimes === 1);
    expect(again.map(({ body }) => body.toString()).sort()).toEqual(['m1', 'm3']);
    expect(again.every((message) => message.topic === topic)).toBe(true);
    expect(inbox.messages).toHaveLength(8);
  });

  it('leaves paused queues alone and keeps to its rate limit', async () => {
    const topic = await cluster.topic(1);
    const still = { topic, brokerName: 'broker-b', queueId: 0 };
    const times: number[] = [];
    const inbox = await cluster.consume(topic, { rateLimit: 50, handler: () => void times.push(performance.now()) });
    inbox.consumer.pause([still]);
    await shared(topic, 2, [inbox.consumer]);
    await send(topic, bodies(80, 'm'));
    await inbox.until(40);
    expect(new Set(inbox.messages.map(({ brokerName }) => brokerName))).toEqual(new Set(['broker-a']));
    inbox.consumer.resume([still]);
    await inbox.until(80);
    // A burst of five, then one every 20 ms.
    expect(times[39]! - times[0]!).toBeGreaterThan(600);
    expect(new Set(inbox.bodies).size).toBe(80);
  });
});
