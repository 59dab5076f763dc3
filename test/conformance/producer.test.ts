import { describe, expect, it } from '@jest/globals';
import {
  type EndTransactionContext,
  type MessageExt,
  queueOfKey,
  RemoteReplyError,
  RequestTimeoutError,
  replyWith,
} from '@rocketnest/client';
import { uniqueIdTime } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();
const patient = { sendTimeoutMs: PATIENCE_MS };

describe('requests', () => {
  it('resolve to their own replies, many at once, whichever broker they come through', async () => {
    const topic = await cluster.topic();
    const replier = await cluster.producer(patient);
    await cluster.consume(topic, {
      handler: replyWith(replier, ({ body, properties }) => ({ body: `re: ${body}`, keys: properties['KEYS'] })),
    });
    const producer = await cluster.producer(patient);
    const bodies = Array.from({ length: 30 }, (_, i) => `请求 ${i}`);
    const replies = await Promise.all(
      bodies.map((body, i) => producer.request({ topic, body, keys: `键-${i}` }, { shardingKey: body })),
    );
    expect(replies.map(({ body }) => body.toString())).toEqual(bodies.map((body) => `re: ${body}`));
    expect(replies.map(({ properties }) => properties['KEYS'])).toEqual(bodies.map((_, i) => `键-${i}`));
  });

  it('reject with what the replier threw', async () => {
    const topic = await cluster.topic(1);
    const replier = await cluster.producer(patient);
    const inbox = await cluster.consume(topic, {
      handler: replyWith(replier, () => {
        throw new RangeError('没有这个订单');
      }),
    });
    const failure = await (await cluster.producer(patient)).request({ topic, body: 'x' }).catch((error) => error);
    expect(failure).toBeInstanceOf(RemoteReplyError);
    expect(failure).toMatchObject({ remoteName: 'RangeError', remoteMessage: '没有这个订单' });
    expect(inbox.messages).toHaveLength(1);
  });

  it('say after their time whether anybody subscribes', async () => {
    const topic = await cluster.topic(1);
    const producer = await cluster.producer(patient);
    const nobody = await producer.request({ topic, body: 'x' }, { timeoutMs: 3_000 }).catch((error) => error);
    expect(nobody).toBeInstanceOf(RequestTimeoutError);
    expect(nobody).toMatchObject({ responders: [] });

    const silent = await cluster.consume(topic);
    await silent.until(1);
    const ignored = await producer.request({ topic, body: 'x' }, { timeoutMs: 3_000 }).catch((error) => error);
    expect(ignored).toBeInstanceOf(RequestTimeoutError);
    expect(ignored).toMatchObject({ responders: [silent.consumer.group] });
    expect(ignored.message).toContain(`${silent.consumer.group} (1 running) subscribes`);
  });
});

describe('batches', () => {
  it('are cut at the limit and stay in one queue, in order when answers are waited for', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer({ ...patient, maxMessageBytes: 2_000 });
    const inbox = await cluster.consume(topic, { consumeMode: 'ORDERLY' });
    const batch = Array.from({ length: 20 }, (_, i) => ({ topic, body: `${i}`.padStart(500, '0'), keys: `key-${i}` }));
    const { queue, msgId } = await producer.send(batch, { shardingKey: 'order-1' });
    expect(queue).toEqual(queueOfKey(await producer.publishQueues(topic), 'order-1'));
    await producer.sendOneway(batch, { queue });

    const received = await inbox.until(40);
    const numbers = received.map(({ body }) => Number(body));
    const inOrder = batch.map((_, i) => i);
    expect(numbers.slice(0, 20)).toEqual(inOrder);
    expect(numbers.slice(20).sort((a, b) => a - b)).toEqual(inOrder);
    expect(received.slice(0, 20).map((message) => message.msgId)).toEqual(msgId.split(','));
    expect(new Set(received.map((message) => message.msgId)).size).toBe(40);
    expect(new Set(received.map(({ queueId }) => queueId))).toEqual(new Set([queue.queueId]));
  });

  it('are made of single sends with autoBatch, whose results say where each message is', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer({ ...patient, autoBatch: true, batchMaxDelayMs: 100 });
    const inbox = await cluster.consume(topic);
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => producer.send({ topic, body: `${i}`, tags: '标签', keys: `键-${i}` })),
    );
    const received = new Map((await inbox.until(50)).map((message) => [message.msgId, message]));
    for (const [i, { msgId, offsetMsgId, queue, queueOffset }] of results.entries()) {
      const message = received.get(msgId)!;
      expect(message.body.toString()).toBe(`${i}`);
      expect(message).toMatchObject({ offsetMsgId, queueId: queue.queueId, queueOffset });
      expect(message.properties).toMatchObject({ TAGS: '标签', KEYS: `键-${i}` });
    }
    expect(received.size).toBe(50);
  });
});

describe('messages', () => {
  it.each(['ZLIB', 'LZ4'] as const)('with large bodies travel compressed with %s', async (compressType) => {
    const topic = await cluster.topic(1);
    const producer = await cluster.producer({ ...patient, compressType });
    const inbox = await cluster.consume(topic);
    const body = '压缩 compressible '.repeat(20_000);
    await producer.send({ topic, body });
    const [message] = await inbox.until(1);
    expect(message!.body.toString()).toBe(body);
    expect(message!.storeSize).toBeLessThan(body.length / 10);
  });

  it('are found by keys in any script, and have ids that tell when they were made', async () => {
    const topic = await cluster.topic(1);
    const producer = await cluster.producer(patient);
    const before = Date.now();
    const { msgId } = await producer.send({
      topic,
      body: 'x',
      keys: ['订单-1', 'ключ', '🔑'],
      properties: { 城市: '北京' },
    });
    expect(msgId).toMatch(/^[0-9A-F]{32}$|^[0-9A-F]{56}$/);
    expect(Math.abs(uniqueIdTime(msgId, Date.now() + 1) - before)).toBeLessThan(PATIENCE_MS);
    for (const key of ['订单-1', 'ключ', '🔑']) {
      const found = await waitFor(
        async () =>
          (await cluster.admin.messages.byKey(topic, key)).items.find((message: MessageExt) => message.msgId === msgId),
        { timeoutMs: PATIENCE_MS, what: `the message with key ${key}` },
      );
      expect(found.properties).toMatchObject({ 城市: '北京', KEYS: '订单-1 ключ 🔑' });
    }
  });
});

describe('a producer', () => {
  it('creates a topic that can be sent to at once', async () => {
    const topic = unique('created');
    const producer = await cluster.producer(patient);
    await producer.createTopic(topic, { queues: 2 });
    const queues = await producer.publishQueues(topic);
    expect(queues.map(({ brokerName, queueId }) => `${brokerName} ${queueId}`)).toEqual([
      'broker-a 0',
      'broker-a 1',
      'broker-b 0',
      'broker-b 1',
    ]);
    expect(await producer.send({ topic, body: 'x' })).toMatchObject({ status: 'SEND_OK' });
  });

  it('asks its hooks before it sends, and tells them what became of transactions', async () => {
    const topic = await cluster.topic(1);
    const decisions: EndTransactionContext[] = [];
    const inbox = await cluster.consume(topic);
    const producer = await cluster.transactionProducer({
      ...patient,
      checker: () => 'COMMIT',
      hooks: [
        {
          checkForbidden: ({ properties }) => {
            if (properties['TAGS'] === 'secret') throw new Error('this must not leave the house');
          },
          endTransaction: (decision) => decisions.push(decision),
        },
      ],
    });
    await expect(producer.send({ topic, body: 'x', tags: 'secret' })).rejects.toThrow('must not leave the house');
    await producer.sendInTransaction({ topic, body: 'fine' }, () => 'COMMIT');
    await inbox.until(1);
    expect(inbox.bodies).toEqual(['fine']);
    expect(decisions).toMatchObject([{ topic, state: 'COMMIT', fromTransactionCheck: false }]);
  });
});
