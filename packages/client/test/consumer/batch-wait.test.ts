import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyOf, Testbed, unique, until } from './testbed.js';

const FOREVER_MS = 60_000;

describe.each(['CONCURRENTLY', 'ORDERLY'] as const)('batches that are waited for, %s', (consumeMode) => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('are handed over as soon as they are full', async () => {
    const topic = await bed.topic(1);
    const calls: string[][] = [];
    const options = { topic, consumeMode, consumeMessageBatchMaxSize: 3, consumeMessageBatchWaitMs: FOREVER_MS };
    const consumer = bed.consumer(options, async (messages) => {
      calls.push(messages.map(bodyOf));
    });
    await consumer.start();
    // One pull for each: without the wait they were calls of one message.
    for (const body of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await bed.send(topic, 0, [body]);
      await until(() => held(consumer) + calls.flat().length > 'abcdef'.indexOf(body), `${body} to arrive`);
    }
    await until(() => calls.length === 2, 'two batches');
    expect(calls).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ]);
    await consumer.close();
  });

  it('are handed over when the time is over, however few there are', async () => {
    const topic = await bed.topic(1);
    const calls: { bodies: string[]; at: number }[] = [];
    const options = { topic, consumeMode, consumeMessageBatchMaxSize: 100, consumeMessageBatchWaitMs: 400 };
    const consumer = bed.consumer(options, async (messages) => {
      calls.push({ bodies: messages.map(bodyOf), at: Date.now() });
    });
    await consumer.start();
    for (const body of ['first', 'second']) {
      const sentAt = Date.now();
      await bed.send(topic, 0, [body]);
      await until(() => calls.length > 0, `${body} to be handled`);
      const { bodies, at } = calls.pop()!;
      expect(bodies).toEqual([body]);
      expect(at - sentAt).toBeGreaterThanOrEqual(390);
    }
    await consumer.close();
  });

  it('are left to others when the consumer closes', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const waits = { consumeMessageBatchMaxSize: 2, consumeMessageBatchWaitMs: FOREVER_MS };
    const handled: string[] = [];
    const first = bed.consumer({ topic, group, consumeMode, ...waits }, async (messages) => {
      handled.push(...messages.map(bodyOf));
    });
    await first.start();
    await bed.send(topic, 0, ['x']);
    await until(() => held(first) === 1, 'the message to wait');
    await first.close();
    expect(handled).toEqual([]);
    const second = bed.consumer({ topic, group, consumeMode }, async (messages) => {
      handled.push(...messages.map(bodyOf));
    });
    await second.start();
    await until(() => handled.length === 1, 'the message to be handled');
    await second.close();
  });
});

/** Messages that were pulled and are not consumed. */
const held = (consumer: ReturnType<Testbed['consumer']>): number =>
  consumer.report().queues.reduce((sum, { cachedMessages }) => sum + cachedMessages, 0);
