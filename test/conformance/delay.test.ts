import { describe, expect, it } from '@jest/globals';
import { ResponseError } from '@rocketnest/client';
import { only5, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

describe('a delayed message', () => {
  it('arrives after the time of its level, as the message it was', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    await producer.send({ topic, body: 'level 5', delayLevel: 5, tags: 't', keys: 'k' });
    await producer.send({ topic, body: 'at once' });

    const [first, second] = await inbox.until(2);
    expect(first!.body.toString()).toBe('at once');
    expect(second).toMatchObject({ topic, properties: { TAGS: 't', KEYS: 'k' } });
    expect(second!.storeTimestamp - second!.bornTimestamp).toBeGreaterThanOrEqual(2_900);
    expect(second!.body.toString()).toBe('level 5');
  });

  only5('arrives after so many ms, or at a time', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    const before = Date.now();
    await producer.send({ topic, body: 'delay', delayMs: 3_000 });
    await producer.send({ topic, body: 'deliver at', deliverAt: new Date(before + 3_000) });
    await producer.send({ topic, body: 'the past', deliverAt: before - 60_000 });

    const messages = await inbox.until(3);
    expect(inbox.bodies[0]).toBe('the past');
    // brokers keep seconds, and may be up to one early
    for (const { storeTimestamp } of messages.slice(1)) expect(storeTimestamp - before).toBeGreaterThanOrEqual(2_000);
  });

  only5('does not arrive once it is recalled, and cannot be recalled twice', async () => {
    const topic = await cluster.topic(1);
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);
    const sent = await producer.send({ topic, body: 'recalled', delayMs: 6_000 });
    const later = await producer.send({ topic, body: 'kept', delayMs: 7_000 });
    expect(later.recallHandle).toBeDefined();

    expect(await producer.recall(topic, sent.recallHandle!)).toBe(sent.msgId);
    await inbox.until(1, { timeoutMs: PATIENCE_MS });
    expect(inbox.bodies).toEqual(['kept']);
    await expect(producer.recall(topic, sent.recallHandle!)).rejects.toThrow(ResponseError);
  });
});
