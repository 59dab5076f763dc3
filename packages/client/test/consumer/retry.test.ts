import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dlqTopic, type MessageExt, PropertyName, retryTopic } from '@rocketnest/protocol';
import type { ConsumeErrorInfo } from '../../src/consumer/index.js';
import { bodyOf, LogKeeper, range, Testbed, unique, until } from './testbed.js';

describe('retry', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  /** Bodies that arrive in the dead letter queue of a group. */
  async function deadLetters(group: string, count: number): Promise<MessageExt[]> {
    const seen: MessageExt[] = [];
    const consumer = bed.consumer({ topic: dlqTopic(group), pollNameServerIntervalMs: 200 }, async (messages) => {
      seen.push(...messages);
    });
    await consumer.start();
    await until(() => seen.length >= count, `${count} dead letters`);
    await consumer.close();
    return seen;
  }

  it('delivers a failed message again until it succeeds, under its own topic and id', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, ['fails twice']);
    const seen: { topic: string; msgId: string; reconsumeTimes: number; queueTopic: string }[] = [];
    const group = unique('group');
    const consumer = bed.consumer({ topic, group }, async ([message], context) => {
      const { msgId, reconsumeTimes } = message!;
      seen.push({ topic: message!.topic, msgId, reconsumeTimes, queueTopic: context.queue.topic });
      if (seen.length < 3) throw new Error('not yet');
    });
    await consumer.start();
    await until(() => seen.length === 3, 'three deliveries');
    expect(seen.map((one) => one.reconsumeTimes)).toEqual([0, 1, 2]);
    expect(seen.map((one) => one.topic)).toEqual([topic, topic, topic]);
    expect(new Set(seen.map((one) => one.msgId)).size).toBe(1);
    expect(seen.map((one) => one.queueTopic)).toEqual([topic, retryTopic(group), retryTopic(group)]);
    await consumer.close();
  });

  it('moves a message to the dead letter queue after maxReconsumeTimes repetitions', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['hopeless', 'fine']);
    const attempts: number[] = [];
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, group, maxReconsumeTimes: 2 }, async ([message]) => {
      seen.push(bodyOf(message!));
      if (bodyOf(message!) !== 'hopeless') return;
      attempts.push(message!.reconsumeTimes);
      throw new Error('always');
    });
    await consumer.start();
    const [dead] = await deadLetters(group, 1);
    expect(attempts).toEqual([0, 1, 2]);
    expect(bodyOf(dead!)).toBe('hopeless');
    expect(dead!.properties[PropertyName.RETRY_TOPIC]).toBe(topic);
    expect(seen.filter((body) => body === 'fine')).toHaveLength(1);
    await consumer.close();
  });

  it('moves a message to the dead letter queue at once when the handler says so', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['poison']);
    let deliveries = 0;
    const consumer = bed.consumer({ topic, group }, async () => {
      deliveries++;
      return { action: 'dead-letter' };
    });
    await consumer.start();
    const [dead] = await deadLetters(group, 1);
    expect(bodyOf(dead!)).toBe('poison');
    expect(deliveries).toBe(1);
    await consumer.close();
  });

  it('repeats only the messages of a batch that were not consumed', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(4));
    const seen: string[][] = [];
    const consumer = bed.consumer({ topic, consumeMessageBatchMaxSize: 4 }, async (messages) => {
      seen.push(messages.map(bodyOf));
      return seen.length === 1 ? { action: 'retry', consumed: 3, delayLevel: 1 } : undefined;
    });
    await consumer.start();
    await until(() => seen.length === 2, 'the repetition');
    expect(seen).toEqual([range(4), ['m3']]);
    await consumer.close();
  });

  it('logs an error once with what is needed to find the message, and tells onError', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['bad']);
    const logger = new LogKeeper();
    const errors: { error: unknown; info: ConsumeErrorInfo }[] = [];
    const failure = new Error('no such customer');
    const options = {
      topic,
      group,
      logger,
      onError: (error: unknown, info: ConsumeErrorInfo) => errors.push({ error, info }),
    };
    let calls = 0;
    const consumer = bed.consumer(options, () => {
      // A synchronous throw counts as a rejection does.
      if (calls++ === 0) throw failure;
    });
    await consumer.start();
    await until(() => calls === 2, 'the repetition');
    const [line, ...others] = logger.of('error');
    expect(others).toEqual([]);
    expect(line!.message).toMatch(new RegExp(`group ${group} failed on topic ${topic}, msgId [0-9A-F]{32}, attempt 1`));
    expect(line!.fields).toMatchObject({
      group,
      topic,
      attempt: 1,
      error: failure,
      stack: expect.stringContaining('no such customer'),
    });
    expect(errors).toEqual([
      { error: failure, info: expect.objectContaining({ group, topic, queueId: 0, attempt: 1 }) },
    ]);
    await consumer.close();
  });

  it('treats an unknown action as a failure that explains itself', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, ['m']);
    const logger = new LogKeeper();
    let calls = 0;
    const consumer = bed.consumer({ topic, logger }, async () =>
      calls++ === 0 ? ({ action: 'ignore' } as never) : undefined,
    );
    await consumer.start();
    await until(() => calls === 2, 'the repetition');
    expect(
      String(logger.of('error')[0]?.fields && (logger.of('error')[0]!.fields as { error: unknown }).error),
    ).toMatch(/action "ignore"; known actions are retry, dead-letter, suspend and each/);
    await consumer.close();
  });

  it('acknowledges when a handler returns some value of its own', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['m']);
    let calls = 0;
    const consumer = bed.consumer({ topic, group }, (async () => ({ saved: ++calls })) as never);
    await consumer.start();
    await until(() => calls === 1, 'the delivery');
    await consumer.close();
    expect(await bed.committedOffset(group, topic, 0)).toBe(1);
  });

  it('sends a message back whose handler runs longer than the consume timeout, and commits past it', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    await bed.send(topic, 0, ['stuck', 'next']);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, group, consumeTimeoutMs: 300 }, async ([message]) => {
      seen.push(`${bodyOf(message!)} ${message!.reconsumeTimes}`);
      if (bodyOf(message!) === 'stuck' && message!.reconsumeTimes === 0) await released;
    });
    await consumer.start();
    await until(() => seen.includes('stuck 1'), 'the message comes again');
    release();
    await consumer.close();
    expect(seen.filter((line) => line === 'stuck 1')).toHaveLength(1);
    expect(await bed.committedOffset(group, topic, 0)).toBe(2);
  });
});
