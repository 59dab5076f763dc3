import * as zlib from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  ConfigurationError,
  MessageSysFlag,
  NoRouteError,
  TimeoutError,
  uniqueIdAddress,
} from '@rocketnest/protocol';
import { ScriptedPeer, unique, waitFor } from '@rocketnest/testing';
import { localAddress } from '../../src/client-id.js';
import {
  ClientInstance,
  Producer,
  type ProducerOptionsInput,
  queueOfKey,
  type SendHookContext,
  type SendOutcome,
} from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

const compressionTypeBits = (sysFlag: number) => sysFlag & MessageSysFlag.COMPRESSION_MASK;

describe('Producer', () => {
  let cluster: TestCluster;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => cluster.close());

  async function startProducer(options: Partial<ProducerOptionsInput> = {}): Promise<Producer> {
    const producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers'), ...options });
    open.push(producer);
    await producer.start();
    return producer;
  }

  it('stores what it was given', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    const result = await producer.send({
      topic,
      body: 'Grüße',
      tags: 'TagA',
      keys: ['k1', 'k2'],
      flag: 77,
      properties: { own: 'ä' },
    });
    const [message, ...rest] = await cluster.messages(topic);
    expect(rest).toEqual([]);
    expect(message!.body.toString()).toBe('Grüße');
    expect(message).toMatchObject({
      topic,
      flag: 77,
      msgId: result.msgId,
      offsetMsgId: result.offsetMsgId,
      queueId: result.queue.queueId,
      queueOffset: result.queueOffset,
      properties: { TAGS: 'TagA', KEYS: 'k1 k2', own: 'ä', UNIQ_KEY: result.msgId },
    });
  });

  it('checks a message without sending it, and sends it later under the id that it got', async () => {
    const topic = await cluster.topic();
    const [first, other] = [await startProducer(), await startProducer()];
    const message = { topic, body: 'x', keys: 'k' };
    const msgId = first.checkMessage(message);
    expect(first.checkMessage(message)).not.toBe(msgId);
    expect(() => first.checkMessage({ ...message, body: '' })).toThrow(ConfigurationError);
    expect(() => first.checkMessage({ ...message, properties: { UNIQ_KEY: 'x' } })).toThrow(ConfigurationError);
    expect(await cluster.messages(topic)).toEqual([]);
    for (const producer of [first, other]) expect((await producer.send({ ...message, msgId })).msgId).toBe(msgId);
    expect((await cluster.messages(topic)).map((stored) => stored.msgId)).toEqual([msgId, msgId]);
    await first.send([{ ...message, msgId }, message]);
    const batch = (await cluster.messages(topic)).map((stored) => stored.msgId);
    expect(batch.filter((id) => id === msgId)).toHaveLength(3);
  });

  it('makes ids with an IP address, also where clientIp is a name', async () => {
    const topic = await cluster.topic(1);
    const named = await startProducer({ clientIp: 'orders-7.internal' });
    expect(named.instance.clientId).toMatch(/^orders-7\.internal@/);
    const numbered = await startProducer({ clientIp: '10.0.0.7' });
    const ids = [named, numbered].map(async (producer) => (await producer.send({ topic, body: 'x' })).msgId);
    expect((await Promise.all(ids)).map(uniqueIdAddress)).toEqual([localAddress(), '10.0.0.7']);
  });

  it('spreads messages evenly over all queues', async () => {
    const topic = await cluster.topic(4);
    const producer = await startProducer();
    const results = await Promise.all(Array.from({ length: 80 }, (_, i) => producer.send({ topic, body: `${i}` })));
    const queues = (await producer.publishQueues(topic)).length;
    const perQueue = new Map<string, number>();
    for (const { queue } of results) {
      const key = `${queue.brokerName}/${queue.queueId}`;
      perQueue.set(key, (perQueue.get(key) ?? 0) + 1);
    }
    expect([...perQueue.values()]).toEqual(Array.from({ length: queues }, () => 80 / queues));
  });

  it('keeps messages of one key in one queue, in the order of sending', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    const keys = ['order-1', 'order-2', 'order-3'];
    // One after another per key, as a sender must who wants order: a broker may serve two requests at once.
    await Promise.all(
      keys.map(async (shardingKey, k) => {
        for (let i = k; i < 90; i += 3) await producer.send({ topic, body: `${i}` }, { shardingKey });
      }),
    );
    const queues = await producer.publishQueues(topic);
    const stored = await cluster.messages(topic);
    for (const [k, key] of keys.entries()) {
      const expected = queueOfKey(queues, key);
      const mine = stored.filter((message) => message.properties['__SHARDINGKEY'] === key);
      expect(new Set(mine.map((message) => message.queueId))).toEqual(new Set([expected.queueId]));
      expect(mine.map((message) => Number(message.body))).toEqual(Array.from({ length: 30 }, (_, i) => i * 3 + k));
    }
  });

  it('lets the broker choose the queue of a message with a priority', async () => {
    const topic = await cluster.topic(4);
    const producer = await startProducer();
    for (const priority of [0, 3, 9]) {
      const { queue } = await producer.send({ topic, body: 'x', priority });
      expect(queue.queueId).toBe(Math.min(priority, 3));
    }
  });

  it('sends to a given queue, or to the one a selector returns', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    const queues = await producer.publishQueues(topic);
    expect((await producer.send({ topic, body: 'x' }, { queue: queues[2]! })).queue).toEqual(queues[2]);
    const message = { topic, body: 'x' };
    const seen: unknown[] = [];
    const selector = (all: typeof queues, given: typeof message) => {
      seen.push(all, given);
      return all.at(-1)!;
    };
    expect((await producer.send(message, { selector: selector as never })).queue).toEqual(queues.at(-1));
    expect(seen).toEqual([queues, message]);
    await expect(producer.send(message, { selector: () => ({ topic, brokerName: 'no', queueId: 0 }) })).rejects.toThrow(
      ConfigurationError,
    );
    await expect(producer.send(message, { queue: { ...queues[0]!, topic: 'other' } })).rejects.toThrow(
      /cannot be sent to a queue of topic other/,
    );
  });

  it('compresses large bodies with zlib and leaves small ones alone', async () => {
    const topic = await cluster.topic(1);
    const producer = await startProducer({ compressOverBytes: 1_000 });
    const bodies = ['s'.repeat(999), 'm'.repeat(1_000), 'l'.repeat(200_000)];
    for (const body of bodies) await producer.send({ topic, body }, { shardingKey: 'one queue' });
    const stored = await cluster.messages(topic);
    expect(stored.map((message) => message.body.toString())).toEqual(bodies);
    // Reading took off the bit that says "compressed", but not those that say how.
    expect(stored.map((message) => compressionTypeBits(message.sysFlag))).toEqual([
      0,
      MessageSysFlag.COMPRESSION_ZLIB,
      MessageSysFlag.COMPRESSION_ZLIB,
    ]);
    expect(stored[2]!.storeSize).toBeLessThan(5_000);
  });

  it('compresses with lz4 on demand, and says at once what this Node cannot write', async () => {
    const topic = await cluster.topic(1);
    const producer = await startProducer({ compressOverBytes: 1_000, compressType: 'LZ4' });
    const bodies = ['m'.repeat(1_000), 'l'.repeat(200_000)];
    for (const body of bodies) await producer.send({ topic, body }, { shardingKey: 'one queue' });
    const stored = await cluster.messages(topic);
    expect(stored.map((message) => message.body.toString())).toEqual(bodies);
    for (const message of stored) expect(compressionTypeBits(message.sysFlag)).toBe(MessageSysFlag.COMPRESSION_LZ4);
    const zstd = () =>
      new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers'), compressType: 'ZSTD' });
    if ('zstdCompressSync' in zlib) expect(zstd).not.toThrow();
    else expect(zstd).toThrow(ConfigurationError);
  });

  it('sends a batch to one queue with consecutive offsets', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    const batch = Array.from({ length: 10 }, (_, i) => ({ topic, body: `${i}`, keys: `key-${i}` }));
    const result = await producer.send(batch);
    const ids = result.msgId.split(',');
    const offsetIds = result.offsetMsgId.split(',');
    expect(new Set(ids).size).toBe(10);
    const stored = await cluster.messages(topic);
    expect(stored.map((message) => message.body.toString())).toEqual(batch.map((message) => message.body));
    expect(stored.map((message) => message.msgId)).toEqual(ids);
    expect(stored.map((message) => message.offsetMsgId)).toEqual(offsetIds);
    expect(stored.map((message) => message.queueOffset)).toEqual(batch.map((_, i) => result.queueOffset + i));
    expect(new Set(stored.map((message) => message.queueId))).toEqual(new Set([result.queue.queueId]));
  });

  it('sends a batch one way, cut at the limit, all to the chosen queue', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer({ maxMessageBytes: 2_000 });
    const batch = Array.from({ length: 20 }, (_, i) => ({ topic, body: `${i}`.padStart(500, '0') }));
    await producer.sendOneway(batch, { shardingKey: 'order-1' });
    await producer.sendOneway({ topic, body: '20' }, { shardingKey: 'order-1' });
    const stored = await waitFor(
      async () => {
        const messages = await cluster.messages(topic);
        return messages.length === 21 ? messages : undefined;
      },
      { what: '21 one-way messages' },
    );
    // A broker may serve one-way requests of one connection in parallel: their order is not promised.
    const numbers = stored.map((message) => Number(message.body)).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 21 }, (_, i) => i));
    const { brokerName, queueId } = queueOfKey(await producer.publishQueues(topic), 'order-1');
    expect(brokerName).toMatch(/^broker-[ab]$/);
    expect(new Set(stored.map((message) => message.queueId))).toEqual(new Set([queueId]));
    await expect(producer.sendOneway([])).rejects.toThrow(/at least one message/);
  });

  it('cuts a batch over the limit into several sends to the same queue', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer({ maxMessageBytes: 2_000 });
    const batch = Array.from({ length: 20 }, (_, i) => ({ topic, body: `${i}`.padStart(500, '0') }));
    const result = await producer.send(batch);
    expect(result.msgId.split(',')).toHaveLength(20);
    const stored = await cluster.messages(topic);
    expect(stored.map((message) => Number(message.body))).toEqual(batch.map((_, i) => i));
    expect(new Set(stored.map((message) => message.queueId))).toEqual(new Set([result.queue.queueId]));
  });

  it('creates a topic on demand through the auto-create topic', async () => {
    const topic = unique('auto');
    const producer = await startProducer();
    const result = await producer.send({ topic, body: 'first' });
    expect(result.queue.queueId).toBeLessThan(4);
    await waitFor(() => cluster.admin.topics.route(topic), { what: 'the name server to know the topic' });
    expect((await cluster.messages(topic)).map((message) => message.body.toString())).toEqual(['first']);
  });

  it('says what to do when the topic does not exist and is not created on demand', async () => {
    const topic = unique('missing');
    const producer = await startProducer({ createTopicKey: 'NoSuchTemplate' });
    await expect(producer.send({ topic, body: 'x' })).rejects.toThrow(NoRouteError);
    await expect(producer.send({ topic, body: 'x' })).rejects.toThrow(
      `No route info of topic ${topic} from name server ${cluster.namesrvAddr}. Create it with`,
    );
  });

  it('delivers one-way messages', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    for (let i = 0; i < 50; i++) await producer.sendOneway({ topic, body: `${i}` });
    const bodies = await waitFor(
      async () => {
        const stored = await cluster.messages(topic);
        return stored.length === 50 && stored.map((message) => Number(message.body)).sort((a, b) => a - b);
      },
      { what: '50 one-way messages' },
    );
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('pipelines within maxInFlightSends and finishes everything', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer({ maxInFlightSends: 8, sendTimeoutMs: 20_000 });
    let most = 0;
    const sends = Array.from({ length: 500 }, (_, i) =>
      producer.send({ topic, body: `${i}` }).then(() => {
        most = Math.max(most, producer.inFlight);
      }),
    );
    await waitFor(() => producer.inFlight === 8, { what: 'a full pipeline' });
    await Promise.all(sends);
    expect(most).toBeLessThanOrEqual(8);
    expect(producer.inFlight).toBe(0);
    expect(await cluster.messages(topic)).toHaveLength(500);
  });

  it('tells hooks what it sends and how that ended', async () => {
    const topic = await cluster.topic();
    const seen: [SendHookContext, SendOutcome?][] = [];
    const producer = await startProducer({
      retryTimes: 0,
      hooks: [
        {
          beforeSend: (context) => {
            context.properties['trace'] = 'abc';
          },
          afterSend: (context, outcome) => seen.push([context, outcome]),
        },
        {
          beforeSend: () => {
            throw new Error('a bad hook');
          },
        },
      ],
    });
    const result = await producer.send({ topic, body: 'xyz', delayLevel: 1 });
    await producer.send({ topic, body: 'x' }, { queue: { topic, brokerName: 'gone', queueId: 0 } }).catch(() => {});
    expect(seen).toMatchObject([
      [
        { group: producer.group, topic, kind: 'delay', bodyBytes: 3, messageCount: 1, properties: { trace: 'abc' } },
        { result },
      ],
      [{ kind: 'normal' }, { error: expect.any(NoRouteError) }],
    ]);
  });

  it('refuses to send before start and after close', async () => {
    const producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers') });
    await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toThrow(
      /is not started\. Call and await start\(\) first/,
    );
    await producer.start();
    await producer.close();
    await producer.close();
    await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toThrow(ClosedError);
    await expect(producer.start()).rejects.toThrow(ClosedError);
  });

  it('finishes sends under way before it closes', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer();
    const sends = Array.from({ length: 200 }, (_, i) => producer.send({ topic, body: `${i}` }));
    await producer.close();
    expect((await Promise.all(sends)).every((result) => result.status === 'SEND_OK')).toBe(true);
  });

  it('shares connections and routes with others on one instance, but not its group', async () => {
    const instance = new ClientInstance({ namesrvAddr: cluster.namesrvAddr });
    open.push(instance);
    await instance.start();
    const first = new Producer({ group: unique('producers') }, instance);
    const second = new Producer({ group: unique('producers') }, instance);
    await Promise.all([first.start(), second.start()]);
    open.push(first, second);
    const topic = await cluster.topic();
    await first.send({ topic, body: 'x' });
    expect(second.instance.routes.get(topic)).toBeDefined();
    await expect(new Producer({ group: first.group }, instance).start()).rejects.toThrow(
      /already has a producer of group/,
    );
    await first.close();
    expect((await second.send({ topic, body: 'x' })).status).toBe('SEND_OK');
  });

  it('gives every producer of a process its own client id', async () => {
    const producers = await Promise.all([startProducer(), startProducer()]);
    expect(new Set(producers.map((producer) => producer.instance.clientId)).size).toBe(2);
  });
});

describe('Producer.close', () => {
  it('fails sends that do not end within closeTimeoutMs, also those that still wait for a slot', async () => {
    await using silent = await ScriptedPeer.start();
    const producer = new Producer({ namesrvAddr: silent.address, group: 'g', closeTimeoutMs: 50, maxInFlightSends: 1 });
    await producer.start();
    const sends = [producer.send({ topic: 'T', body: 'x' }), producer.send({ topic: 'T', body: 'x' })];
    const outcomes = Promise.allSettled(sends);
    await producer.close();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ClosedError) });
  });
});

describe('Producer backpressure', () => {
  it('fails a send that finds no slot in its time, and says which limit was met', async () => {
    await using silent = await ScriptedPeer.start();
    const producer = new Producer({ namesrvAddr: silent.address, group: 'g', closeTimeoutMs: 0, maxInFlightSends: 1 });
    await producer.start();
    const first = producer.send({ topic: 'T', body: 'x' }).catch(() => {});
    const second = producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 20 });
    await expect(second).rejects.toThrow(TimeoutError);
    await expect(second).rejects.toThrow(/found no free slot in time: 1 sends \(limit 1 of 1\)/);
    await producer.close();
    await first;
  });
});
