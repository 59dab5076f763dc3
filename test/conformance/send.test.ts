import { describe, expect, it } from '@jest/globals';
import { ClosedError, ConfigurationError, NoRouteError, type SendResult } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { useCluster } from './support/cluster.js';

const cluster = useCluster();

describe('sending', () => {
  it('says SEND_OK with the place of the message, and a consumer gets it as it was sent', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);

    const sent = await producer.send({
      topic,
      body: Buffer.from('十二 pairs of 靴'),
      tags: 'created',
      keys: ['order-12', 'customer-7'],
      properties: { colour: 'rouge foncé', size: '42' },
      flag: 7,
    });

    expect(sent).toMatchObject({ status: 'SEND_OK', queueOffset: 0, queue: { topic } });
    const [received] = await inbox.until(1);
    expect(received).toMatchObject({
      topic,
      msgId: sent.msgId,
      offsetMsgId: sent.offsetMsgId,
      queueId: sent.queue.queueId,
      queueOffset: 0,
      reconsumeTimes: 0,
      flag: 7,
      properties: { TAGS: 'created', KEYS: 'order-12 customer-7', colour: 'rouge foncé', size: '42' },
    });
    expect(received!.body.toString()).toBe('十二 pairs of 靴');
  });

  it('spreads messages over the queues of both brokers, and loses none of many at once', async () => {
    const topic = await cluster.topic(2);
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    const bodies = Array.from({ length: 200 }, (_, i) => `message ${i}`);

    const results = await Promise.all(bodies.map((body) => producer.send({ topic, body })));

    const perQueue = new Map<string, number>();
    for (const { queue } of results) {
      const name = `${queue.brokerName} ${queue.queueId}`;
      perQueue.set(name, (perQueue.get(name) ?? 0) + 1);
    }
    expect([...perQueue].sort()).toEqual(
      ['broker-a 0', 'broker-a 1', 'broker-b 0', 'broker-b 1'].map((name) => [name, 50]),
    );
    await inbox.until(200);
    expect(inbox.bodies.sort()).toEqual(bodies.sort());
  });

  it('keeps the messages of a key in one queue, in order', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const results: SendResult[] = [];
    for (let i = 0; i < 10; i++)
      results.push(await producer.send({ topic, body: `${i}` }, { shardingKey: 'order-12' }));

    expect(new Set(results.map(({ queue }) => `${queue.brokerName} ${queue.queueId}`)).size).toBe(1);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('sends to the queue it is given, or that a selector picks', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const queue = { topic, brokerName: 'broker-b', queueId: 3 };
    const last = await producer.send({ topic, body: 'x' }, { selector: (queues) => queues.at(-1)! });
    expect((await producer.send({ topic, body: 'x' }, { queue })).queue).toEqual(queue);
    expect(last.queue).toEqual(queue);
  });

  it('stores a batch as messages of one queue, each with an id of its own', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic, { filter: 'a || c' });

    const sent = await producer.send([
      { topic, body: 'first', tags: 'a', keys: 'k1' },
      { topic, body: 'second', tags: 'b' },
      { topic, body: 'third', tags: 'c', properties: { own: 'x' } },
    ]);

    const ids = sent.msgId.split(',');
    expect(sent.status).toBe('SEND_OK');
    expect(ids).toHaveLength(3);
    const messages = (await inbox.until(2)).toSorted((a, b) => a.queueOffset - b.queueOffset);
    expect(messages.map(({ msgId }) => msgId)).toEqual([ids[0], ids[2]]);
    expect(messages.map(({ queueOffset }) => queueOffset)).toEqual([0, 2]);
    expect(messages.map(({ properties }) => [properties['KEYS'], properties['own']])).toEqual([
      ['k1', undefined],
      [undefined, 'x'],
    ]);
  });

  it('cuts a batch that is larger than a message may be, and keeps its order', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic, { consumeMode: 'ORDERLY' });
    const bodies = Array.from({ length: 6 }, (_, i) => Buffer.alloc(1024 * 1024, `${i}`));

    await producer.send(bodies.map((body) => ({ topic, body })));

    const messages = await inbox.until(6);
    expect(messages.map(({ body }) => `${body[0]! - 48} ${body.length}`)).toEqual(
      bodies.map((_, i) => `${i} ${1024 * 1024}`),
    );
  });

  it('compresses a large body, which arrives as it was', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    const body = 'ten bytes '.repeat(20_000);
    await producer.send({ topic, body });
    const [received] = await inbox.until(1);
    expect(received!.body.toString()).toBe(body);
    expect(received!.storeSize).toBeLessThan(20_000);
  });

  it('sends one way', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    for (let i = 0; i < 20; i++) await producer.sendOneway({ topic, body: `${i}` });
    await inbox.until(20);
    expect(inbox.bodies.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('creates a topic with the first message where brokers allow that', async () => {
    const topic = unique('made_by_sending');
    const producer = await cluster.producer();
    expect(await producer.send({ topic, body: 'x' })).toMatchObject({ status: 'SEND_OK', queue: { topic } });
    const inbox = await cluster.consume(topic);
    await inbox.until(1);
  });

  it('finds a message by id, by key and by the place where it lies', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const { msgId, offsetMsgId } = await producer.send({ topic, body: 'find me', keys: 'needle' });
    const { messages } = cluster.admin;
    expect((await messages.byOffsetId(topic, offsetMsgId)).body.toString()).toBe('find me');
    const found = await waitFor(() => messages.byId(topic, msgId), { timeoutMs: 20_000, what: 'the index' });
    expect(found.offsetMsgId).toBe(offsetMsgId);
    const { items } = await messages.byKey(topic, 'needle');
    expect(items.map((message) => message.msgId)).toEqual([msgId]);
  });
});

describe('a send that cannot work', () => {
  it('names the topic that no broker has', async () => {
    const producer = await cluster.producer({ createTopicKey: unique('no_such_key') });
    const topic = unique('nowhere');
    const failure = await producer.send({ topic, body: 'x' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NoRouteError);
    expect((failure as Error).message).toContain(topic);
  });

  it('is refused before anything is sent', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    await expect(producer.send({ topic, body: '' })).rejects.toThrow(ConfigurationError);
    await expect(producer.send({ topic: 'not a topic!', body: 'x' })).rejects.toThrow(ConfigurationError);
    await expect(producer.send({ topic: 'RMQ_SYS_TRANS_HALF_TOPIC', body: 'x' })).rejects.toThrow(ConfigurationError);
    await expect(producer.send({ topic, body: Buffer.alloc(4 * 1024 * 1024 + 1) })).rejects.toThrow(ConfigurationError);
    await producer.close();
    await expect(producer.send({ topic, body: 'x' })).rejects.toThrow(ClosedError);
  });
});
