import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dlqTopic, type MessageExt } from '@rocketnest/protocol';
import type { ConsumeOutcome, MessageOutcome } from '../../src/consumer/outcome.js';
import { DEAD_LETTER_REASON } from '../../src/consumer/send-back.js';
import { PopBed } from './pop/pop-bed.js';
import { bodyOf, Testbed, unique, until } from './testbed.js';

/** Gives every message the outcome that its body names, on its first delivery only. */
function judge(seen: string[]) {
  return async (messages: MessageExt[]): Promise<ConsumeOutcome> => {
    const outcomes = new Map<MessageExt, MessageOutcome>();
    for (const message of messages) {
      const body = bodyOf(message);
      const times = seen.filter((other) => other === body).length;
      seen.push(body);
      if (body === 'dead') outcomes.set(message, { action: 'dead-letter', reason: 'no\u0001such\ncustomer' });
      else if (body === 'again' && times === 0) outcomes.set(message, { action: 'retry', delayLevel: 1 });
    }
    return { action: 'each', outcomes };
  };
}

const reasonsOf = (letters: readonly MessageExt[]) =>
  letters.map((letter) => `${bodyOf(letter)}: ${letter.properties[DEAD_LETTER_REASON]}`);

describe('messages of a batch that end differently', () => {
  let bed: Testbed;
  let pop: PopBed;
  beforeAll(async () => {
    [bed, pop] = await Promise.all([Testbed.start(), PopBed.start()]);
  }, 30_000);
  afterAll(() => Promise.all([bed.close(), pop.close()]));

  it.each([
    ['CONCURRENTLY', ['a', 'again', 'dead', 'b'], ['a', 'again', 'dead', 'b', 'again']],
    // What follows a message that comes again waits for it.
    ['ORDERLY', ['a', 'dead', 'again', 'b'], ['a', 'dead', 'again', 'b', 'again', 'b']],
  ] as const)('are consumed, come again, or are given up with a reason (%s)', async (consumeMode, bodies, expected) => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, bodies);
    const seen: string[] = [];
    const options = { topic, group, consumeMode, consumeMessageBatchMaxSize: 4, suspendCurrentQueueTimeMs: 10 };
    const consumer = bed.consumer(options, judge(seen));
    await consumer.start();
    await until(() => seen.length === expected.length, 'all deliveries');
    expect(seen).toEqual(expected);
    await until(async () => (await bed.messages(dlqTopic(group))).length === 1, 'the dead letter');
    expect(reasonsOf(await bed.messages(dlqTopic(group)))).toEqual(['dead: no such customer']);
    await consumer.close();
    expect(await bed.committedOffset(group, topic, 0)).toBe(4);
  });

  it.each([
    ['CONCURRENTLY', ['a', 'again', 'dead', 'b']],
    ['ORDERLY', ['a', 'dead', 'again', 'b']],
  ] as const)(
    'the same when they are popped (%s)',
    async (consumeMode, bodies) => {
      const { topic, group } = await pop.popGroup(1);
      await pop.send(topic, 0, bodies);
      const seen: string[] = [];
      const options = { topic, group, consumeMode, consumeMessageBatchMaxSize: 4, suspendCurrentQueueTimeMs: 100 };
      const consumer = pop.member(options, judge(seen));
      await consumer.start();
      await until(() => seen.filter((body) => body === 'again').length === 2, 'the second delivery', 30_000);
      await until(async () => (await pop.deadLetters(group)).length === 1, 'the dead letter');
      expect(reasonsOf(await pop.deadLetters(group))).toEqual(['dead: no such customer']);
      const { items } = await pop.admin.deadLetters.list(group);
      expect(items.map(({ reason }) => reason)).toEqual(['no such customer']);
      await until(async () => (await pop.waiting(group, topic)) === 0, 'the acknowledgements');
      expect(seen.filter((body) => body === 'dead')).toHaveLength(1);
      await consumer.close();
    },
    40_000,
  );
});
