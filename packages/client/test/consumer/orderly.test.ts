import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dlqTopic, type MessageExt, PropertyName } from '@rocketnest/protocol';
import { bodyOf, range, Testbed, unique, until } from './testbed.js';

describe('ordered consumption', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it('keeps the exact order of every queue, with failures in the middle', async () => {
    const topic = await bed.topic(3);
    for (let queueId = 0; queueId < 3; queueId++) await bed.send(topic, queueId, range(40));
    const seen = new Map<number, string[]>();
    const failures = new Map<string, number>();
    const running = new Set<number>();
    const consumer = bed.consumer(
      { topic, consumeMode: 'ORDERLY', suspendCurrentQueueTimeMs: 30 },
      async ([message], { queue }) => {
        expect(running.has(queue.queueId)).toBe(false);
        running.add(queue.queueId);
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(queue.queueId);
        const body = bodyOf(message!);
        const failed = failures.get(`${queue.queueId}${body}`) ?? 0;
        if (['m7', 'm8', 'm25'].includes(body) && failed < 2) {
          failures.set(`${queue.queueId}${body}`, failed + 1);
          throw new Error('again please');
        }
        seen.set(queue.queueId, [...(seen.get(queue.queueId) ?? []), body]);
      },
    );
    await consumer.start();
    await until(() => [...seen.values()].flat().length >= 120, '120 messages are consumed');
    expect([0, 1, 2].map((queueId) => seen.get(queueId))).toEqual([range(40), range(40), range(40)]);
    expect([...failures.values()]).toEqual(Array(9).fill(2));
    await consumer.close();
  });

  it('counts deliveries on the spot and gives a message up after maxReconsumeTimes, then goes on', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['a', 'hopeless', 'c']);
    const seen: string[] = [];
    const options = {
      topic,
      group,
      consumeMode: 'ORDERLY',
      suspendCurrentQueueTimeMs: 10,
      maxReconsumeTimes: 2,
    } as const;
    const consumer = bed.consumer(options, async ([message]) => {
      seen.push(`${bodyOf(message!)}${message!.reconsumeTimes}`);
      if (bodyOf(message!) === 'hopeless') throw new Error('always');
    });
    await consumer.start();
    await until(() => seen.includes('c0'), 'the message behind it');
    expect(seen).toEqual(['a0', 'hopeless0', 'hopeless1', 'hopeless2', 'c0']);
    const dead: MessageExt[] = [];
    const letters = bed.consumer({ topic: dlqTopic(group), pollNameServerIntervalMs: 200 }, async (messages) => {
      dead.push(...messages);
    });
    await letters.start();
    await until(() => dead.length > 0, 'the dead letter');
    expect(dead.map(bodyOf)).toEqual(['hopeless']);
    expect(dead[0]).toMatchObject({ reconsumeTimes: 3, properties: { [PropertyName.RETRY_TOPIC]: topic } });
    await letters.close();
    await consumer.close();
    expect(await bed.committedOffset(group, topic, 0)).toBe(3);
  });

  it('keeps the queue still for as long as the handler says', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(2));
    const times: number[] = [];
    const consumer = bed.consumer({ topic, consumeMode: 'ORDERLY' }, async () => {
      times.push(Date.now());
      return times.length === 1 ? { action: 'suspend', ms: 300 } : undefined;
    });
    await consumer.start();
    await until(() => times.length === 3, 'three deliveries');
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(295);
    expect(times[1]! - times[0]!).toBeLessThan(900);
    await consumer.close();
  });

  it('gives batches in order and repeats what was not consumed of one', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(9));
    const seen: string[] = [];
    let calls = 0;
    const options = {
      topic,
      consumeMode: 'ORDERLY',
      consumeMessageBatchMaxSize: 4,
      suspendCurrentQueueTimeMs: 10,
    } as const;
    const consumer = bed.consumer(options, async (messages) => {
      if (++calls === 1 && messages.length > 1) {
        seen.push(bodyOf(messages[0]!));
        return { action: 'retry', consumed: 1 };
      }
      seen.push(...messages.map(bodyOf));
      return undefined;
    });
    await consumer.start();
    await until(() => seen.length >= 9, 'nine messages are consumed');
    expect(seen).toEqual(range(9));
    await consumer.close();
  });

  it('hands a queue over without overlap or reordering when a member joins and when one leaves', async () => {
    const topic = await bed.topic(4);
    const group = unique('group');
    const seen = new Map<number, string[]>();
    const running = new Set<number>();
    const handler = async ([message]: MessageExt[], { queue }: { queue: { queueId: number } }) => {
      if (running.has(queue.queueId)) throw new Error(`two handlers at once on queue ${queue.queueId}`);
      running.add(queue.queueId);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(queue.queueId);
      seen.set(queue.queueId, [...(seen.get(queue.queueId) ?? []), bodyOf(message!)]);
    };
    const member = () => bed.consumer({ topic, group, consumeMode: 'ORDERLY', suspendCurrentQueueTimeMs: 10 }, handler);
    const first = member();
    await first.start();
    const sending = Promise.all([0, 1, 2, 3].map((queueId) => bed.send(topic, queueId, range(300))));
    await until(() => [...seen.values()].flat().length > 50, 'the first member is at work');
    const second = member();
    await second.start();
    const share = (consumer: typeof first) => consumer.assignment.filter((queue) => queue.topic === topic).length;
    await until(() => share(first) === 2 && share(second) === 2, 'the queues are shared');
    await first.close();
    await until(() => share(second) === 4, 'the second member has taken over');
    await sending;
    await until(() => [...seen.values()].flat().length >= 1200, 'all are consumed');
    expect([0, 1, 2, 3].map((queueId) => seen.get(queueId))).toEqual(Array(4).fill(range(300)));
    await second.close();
  });
});
