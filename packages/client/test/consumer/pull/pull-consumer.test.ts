import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClosedError, ConfigurationError, dlqTopic, ResponseError, retryTopic } from '@rocketnest/protocol';
import { PullConsumer, type PullConsumerOptions } from '../../../src/consumer/index.js';
import type { MessageQueue } from '../../../src/message-queue.js';
import { bodyOf, range, Testbed, unique, until } from '../testbed.js';

describe('PullConsumer', () => {
  let bed: Testbed;
  const open: PullConsumer[] = [];
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(async () => {
    for (const consumer of open.splice(0)) await consumer.close();
    await bed.close();
  });

  async function started(options: Partial<PullConsumerOptions> = {}): Promise<PullConsumer> {
    const consumer = new PullConsumer({ namesrvAddr: bed.namesrvAddr, group: unique('group'), ...options });
    open.push(consumer);
    await consumer.start();
    return consumer;
  }

  async function queueOf(consumer: PullConsumer, topic: string): Promise<MessageQueue> {
    return (await consumer.fetchSubscribeMessageQueues(topic))[0]!;
  }

  it('pulls from an offset and says where to go on, to the end and beyond', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(10));
    const consumer = await started();
    const queue = await queueOf(consumer, topic);
    const first = await consumer.pull(queue, 2, { maxNums: 3 });
    expect(first.messages.map(bodyOf)).toEqual(['m2', 'm3', 'm4']);
    expect(first).toMatchObject({ status: 'FOUND', nextBeginOffset: 5, minOffset: 0, maxOffset: 10 });
    expect(first.messages[0]).toMatchObject({ topic, queueId: 0, queueOffset: 2, brokerName: queue.brokerName });
    expect(await consumer.pull(queue, 10)).toMatchObject({ status: 'NO_NEW_MSG', nextBeginOffset: 10, messages: [] });
    expect(await consumer.pull(queue, 99)).toMatchObject({ status: 'OFFSET_ILLEGAL', nextBeginOffset: 10 });
  });

  it('filters by tags and by properties', async () => {
    const topic = await bed.topic(1);
    // "Aa" and "BB" have the same hash code, which is all the broker compares.
    for (const tag of ['Aa', 'BB', 'Cc']) await bed.send(topic, 0, [`tagged ${tag}`], tag);
    await bed.producer.send({ topic, body: 'dear', properties: { amount: '500' } });
    const consumer = await started();
    const queue = await queueOf(consumer, topic);
    const byTag = await consumer.pull(queue, 0, { filter: 'Aa' });
    expect(byTag.messages.map(bodyOf)).toEqual(['tagged Aa']);
    const bySql = await consumer.pull(queue, 0, { filter: { sql92: 'amount > 100' } });
    expect(bySql.messages.map(bodyOf)).toEqual(['dear']);
    expect(await consumer.pull(queue, 0, { filter: 'None' })).toMatchObject({
      status: 'NO_MATCHED_MSG',
      nextBeginOffset: 4,
    });
    await expect(consumer.pull(queue, 0, { filter: { sql92: 'amount >' } })).rejects.toThrow(ResponseError);
  });

  it('waits for a message when it is told to', async () => {
    const topic = await bed.topic(1);
    const consumer = await started({ brokerSuspendMaxTimeMs: 8_000, consumerTimeoutMsWhenSuspend: 10_000 });
    const queue = await queueOf(consumer, topic);
    const pulled = consumer.pullBlockIfNotFound(queue, 0);
    await bed.send(topic, 0, ['late']);
    expect((await pulled).messages.map(bodyOf)).toEqual(['late']);
  });

  it('keeps the offsets of the group, in memory first, then at the broker', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(5));
    const group = unique('group');
    const consumer = await started({ group });
    const queue = await queueOf(consumer, topic);
    expect(await consumer.fetchConsumeOffset(queue)).toBeNull();
    consumer.updateConsumeOffset(queue, 3);
    expect(await consumer.fetchConsumeOffset(queue)).toBe(3);
    expect(await consumer.fetchConsumeOffset(queue, true)).toBeNull();
    // Pulling makes the broker known, and the broker the group.
    await consumer.pull(queue, 3);
    await until(async () => {
      await consumer.persistConsumerOffset();
      return (await consumer.fetchConsumeOffset(queue, true)) === 3;
    }, 'the offset is written');
    consumer.updateConsumeOffset(queue, 4);
    await consumer.close();
    expect(await bed.committedOffset(group, topic, 0)).toBe(4);
  });

  it('knows the ends of a queue, and offsets by time', async () => {
    const topic = await bed.topic(1);
    const consumer = await started();
    const queue = await queueOf(consumer, topic);
    expect(await consumer.earliestMsgStoreTime(queue)).toBe(-1);
    const before = Date.now();
    await bed.send(topic, 0, range(3, 'old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const between = new Date();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bed.send(topic, 0, range(2, 'new'));
    expect([await consumer.minOffset(queue), await consumer.maxOffset(queue)]).toEqual([0, 5]);
    expect(await consumer.searchOffset(queue, between)).toBe(3);
    expect(await consumer.earliestMsgStoreTime(queue)).toBeGreaterThanOrEqual(before - 1);
  });

  it('shares the queues of registered topics with other members', async () => {
    const topic = await bed.topic(4);
    const group = unique('group');
    const shares: number[] = [];
    const first = new PullConsumer({ namesrvAddr: bed.namesrvAddr, group });
    open.push(first);
    first.registerMessageQueueListener(topic, (changed, all, assigned) => {
      expect([changed, all.length]).toEqual([topic, 4]);
      shares.push(assigned.length);
    });
    await first.start();
    expect(first.fetchMessageQueuesInBalance(topic)).toHaveLength(4);
    const second = await started({ group, registerTopics: [topic] });
    await until(
      () => [first, second].every((member) => member.fetchMessageQueuesInBalance(topic).length === 2),
      'two queues each',
    );
    await second.close();
    await until(() => shares.length === 3, 'all queues are taken over');
    expect(shares).toEqual([4, 2, 4]);
  });

  it('gives messages back for the group to get again, or to give up', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, ['again', 'dead']);
    const group = unique('group');
    const consumer = await started({ group, registerTopics: [topic] });
    const { messages } = await consumer.pull(await queueOf(consumer, topic), 0);
    await consumer.sendMessageBack(messages[0]!, 1);
    await consumer.sendMessageBack(messages[1]!, -1);
    for (const [name, body] of [
      [retryTopic(group), 'again'],
      [dlqTopic(group), 'dead'],
    ] as const) {
      const found: string[] = [];
      await until(async () => {
        found.length = 0;
        if ((await bed.instance.routes.refresh(name)) === null) return false;
        for (const queue of await consumer.fetchSubscribeMessageQueues(name)) {
          found.push(...(await consumer.pull(queue, 0)).messages.map(bodyOf));
        }
        return found.length > 0;
      }, `the message is in ${name}`);
      expect(found).toEqual([body]);
    }
    await expect(consumer.sendMessageBack(messages[0]!, 1.5)).rejects.toThrow(ConfigurationError);
  });

  it('says what is wrong with its options and calls', async () => {
    const namesrvAddr = bed.namesrvAddr;
    expect(
      () => new PullConsumer({ namesrvAddr, group: 'g', brokerSuspendMaxTimeMs: 9, consumerTimeoutMsWhenSuspend: 8 }),
    ).toThrow(/PullConsumer option "consumerTimeoutMsWhenSuspend" \(8 ms\)/);
    expect(() => new PullConsumer({ namesrvAddr, group: 'DEFAULT_CONSUMER' })).toThrow(/PullConsumer option "group"/);
    expect(() => new PullConsumer({ namesrvAddr, group: 'g', registerTopics: ['no good'] })).toThrow(
      ConfigurationError,
    );
    const queue = { topic: 'orders', brokerName: 'nowhere', queueId: 0 };
    const idle = new PullConsumer({ namesrvAddr, group: unique('group') });
    open.push(idle);
    await expect(idle.pull(queue, 0)).rejects.toThrow(/not started\. Call and await start\(\)/);
    const consumer = await started();
    await expect(consumer.pull(queue, -1)).rejects.toThrow(/must be an integer >= 0, got -1/);
    await expect(consumer.pull(queue, 0, { maxNums: 0 })).rejects.toThrow(/maxNums .* from 1 to 1024, got 0/);
    await expect(consumer.pull(queue, 0)).rejects.toThrow(/No address of broker nowhere/);
    await consumer.close();
    await expect(consumer.pull(queue, 0)).rejects.toThrow(ClosedError);
  });
});
