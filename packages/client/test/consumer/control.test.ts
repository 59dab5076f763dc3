import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/protocol';
import type { MessageQueue } from '../../src/message-queue.js';
import { bodyOf, LogKeeper, range, Testbed, unique, until } from './testbed.js';

describe('a running consumer', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('leaves paused queues alone, also those it gets later, and goes on with them', async () => {
    const topic = await bed.topic(2);
    const { brokerName } = (await bed.instance.routes.find(topic)).publishQueues[0]!;
    const still = { topic, brokerName, queueId: 1 };
    const seen: string[] = [];
    const consumer = bed.consumer({ topic }, ([message]) => void seen.push(bodyOf(message!)));
    consumer.pause([still]);
    await bed.send(topic, 0, range(3, 'a'));
    await bed.send(topic, 1, range(3, 'b'));
    await consumer.start();
    await until(() => seen.length === 3, 'the other queue is consumed');
    await bed.send(topic, 0, ['a3']);
    await until(() => seen.length === 4, 'the other queue goes on');
    expect(seen).toEqual(range(4, 'a'));
    consumer.resume([still]);
    await until(() => seen.length === 7, 'the paused queue is consumed');
    consumer.pause([still]);
    await bed.send(topic, 1, ['b3']);
    await bed.send(topic, 0, ['a4']);
    await until(() => seen.includes('a4'), 'the other queue goes on again');
    consumer.resume();
    consumer.resume([still]);
    await until(() => seen.includes('b3'), 'the paused queue goes on again');
    expect(seen).toHaveLength(9);
  });

  it('keeps to a rate limit, which may change', async () => {
    const topic = await bed.topic(4);
    for (const queueId of [0, 1, 2, 3]) await bed.send(topic, queueId, range(15));
    const times: number[] = [];
    const consumer = bed.consumer({ topic, rateLimit: 20 }, () => void times.push(performance.now()));
    await consumer.start();
    await until(() => times.length >= 30, 'half of the messages are consumed', 30_000);
    // A burst of two, then one every 50 ms; timers may fire a little early.
    expect(times[29]! - times[0]!).toBeGreaterThan(1_300);
    consumer.setRateLimit(undefined);
    await until(() => times.length === 60, 'the others are consumed');
    expect(times[59]! - times[45]!).toBeLessThan(700);
    expect(() => consumer.setRateLimit(0)).toThrow(/messages per second > 0, got 0/);
  });

  it('tells of each queue it takes over and gives up, before messages of it come', async () => {
    const topic = await bed.topic(4);
    const group = unique('group');
    await bed.send(topic, 2, ['early']);
    const events: string[] = [];
    const name = (what: string) => (queue: MessageQueue) => void events.push(`${what} ${queue.topic} ${queue.queueId}`);
    const first = bed.consumer(
      { topic, group, onAssigned: name('+'), onRevoked: name('-') },
      ([message]) => void events.push(bodyOf(message!)),
    );
    await first.start();
    await until(() => events.includes('early'), 'the message is consumed');
    expect(events.indexOf(`+ ${topic} 2`)).toBeLessThan(events.indexOf('early'));
    const given = (what: string) => events.filter((event) => event.startsWith(what)).sort();
    expect(given('+')).toEqual([0, 1, 2, 3].map((queueId) => `+ ${topic} ${queueId}`));
    expect(given('-')).toEqual([]);
    const second = bed.consumer({ topic, group }, () => {});
    await second.start();
    await until(() => given('-').length === 2, 'half of the queues move to the second member');
    await second.close();
    await until(() => given('+').length === 6, 'they come back');
    await first.close();
    expect(given('-')).toHaveLength(6);
  });

  it('does not care about listeners that throw', async () => {
    const topic = await bed.topic(1);
    const seen: string[] = [];
    const broken = () => {
      throw new Error('broken listener');
    };
    const consumer = bed.consumer({ topic, onAssigned: broken, onRevoked: broken }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(topic, 0, ['a']);
    await until(() => seen.length === 1, 'the message is consumed');
    await consumer.close();
  });

  it('gives a message back without failing its handler, and gives it up on request', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, group }, async ([message]) => {
      seen.push(`${bodyOf(message!)} ${message!.reconsumeTimes}`);
      if (message!.reconsumeTimes === 0) await consumer.sendMessageBack(message!, bodyOf(message!) === 'dead' ? -1 : 1);
    });
    await expect(consumer.sendMessageBack({} as MessageExt)).rejects.toThrow(/gives nothing back before start/);
    await consumer.start();
    await bed.send(topic, 0, ['again', 'dead']);
    await until(() => seen.includes('again 1'), 'the message comes again');
    await until(async () => (await bed.messages(`%DLQ%${group}`)).length === 1, 'the other one is given up');
    expect(seen.sort()).toEqual(['again 0', 'again 1', 'dead 0']);
    expect((await bed.messages(`%DLQ%${group}`)).map(bodyOf)).toEqual(['dead']);
    await consumer.close();
    await expect(consumer.sendMessageBack({} as MessageExt)).rejects.toThrow(/is closed. Create a new PushConsumer/);
  });

  it.each(['CONCURRENTLY', 'ORDERLY'] as const)('has only the failed messages of a batch again (%s)', async (mode) => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(6));
    const seen: string[] = [];
    let batches = 0;
    const consumer = bed.consumer(
      { topic, consumeMode: mode, consumeMessageBatchMaxSize: 6, suspendCurrentQueueTimeMs: 10 },
      (messages) => {
        seen.push(...messages.map(bodyOf));
        if (batches++ > 0) return;
        expect(messages).toHaveLength(6);
        return { action: 'retry', delayLevel: 1, failed: [messages[2]!, messages[4]!] };
      },
    );
    await consumer.start();
    const again = mode === 'ORDERLY' ? ['m2', 'm3', 'm4', 'm5'] : ['m2', 'm4'];
    await until(() => seen.length === 6 + again.length, 'the failed messages come again');
    expect(seen.slice(0, 6)).toEqual(range(6));
    expect(seen.slice(6).sort()).toEqual(again);
  });

  it('changes what it subscribes to: another filter holds at once, a topic given up stays away', async () => {
    const [first, second] = [await bed.topic(1), await bed.topic(1)];
    const seen: string[] = [];
    const consumer = bed.consumer({ topic: first, expression: 'red' }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(first, 0, ['red 1'], 'red');
    await until(() => seen.length === 1, 'the first message is consumed');
    consumer.subscribe(first, 'blue').subscribe(second);
    await until(() => consumer.assignment.some((queue) => queue.topic === second), 'the new topic is assigned');
    await bed.send(first, 0, ['red 2'], 'red');
    await bed.send(first, 0, ['blue'], 'blue');
    await bed.send(second, 0, ['other']);
    // The broker held a pull for red for up to 15 s more.
    await until(() => seen.length === 3, 'messages of the new filter and of the new topic are consumed', 5_000);
    expect(seen.slice(1).sort()).toEqual(['blue', 'other']);
    consumer.unsubscribe(second);
    await until(() => consumer.assignment.every((queue) => queue.topic !== second), 'the topic is given up');
    consumer.subscribe(second);
    await bed.send(second, 0, ['back']);
    await until(() => seen.includes('back'), 'it is consumed again');
    await consumer.close();
  });

  it('consumes a topic that was subscribed to while it started', async () => {
    const [first, second] = [await bed.topic(1), await bed.topic(1)];
    await bed.send(second, 0, ['a']);
    const seen: string[] = [];
    const consumer = bed.consumer({ topic: first }, ([message]) => void seen.push(bodyOf(message!)));
    const starting = consumer.start();
    consumer.subscribe(second);
    await starting;
    await until(() => seen.length === 1, 'its message is consumed', 5_000);
  });

  it('says when a broker refuses the filter it changes to', async () => {
    const topic = await bed.topic(1);
    const logger = new LogKeeper();
    const consumer = bed.consumer({ topic, logger }, () => {});
    await consumer.start();
    consumer.subscribe(topic, { sql92: 'amount >' });
    await until(() => logger.of('error').length === 1, 'the mistake is logged');
    const [{ message, fields }] = logger.of('error') as [{ message: string; fields: object }];
    expect(message).toContain(`nothing of topic ${topic} may be received`);
    expect(fields).toMatchObject({ filter: 'amount >' });
  });

  it('gets what it wants with postSubscriptionWhenPull although another member told brokers something else', async () => {
    const [topic, other] = [await bed.topic(1), await bed.topic(1)];
    const group = unique('group');
    const seen: string[] = [];
    const consumer = bed.consumer(
      { topic, group, postSubscriptionWhenPull: true, expression: 'red', instanceName: unique('a') },
      ([message]) => void seen.push(bodyOf(message!)),
    );
    await consumer.start();
    // The queue goes to the first member by name.
    const misled = bed.consumer({ topic: other, group, instanceName: unique('b') }, () => {});
    await misled.start();
    await until(() => consumer.assignment.some((queue) => queue.topic === topic), 'the queue stays ours');
    await misled.instance.sendHeartbeats();
    await bed.send(topic, 0, ['red'], 'red');
    await until(() => seen.length === 1, 'the message is received', 5_000);
    await bed.send(topic, 0, ['blue'], 'blue');
    await bed.send(topic, 0, ['red again'], 'red');
    await until(() => seen.length === 2, 'the next one is received', 5_000);
    expect(seen).toEqual(['red', 'red again']);
  });

  it('holds no more of a topic than its limit', async () => {
    const topic = await bed.topic(4);
    for (const queueId of [0, 1, 2, 3]) await bed.send(topic, queueId, range(40));
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let handled = 0;
    const consumer = bed.consumer({ topic, concurrency: 1, pullBatchSize: 1, pullThresholdForTopic: 20 }, async () => {
      await gate;
      handled++;
    });
    await consumer.start();
    const held = () =>
      consumer.report().queues.flatMap((queue) => (queue.topic === topic ? [queue.cachedMessages] : []));
    // Five and the one that is noticed to be too many, in each queue; the first ones may have thought they were alone.
    await until(() => held().length === 4 && held().every((count) => count >= 6), 'every queue holds its part');
    expect(held().reduce((sum, count) => sum + count)).toBeLessThanOrEqual(45);
    expect(Math.min(...held())).toBe(6);
    open();
    await until(() => handled === 160, 'all are consumed');
  });
});
