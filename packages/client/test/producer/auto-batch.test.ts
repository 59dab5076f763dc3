import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, NoRouteError } from '@rocketnest/protocol';
import { unique } from '@rocketnest/testing';
import { Producer, type ProducerOptionsInput, queueOfKey } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('Producer with autoBatch', () => {
  let cluster: TestCluster;
  const open: Producer[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(() => cluster.close());

  async function started(options: Partial<ProducerOptionsInput> = {}) {
    const kinds: string[] = [];
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('producers'),
      autoBatch: true,
      batchMaxDelayMs: 50,
      hooks: [{ beforeSend: ({ kind, messageCount }) => kinds.push(`${kind} ${messageCount}`) }],
      ...options,
    });
    open.push(producer);
    await producer.start();
    return { producer, kinds };
  }

  it('sends single messages as one batch and tells each where it is', async () => {
    const topic = await cluster.topic();
    const { producer, kinds } = await started();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => producer.send({ topic, body: `${i}`, keys: `键-${i}`, tags: 'a' })),
    );
    expect(kinds).toEqual(['batch 20']);
    const stored = await cluster.messages(topic);
    expect(stored.map(({ body }) => body.toString())).toEqual(results.map((_, i) => `${i}`));
    for (const [i, message] of stored.entries()) {
      expect(message).toMatchObject({
        msgId: results[i]!.msgId,
        offsetMsgId: results[i]!.offsetMsgId,
        queueOffset: results[i]!.queueOffset,
        properties: { KEYS: `键-${i}`, TAGS: 'a', UNIQ_KEY: results[i]!.msgId },
      });
    }
  });

  it('keeps messages of a key in its queue, in order', async () => {
    const topic = await cluster.topic();
    const { producer } = await started();
    await producer.publishQueues(topic);
    const keys = ['k1', 'k2', 'k3'];
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, i) => producer.send({ topic, body: `${i}` }, { shardingKey: keys[i % 3] })),
    );
    const queues = await producer.publishQueues(topic);
    for (const [i, { queue }] of results.entries()) expect(queue).toEqual(queueOfKey(queues, keys[i % 3]!));
    const stored = await cluster.messages(topic);
    for (const [k, key] of keys.entries()) {
      const mine = stored.filter(({ properties }) => properties['__SHARDINGKEY'] === key);
      expect(mine.map(({ body }) => Number(body))).toEqual(Array.from({ length: 10 }, (_, i) => i * 3 + k));
    }
  });

  it('cuts what is together over the limit, and sends alone what cannot be in a batch', async () => {
    const topic = await cluster.topic();
    const { producer, kinds } = await started({ maxMessageBytes: 1_000 });
    const bodies = Array.from({ length: 5 }, (_, i) => `${i}`.padStart(400, '0'));
    await Promise.all([
      ...bodies.map((body) => producer.send({ topic, body })),
      producer.send({ topic, body: 'later', delayLevel: 1 }),
      producer.send({ topic, body: 'own budget' }, { timeoutMs: 2_000 }),
    ]);
    expect(kinds.sort()).toEqual(['batch 1', 'batch 2', 'batch 2', 'delay 1', 'normal 1']);
  });

  it('refuses bad input at once, fails everybody in a batch that fails, and sends what waits when it is closed', async () => {
    const topic = await cluster.topic();
    const { producer } = await started({ batchMaxDelayMs: 30_000 });
    await expect(producer.send({ topic, body: '' })).rejects.toThrow(ConfigurationError);
    const gone = { topic, brokerName: 'gone', queueId: 0 };
    await producer.publishQueues(topic);
    const lost = [1, 2].map(() => producer.send({ topic, body: 'x' }, { queue: gone }));
    const waiting = producer.send({ topic, body: 'in time' });
    const outcomes = Promise.allSettled(lost);
    await producer.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(NoRouteError) });
    }
    await waiting;
    expect((await cluster.messages(topic)).map(({ body }) => body.toString())).toEqual(['in time']);
  });
});
