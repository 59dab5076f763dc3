import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClosedError, ConfigurationError, ConnectionError, type MessageExt } from '@rocketnest/protocol';
import { PushConsumer } from '../../src/consumer/index.js';
import { bodyOf, range, Testbed, unique, until } from './testbed.js';

describe('PushConsumer', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('consumes every message of every queue once and shows where it came from', async () => {
    const topic = await bed.topic(4);
    for (let queueId = 0; queueId < 4; queueId++) await bed.send(topic, queueId, range(50, `q${queueId}-`));
    const seen: MessageExt[] = [];
    const consumer = bed.consumer({ topic }, async (messages) => {
      seen.push(...messages);
    });
    await consumer.start();
    await until(() => seen.length >= 200, '200 messages are consumed');
    expect(seen.map(bodyOf).sort()).toEqual([0, 1, 2, 3].flatMap((queueId) => range(50, `q${queueId}-`)).sort());
    const [first] = seen;
    expect(first).toMatchObject({ topic, reconsumeTimes: 0, brokerName: expect.any(String) });
    expect(first!.msgId).toHaveLength(32);
    expect(consumer.assignment.filter((queue) => queue.topic === topic)).toHaveLength(4);
    await consumer.close();
  });

  it('consumes messages sent while it waits for them', async () => {
    const topic = await bed.topic(1);
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, consumeFrom: 'LAST_OFFSET' }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(topic, 0, range(5));
    await until(() => seen.length === 5, '5 messages are consumed', 3_000);
    expect(seen).toEqual(range(5));
    await consumer.close();
  });

  it('goes on after a restart where it stopped, without repeating acknowledged messages', async () => {
    const topic = await bed.topic(2);
    const group = unique('group');
    await bed.send(topic, 0, range(30, 'a'));
    await bed.send(topic, 1, range(30, 'b'));
    const seen: string[] = [];
    const first = bed.consumer({ topic, group }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await first.start();
    await until(() => seen.length === 60, 'the first 60 are consumed');
    await first.close();
    await bed.send(topic, 0, range(10, 'c'));
    const again: string[] = [];
    const second = bed.consumer({ topic, group }, async ([message]) => {
      again.push(bodyOf(message!));
    });
    await second.start();
    await until(() => again.length >= 10, 'the later 10 are consumed');
    await second.close();
    expect(again).toEqual(range(10, 'c'));
  });

  it.each([
    ['LAST_OFFSET', () => 'LAST_OFFSET' as const, ['new0', 'new1']],
    ['FIRST_OFFSET', () => 'FIRST_OFFSET' as const, ['old0', 'old1', 'new0', 'new1']],
    ['a time before the first message', () => new Date(Date.now() - 3_600_000), ['old0', 'old1', 'new0', 'new1']],
    ['a time after the last message', () => new Date(Date.now() + 1), ['new0', 'new1']],
  ])('starts a new group at %s', async (_, consumeFrom, expected) => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(2, 'old'));
    // The dispatcher of a broker needs a moment before offsets by time are known.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, consumeFrom: consumeFrom() }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(topic, 0, range(2, 'new'));
    await until(() => seen.includes('new1'), 'the last message is consumed');
    expect(seen.sort()).toEqual([...expected].sort());
    await consumer.close();
  });

  it('gives only the subscribed tags to the handler, even where their hashes collide', async () => {
    // "Aa" and "BB" have the same Java hash code, which is all the broker compares.
    const topic = await bed.topic(1);
    for (const tag of ['Aa', 'BB', 'Cc', 'Aa']) await bed.send(topic, 0, [`tagged ${tag}`], tag);
    await bed.send(topic, 0, ['the end'], 'End');
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, expression: 'Aa || End' }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => seen.includes('the end'), 'the last message is consumed');
    expect(seen).toEqual(['tagged Aa', 'tagged Aa', 'the end']);
    await consumer.close();
  });

  it('has the broker filter by properties', async () => {
    const topic = await bed.topic(1);
    for (const amount of [50, 150, 250]) {
      await bed.producer.send({ topic, body: `amount ${amount}`, properties: { amount: String(amount) } });
    }
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, expression: { sql92: 'amount > 100' } }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => seen.length === 2, 'two messages are consumed');
    expect(seen.sort()).toEqual(['amount 150', 'amount 250']);
    await consumer.close();
  });

  it('commits past messages that no tag matched', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, range(5), 'BB');
    const options = { topic, group, expression: 'Aa', persistConsumerOffsetIntervalMs: 100 };
    const consumer = bed.consumer(options, async () => {});
    await consumer.start();
    await until(async () => (await bed.committedOffset(group, topic, 0)) === 5, 'the offset is committed');
    await consumer.close();
  });

  it('gives batches of at most consumeMessageBatchMaxSize to the handler', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(40));
    const sizes: number[] = [];
    const consumer = bed.consumer({ topic, consumeMessageBatchMaxSize: 7, concurrency: 1 }, async (messages) => {
      sizes.push(messages.length);
    });
    await consumer.start();
    await until(() => sizes.reduce((sum, size) => sum + size, 0) === 40, '40 messages are consumed');
    expect(Math.max(...sizes)).toBe(7);
    await consumer.close();
  });

  it('unpacks bodies that the producer compressed', async () => {
    const topic = await bed.topic(1);
    const body = 'compress me '.repeat(2_000);
    await bed.send(topic, 0, [body]);
    const seen: MessageExt[] = [];
    const consumer = bed.consumer({ topic }, async (messages) => {
      seen.push(...messages);
    });
    await consumer.start();
    await until(() => seen.length === 1, 'the message is consumed');
    expect(bodyOf(seen[0]!)).toBe(body);
    expect(seen[0]!.storeSize).toBeLessThan(body.length);
    await consumer.close();
  });

  it('does not let a slow handler keep other queues waiting', async () => {
    const topic = await bed.topic(2);
    await bed.send(topic, 0, ['slow', ...range(5, 'behind')]);
    await bed.send(topic, 1, range(20, 'fast'));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, concurrency: 2 }, async ([message]) => {
      if (bodyOf(message!) === 'slow') await released;
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => seen.length === 25, 'all but the slow one are consumed');
    expect(seen).not.toContain('slow');
    release();
    await until(() => seen.includes('slow'), 'the slow one is consumed');
    await consumer.close();
  });

  it('stops pulling a queue while its handlers are behind, and goes on afterwards', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(120));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const options = { topic, concurrency: 200, pullThresholdForQueue: 40, pullBatchSize: 10 };
    const consumer = bed.consumer(options, async ([message]) => {
      await released;
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => consumer.runningHandlers > 40, 'the limit is passed by one pull');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(consumer.runningHandlers).toBeLessThanOrEqual(50);
    release();
    await until(() => seen.length === 120, 'all are consumed');
    await consumer.close();
  });

  it('consumes a topic that comes into being after it started', async () => {
    const topic = unique('later');
    const seen: string[] = [];
    const consumer = bed.consumer(
      { topic, consumeFrom: 'LAST_OFFSET', pollNameServerIntervalMs: 200 },
      async ([message]) => {
        seen.push(bodyOf(message!));
      },
    );
    await consumer.start();
    await bed.producer.send({ topic, body: 'first' });
    await until(() => seen.length === 1, 'the first message of the new topic is consumed');
    await consumer.close();
  });

  it('subscribes to further topics and leaves topics while it runs', async () => {
    const [one, two] = [await bed.topic(1), await bed.topic(1)];
    const seen: string[] = [];
    const consumer = bed.consumer({ topic: one }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    consumer.subscribe(two);
    await bed.send(two, 0, ['of two']);
    await until(() => seen.includes('of two'), 'the second topic is consumed');
    consumer.unsubscribe(one);
    await until(() => consumer.assignment.every((queue) => queue.topic !== one), 'the first topic is left');
    await consumer.close();
  });

  it('refuses to start without a handler or a topic, and can be completed then', async () => {
    const topic = await bed.topic(1);
    const consumer = new PushConsumer({ namesrvAddr: bed.namesrvAddr, group: unique('group') });
    await expect(consumer.start()).rejects.toThrow(/call listen\(handler\) first/);
    consumer.listen(() => {});
    await expect(consumer.start()).rejects.toThrow(/call subscribe\(topic\) first/);
    consumer.subscribe(topic);
    await consumer.start();
    await consumer.close();
    await expect(consumer.start()).rejects.toThrow(ClosedError);
  });

  it('says which option is wrong and what it may be', () => {
    const make = (options: object) => () => new PushConsumer({ namesrvAddr: 'a:1', group: 'g', ...options } as never);
    expect(make({ concurrency: 0 })).toThrow(/"concurrency" must be an integer from 1 to 1000.*got 0/);
    expect(make({ consumeFrom: 'YESTERDAY' })).toThrow(/"consumeFrom" must be LAST_OFFSET, FIRST_OFFSET or a Date/);
    expect(make({ group: 'DEFAULT_CONSUMER' })).toThrow(ConfigurationError);
    expect(make({ group: 'no spaces' })).toThrow(ConfigurationError);
    expect(make({ threads: 3 })).toThrow(/no option "threads"/);
    expect(make({ allocate: 'RANDOM' })).toThrow(/AVG, AVG_BY_CIRCLE/);
  });

  it('rejects start when no name server answers, and leaves nothing open', async () => {
    const consumer = new PushConsumer({ namesrvAddr: '127.0.0.1:1', group: unique('group') });
    consumer.subscribe('whatever').listen(() => {});
    await expect(consumer.start()).rejects.toThrow(ConnectionError);
    expect(consumer.instance.closed).toBe(true);
  });
});
