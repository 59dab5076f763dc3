import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type MessageExt, PropertyName } from '@rocketnest/protocol';
import type { PushConsumer } from '../../../src/consumer/index.js';
import { bodyOf, range, until } from '../testbed.js';
import { PopBed } from './pop-bed.js';

let bed: PopBed;
beforeAll(async () => {
  bed = await PopBed.start();
}, 30_000);
afterAll(() => bed.close());

const popped = (consumer: PushConsumer): boolean => consumer.assignment.some(({ queueId }) => queueId === -1);

describe('a push consumer whose group pops', () => {
  it('gets every message once and acknowledges it', async () => {
    const { topic, group } = await bed.popGroup();
    const got: MessageExt[] = [];
    const consumer = bed.member({ topic, group }, async (messages) => {
      got.push(...messages);
    });
    await consumer.start();
    expect(popped(consumer)).toBe(true);
    await bed.send(topic, 0, range(20, 'a'));
    await bed.send(topic, 1, range(20, 'b'));
    await until(() => got.length >= 40, 'all messages');
    expect(got.map(bodyOf).sort()).toEqual([...range(20, 'a'), ...range(20, 'b')].sort());
    expect(got[0]!.topic).toBe(topic);
    expect(got[0]!.reconsumeTimes).toBe(0);
    expect(got[0]!.properties[PropertyName.POP_CK]).toMatch(/^\d+ \d+ 60000 \d+ 0 \S+ \d+ \d+$/);
    expect(Number(got[0]!.properties[PropertyName.FIRST_POP_TIME])).toBeGreaterThan(0);
    await until(async () => (await bed.waiting(group, topic)) === 0, 'the acknowledgements to be there');
  });

  it('gets a failed message again, as one of its topic', async () => {
    const { topic, group } = await bed.popGroup();
    const attempts: MessageExt[] = [];
    const consumer = bed.member({ topic, group }, async ([message]) => {
      attempts.push({ ...message!, properties: { ...message!.properties } });
      if (attempts.length < 3) return { action: 'retry', delayLevel: 1 };
      return undefined;
    });
    await consumer.start();
    await bed.send(topic, 0, ['once more'], 'tag');
    await until(() => attempts.length === 3, 'three deliveries', 30_000);
    expect(attempts.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1, 2]);
    expect(new Set(attempts.map((message) => message.topic))).toEqual(new Set([topic]));
    expect(new Set(attempts.map(({ msgId }) => msgId)).size).toBe(1);
  }, 40_000);

  it('gets, with an SQL expression, the messages that it matches', async () => {
    const { topic, group } = await bed.popGroup(1);
    const got: string[] = [];
    const consumer = bed.member({ topic, group, expression: { sql92: "TAGS = 'big'" } }, async ([message]) => {
      got.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(topic, 0, ['no'], 'small');
    await bed.send(topic, 0, ['yes'], 'big');
    await until(() => got.length === 1, 'the message');
    expect(got).toEqual(['yes']);
  });

  it('gets what another filter matches as soon as it has it', async () => {
    const { topic, group } = await bed.popGroup(1);
    const got: string[] = [];
    const consumer = bed.member({ topic, group, expression: 'a' }, async ([message]) => {
      got.push(bodyOf(message!));
    });
    await consumer.start();
    await bed.send(topic, 0, ['a1'], 'a');
    await until(() => got.length === 1, 'the first message');
    const began = Date.now();
    consumer.subscribe(topic, 'b');
    await bed.send(topic, 0, ['b1'], 'b');
    await until(() => got.includes('b1'), 'the message of the new filter');
    expect(got).toEqual(['a1', 'b1']);
    // The pop with the old filter is held for 15 s.
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  it('uses the names of its namespace at the broker, and shows its own', async () => {
    const { topic, group } = await bed.popGroup(1, 'tenant');
    const topics: string[] = [];
    const consumer = bed.member({ topic, group, namespace: 'tenant', maxReconsumeTimes: 1 }, async ([message]) => {
      topics.push(message!.topic);
      return { action: 'retry', delayLevel: 1 };
    });
    await consumer.start();
    expect(consumer.assignment).toContainEqual({ topic, brokerName: expect.any(String), queueId: -1 });
    await bed.send(`tenant%${topic}`, 0, ['twice']);
    await until(async () => (await bed.deadLetters(`tenant%${group}`)).length === 1, 'the dead letter', 30_000);
    expect(topics).toEqual([topic, topic]);
  }, 40_000);

  it('moves a message that failed too often to the dead letter queue', async () => {
    const { topic, group } = await bed.popGroup();
    let deliveries = 0;
    const consumer = bed.member({ topic, group, maxReconsumeTimes: 1 }, async () => {
      deliveries++;
      return { action: 'retry', delayLevel: 1 };
    });
    await consumer.start();
    await bed.send(topic, 0, ['poison']);
    await until(async () => (await bed.deadLetters(group)).length === 1, 'the dead letter', 30_000);
    expect(deliveries).toBe(2);
    const [dead] = await bed.deadLetters(group);
    expect(bodyOf(dead!)).toBe('poison');
    expect(dead!.properties[PropertyName.RETRY_TOPIC]).toBe(topic);
  }, 40_000);
});
