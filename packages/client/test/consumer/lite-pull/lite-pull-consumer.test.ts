import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClosedError, ConfigurationError, ConnectionError, type MessageExt, ResponseError } from '@rocketnest/protocol';
import { LitePullConsumer, type LitePullConsumerOptions } from '../../../src/consumer/index.js';
import { type MessageQueue, queueOf } from '../../../src/message-queue.js';
import { bodyOf, range, Testbed, unique, until } from '../testbed.js';

describe('LitePullConsumer', () => {
  let bed: Testbed;
  const open: LitePullConsumer[] = [];
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(async () => {
    for (const consumer of open.splice(0)) await consumer.close();
    await bed.close();
  });

  function create(options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer {
    const consumer = new LitePullConsumer({
      namesrvAddr: bed.namesrvAddr,
      group: unique('group'),
      consumeFrom: 'FIRST_OFFSET',
      autoCommitIntervalMs: 50,
      ...options,
    });
    open.push(consumer);
    return consumer;
  }

  async function started(topic: string, options: Partial<LitePullConsumerOptions> = {}): Promise<LitePullConsumer> {
    const consumer = create(options).subscribe(topic);
    await consumer.start();
    return consumer;
  }

  async function queuesOf(topic: string): Promise<readonly MessageQueue[]> {
    return (await bed.instance.routes.find(topic)).subscribeQueues;
  }

  /** Polls until so many messages came. */
  async function read(consumer: LitePullConsumer, count: number): Promise<MessageExt[]> {
    const messages: MessageExt[] = [];
    await until(async () => {
      messages.push(...(await consumer.poll(1_000)));
      return messages.length >= count;
    }, `${count} messages are polled`);
    return messages;
  }

  /** The next batch, however long it takes. */
  async function batchOf(consumer: LitePullConsumer): Promise<MessageExt[]> {
    let batch: MessageExt[] = [];
    await until(async () => {
      batch = await consumer.poll(1_000);
      return batch.length > 0;
    }, 'a batch');
    return batch;
  }

  /** Messages that wait for poll(), as consoles see it. */
  async function prefetched(consumer: LitePullConsumer): Promise<number> {
    const info = await consumer.instance.consumer(consumer.group)!.runningInfo();
    return info.mqTable.reduce((sum, queue) => sum + queue.cachedMsgCount, 0);
  }

  describe('subscribed', () => {
    it('hands every message of every queue out once, in batches of one queue, in order', async () => {
      const topic = await bed.topic(3);
      for (let queueId = 0; queueId < 3; queueId++) await bed.send(topic, queueId, range(25, `q${queueId}-`));
      const consumer = await started(topic);
      expect(consumer.assignment).toHaveLength(3);
      const seen: string[] = [];
      while (seen.length < 75) {
        const batch = await batchOf(consumer);
        expect(batch.length).toBeLessThanOrEqual(10);
        expect(new Set(batch.map((message) => message.queueId)).size).toBe(1);
        seen.push(...batch.map(bodyOf));
      }
      for (const queueId of [0, 1, 2]) {
        expect(seen.filter((body) => body.startsWith(`q${queueId}-`))).toEqual(range(25, `q${queueId}-`));
      }
      expect(await consumer.poll(0)).toEqual([]);
    });

    it('waits for messages that are sent later, and no longer than it was told', async () => {
      const topic = await bed.topic(1);
      const consumer = await started(topic);
      const began = Date.now();
      expect(await consumer.poll(100)).toEqual([]);
      expect(Date.now() - began).toBeGreaterThanOrEqual(95);
      const polled = consumer.poll(10_000);
      await bed.send(topic, 0, ['late']);
      expect((await polled).map(bodyOf)).toEqual(['late']);
    });

    it('stops waiting when its signal is aborted', async () => {
      const consumer = await started(await bed.topic(1));
      const abort = new AbortController();
      const polled = consumer.poll(60_000, { signal: abort.signal });
      abort.abort(new Error('enough'));
      await expect(polled).rejects.toThrow('enough');
      await expect(consumer.poll(60_000, { signal: abort.signal })).rejects.toThrow('enough');
    });

    it('filters by tags and by properties', async () => {
      const topic = await bed.topic(1);
      // "Aa" and "BB" have the same hash code, which is all the broker compares.
      for (const tag of ['Aa', 'BB', 'Aa']) await bed.send(topic, 0, [`tagged ${tag}`], tag);
      await bed.producer.send({ topic, body: 'cheap', properties: { amount: '5' } });
      await bed.producer.send({ topic, body: 'dear', properties: { amount: '500' } });
      const byTag = create().subscribe(topic, 'Aa');
      const bySql = create().subscribe(topic, { sql92: 'amount > 100' });
      await Promise.all([byTag.start(), bySql.start()]);
      expect((await read(byTag, 2)).map(bodyOf)).toEqual(['tagged Aa', 'tagged Aa']);
      expect((await read(bySql, 1)).map(bodyOf)).toEqual(['dear']);
      const wrong = create().subscribe(topic, { sql92: 'amount >' });
      await expect(wrong.start()).rejects.toThrow(ResponseError);
    });

    it('shares the queues of a topic with other members, which take over when one leaves', async () => {
      const topic = await bed.topic(4);
      const group = unique('group');
      const shares: (readonly MessageQueue[])[] = [];
      const first = create({ group }).subscribe(topic, '*', (changed, all, assigned) => {
        expect([changed, all.length]).toEqual([topic, 4]);
        shares.push(assigned);
      });
      await first.start();
      expect(first.assignment).toHaveLength(4);
      const second = await started(topic, { group });
      await until(() => first.assignment.length === 2 && second.assignment.length === 2, 'two queues each');
      await second.close();
      await until(() => first.assignment.length === 4, 'all queues are taken over');
      expect(shares.map((share) => share.length)).toEqual([4, 2, 4]);
      for (let queueId = 0; queueId < 4; queueId++) await bed.send(topic, queueId, ['x']);
      expect(await read(first, 4)).toHaveLength(4);
    });

    it('adds and gives up topics while it runs', async () => {
      const [one, two] = [await bed.topic(1), await bed.topic(1)];
      const consumer = await started(one);
      await bed.send(two, 0, ['two']);
      consumer.subscribe(two);
      expect((await batchOf(consumer)).map(bodyOf)).toEqual(['two']);
      consumer.unsubscribe(two);
      await until(() => consumer.assignment.every(({ topic }) => topic === one), 'the topic is given up');
    });

    it('hands out what every member of a broadcasting group gets, and goes on after a restart', async () => {
      const topic = await bed.topic(2);
      await bed.send(topic, 0, range(5));
      const shared = {
        group: unique('group'),
        messageModel: 'BROADCASTING' as const,
        localOffsetStoreDir: await bed.tempDir(),
      };
      const members = [
        await started(topic, { ...shared, instanceName: unique('a') }),
        await started(topic, { ...shared, instanceName: unique('b') }),
      ];
      for (const member of members) expect((await read(member, 5)).map(bodyOf)).toEqual(range(5));
      const { instanceName } = members[0]!.options;
      await members[0]!.commit();
      expect(await members[0]!.committed((await queuesOf(topic))[0]!)).toBe(5);
      await members[0]!.close();
      await bed.send(topic, 0, ['more']);
      const again = await started(topic, { ...shared, instanceName });
      expect((await read(again, 1)).map(bodyOf)).toEqual(['more']);
    });
  });

  describe('assigned', () => {
    it('reads the named queues from where it is told, whatever others of the group do', async () => {
      const topic = await bed.topic(2);
      await bed.send(topic, 0, range(10, 'a'));
      await bed.send(topic, 1, range(10, 'b'));
      const consumer = create();
      await consumer.start();
      const [first, second] = await consumer.fetchMessageQueues(topic);
      consumer.assign([first!]);
      await consumer.seek(first!, 7);
      expect((await read(consumer, 3)).map(bodyOf)).toEqual(['a7', 'a8', 'a9']);
      consumer.assign([second!]);
      expect(consumer.assignment).toEqual([second]);
      expect((await read(consumer, 10)).map(bodyOf)).toEqual(range(10, 'b'));
      expect(consumer.position(second!)).toBe(10);
      expect(consumer.position(first!)).toBeNull();
    });

    it('may be told its queues and their filter before it starts', async () => {
      const topic = await bed.topic(1);
      await bed.send(topic, 0, ['no'], 'X');
      await bed.send(topic, 0, ['yes'], 'Y');
      await bed.producer.send({ topic, body: 'dear', properties: { amount: '500' } });
      const queues = await queuesOf(topic);
      const byTag = create().setSubExpressionForAssign(topic, 'Y').assign(queues);
      const bySql = create().setSubExpressionForAssign(topic, { sql92: 'amount > 100' }).assign(queues);
      await Promise.all([byTag.start(), bySql.start()]);
      expect((await read(byTag, 1)).map(bodyOf)).toEqual(['yes']);
      expect((await read(bySql, 1)).map(bodyOf)).toEqual(['dear']);
    });

    it('starts where consumeFrom says, or at the committed offset', async () => {
      const topic = await bed.topic(1);
      const [queue] = await queuesOf(topic);
      await bed.send(topic, 0, range(3, 'old'));
      const group = unique('group');
      const latest = create({ group, consumeFrom: 'LAST_OFFSET' }).assign([queue!]);
      await latest.start();
      await until(() => latest.position(queue!) === 3, 'the start is known');
      await bed.send(topic, 0, range(3, 'new'));
      expect((await read(latest, 3)).map(bodyOf)).toEqual(range(3, 'new'));
      await latest.commit(new Map([[queue!, 4]]));
      await latest.close();
      const again = create({ group }).assign([queue!]);
      await again.start();
      expect((await read(again, 2)).map(bodyOf)).toEqual(['new1', 'new2']);
    });

    it('cannot be mixed with subscriptions', () => {
      const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
      expect(() => create().subscribe('orders').assign([queue])).toThrow(/uses subscribe\(\) here/);
      expect(() => create().assign([queue]).subscribe('orders')).toThrow(/uses assign\(\) here/);
      expect(() => create().assign([])).toThrow(/fetchMessageQueues/);
    });
  });

  describe('offsets', () => {
    it('commits what was handed out once the next batch is asked for', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(15));
      const consumer = await started(topic, { group });
      expect(await batchOf(consumer)).toHaveLength(10);
      expect(await batchOf(consumer)).toHaveLength(5);
      await until(async () => (await bed.committedOffset(group, topic, 0)) === 10, 'the first batch is committed');
      await consumer.close();
      expect(await bed.committedOffset(group, topic, 0)).toBe(10);
      const again = await started(topic, { group });
      expect((await read(again, 5)).map(bodyOf)).toEqual(range(15).slice(10));
      await again.commit();
      expect(await bed.committedOffset(group, topic, 0)).toBe(15);
    });

    it('commits what no tag matched, but not past messages that are being worked on', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, ['wanted'], 'A');
      await bed.send(topic, 0, range(3, 'other'), 'B');
      const consumer = create({ group }).subscribe(topic, 'A');
      await consumer.start();
      expect((await batchOf(consumer)).map(bodyOf)).toEqual(['wanted']);
      await until(() => consumer.position(consumer.assignment[0]!) === 4, 'the others are passed over');
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await bed.committedOffset(group, topic, 0)).toBe(0);
      expect(await consumer.poll(0)).toEqual([]);
      await until(async () => (await bed.committedOffset(group, topic, 0)) === 4, 'all is committed');
    });

    it('commits nothing but what it is told without autoCommit', async () => {
      const topic = await bed.topic(2);
      const group = unique('group');
      await bed.send(topic, 0, range(10));
      await bed.send(topic, 1, range(10));
      const [zero, one] = await queuesOf(topic);
      const consumer = await started(topic, { group, autoCommit: false });
      await read(consumer, 20);
      expect(await consumer.committed(zero!)).toBe(0);
      await consumer.commit([zero!]);
      expect([await consumer.committed(zero!), await consumer.committed(one!)]).toEqual([10, 0]);
      await consumer.commit(new Map([[one!, 4]]), { persist: false });
      await until(async () => (await consumer.committed(one!)) === 4, 'the noted offset is written');
      await consumer.commit();
      expect([await consumer.committed(zero!), await consumer.committed(one!)]).toEqual([10, 10]);
      await expect(consumer.commit(new Map([[one!, -1]]))).rejects.toThrow(/must be an integer >= 0/);
      // A queue that went to another member: the others are committed all the same.
      await consumer.commit(
        new Map([
          [{ ...one!, queueId: 9 }, 3],
          [zero!, 9],
        ]),
      );
      expect(await consumer.committed(zero!)).toBe(9);
    });

    it('seeks to any offset, the ends and times', async () => {
      const topic = await bed.topic(1);
      await bed.send(topic, 0, range(30, 'old'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const between = new Date();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await bed.send(topic, 0, range(3, 'new'));
      const consumer = await started(topic);
      const [queue] = consumer.assignment;
      expect(bodyOf((await batchOf(consumer))[0]!)).toBe('old0');
      await consumer.seek(queue!, 28);
      expect((await read(consumer, 5)).map(bodyOf)).toEqual(['old28', 'old29', ...range(3, 'new')]);
      await consumer.seekToBegin(queue!);
      expect(bodyOf((await batchOf(consumer))[0]!)).toBe('old0');
      await consumer.seek(queue!, await consumer.offsetForTimestamp(queue!, between));
      expect((await read(consumer, 3)).map(bodyOf)).toEqual(range(3, 'new'));
      await consumer.seek(queue!, 5);
      await consumer.seekToEnd(queue!);
      expect(consumer.position(queue!)).toBe(33);
      await bed.send(topic, 0, ['last']);
      expect((await batchOf(consumer)).map(bodyOf)).toEqual(['last']);
      await expect(consumer.seek(queue!, 35)).rejects.toThrow(/has no offset 35: seek to 0 .* 34/);
      await expect(consumer.seek({ ...queue!, queueId: 7 }, 0)).rejects.toThrow(/not assigned/);
    });

    it('goes on where the broker says when its offset is not there', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(3));
      const [queue] = await queuesOf(topic);
      await (await started(topic, { group })).close();
      const fields = { consumerGroup: group, topic, queueId: 0, commitOffset: 1_000, bname: queue!.brokerName };
      await bed.instance.api.updateConsumerOffset(await bed.brokerAddress(), fields);
      const consumer = await started(topic, { group });
      await until(() => consumer.position(queue!) === 3, 'the position is corrected');
      await bed.send(topic, 0, ['next']);
      expect((await batchOf(consumer)).map(bodyOf)).toEqual(['next']);
    });
  });

  it('neither pulls paused queues nor hands their messages out', async () => {
    const topic = await bed.topic(2);
    const consumer = await started(topic);
    const [zero, one] = consumer.assignment;
    consumer.pause([zero!]);
    expect([consumer.isPaused(zero!), consumer.isPaused(one!)]).toEqual([true, false]);
    await bed.send(topic, 0, ['zero']);
    await bed.send(topic, 1, ['one']);
    expect((await batchOf(consumer)).map(bodyOf)).toEqual(['one']);
    expect(await consumer.poll(300)).toEqual([]);
    consumer.resume([zero!]);
    expect((await batchOf(consumer)).map(bodyOf)).toEqual(['zero']);
  });

  it('stops pulling while too many messages wait, of one queue or of all, and goes on afterwards', async () => {
    const topic = await bed.topic(2);
    await bed.send(topic, 0, range(60, 'a'));
    await bed.send(topic, 1, range(60, 'b'));
    for (const limit of [{ pullThresholdForQueue: 12 }, { pullThresholdForAll: 12 }, { consumeMaxSpan: 12 }]) {
      const consumer = await started(topic, { ...limit, pullBatchSize: 5 });
      expect(await read(consumer, 120)).toHaveLength(120);
      const [queue] = consumer.assignment;
      await consumer.seekToBegin(queue!);
      // Nobody polls: no more is prefetched than the limit and one pull.
      await until(async () => (await prefetched(consumer)) > 12, 'the limit is reached');
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await prefetched(consumer)).toBeLessThanOrEqual(12 + 5);
      expect((await read(consumer, 60)).map(bodyOf)).toEqual(range(60, queue!.queueId === 0 ? 'a' : 'b'));
      await consumer.close();
    }
  });

  it('lets a listener seek in the share that start() brings', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(3, 'm'));
    const seeks: Promise<void>[] = [];
    const consumer = create({ consumeFrom: 'LAST_OFFSET' }).subscribe(topic, '*', (_topic, _all, assigned) => {
      for (const queue of assigned) seeks.push(consumer.seekToBegin(queue));
    });
    await consumer.start();
    await Promise.all(seeks);
    expect((await read(consumer, 3)).map(bodyOf)).toEqual(range(3, 'm'));
  });

  describe('as an async iterator', () => {
    it('yields batches until it is closed; close waits for the body and commits its batch', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(15));
      const consumer = await started(topic, { group });
      const seen: string[] = [];
      let closed: Promise<void> | undefined;
      for await (const batch of consumer) {
        seen.push(...batch.map(bodyOf));
        if (seen.length === 15) {
          closed = consumer.close();
          await new Promise((resolve) => setTimeout(resolve, 100));
          seen.push('worked');
        }
      }
      expect(seen).toEqual([...range(15), 'worked']);
      await closed;
      expect(await bed.committedOffset(group, topic, 0)).toBe(15);
    });

    it('ends while it waits for messages when the consumer is closed', async () => {
      const consumer = await started(await bed.topic(1));
      const loop = consumer[Symbol.asyncIterator]();
      const next = loop.next();
      await consumer.close();
      expect(await next).toEqual({ done: true, value: undefined });
      expect(await loop.next()).toEqual({ done: true, value: undefined });
    });

    it('does not commit the batch of a body that threw', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(15));
      const consumer = await started(topic, { group });
      let batches = 0;
      const failing = async () => {
        for await (const _ of consumer) if (++batches === 2) throw new Error('poison');
      };
      await expect(failing()).rejects.toThrow('poison');
      await consumer.close();
      expect(await bed.committedOffset(group, topic, 0)).toBe(10);
    });

    it('reads a failed batch again when it is sought back', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(5));
      const consumer = await started(topic, { group });
      const [first] = await batchOf(consumer);
      await consumer.seek(queueOf(first!), first!.queueOffset);
      expect((await batchOf(consumer)).map(bodyOf)).toEqual(range(5));
      expect(await bed.committedOffset(group, topic, 0)).toBe(0);
      await consumer.commit(new Map([[queueOf(first!), first!.queueOffset + 1]]));
      expect(await bed.committedOffset(group, topic, 0)).toBe(1);
    });

    it('gives up waiting for a body after shutdownTimeoutMs', async () => {
      const topic = await bed.topic(1);
      const group = unique('group');
      await bed.send(topic, 0, range(5));
      const consumer = await started(topic, { group, shutdownTimeoutMs: 100 });
      const loop = consumer[Symbol.asyncIterator]();
      expect((await loop.next()).value).toHaveLength(5);
      await consumer.close();
      expect(await bed.committedOffset(group, topic, 0)).toBe(0);
    });

    it('may be left and read on', async () => {
      const topic = await bed.topic(1);
      await bed.send(topic, 0, range(15));
      const consumer = await started(topic);
      for await (const batch of consumer) {
        expect(batch).toHaveLength(10);
        break;
      }
      expect((await read(consumer, 5)).map(bodyOf)).toEqual(range(15).slice(10));
    });
  });

  it('is read in one place at a time, unless offsets are committed by hand', async () => {
    const topic = await bed.topic(1);
    const consumer = await started(topic);
    const waiting = consumer.poll(60_000);
    await expect(consumer.poll()).rejects.toThrow(/another poll\(\) is waiting/);
    await bed.send(topic, 0, ['x']);
    await waiting;
    const loop = consumer[Symbol.asyncIterator]();
    await expect(consumer.poll()).rejects.toThrow(/`for await` loop/);
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(/another loop/);
    await loop.return!();
    expect(await consumer.poll(0)).toEqual([]);

    const byHand = await started(topic, { autoCommit: false, pullBatchSize: 1 });
    const polls = [byHand.poll(60_000), byHand.poll(60_000)];
    await bed.send(topic, 0, ['y']);
    expect((await Promise.all(polls)).flat().map(bodyOf)).toEqual(['x', 'y']);
  });

  it('shares an instance with other groups, and refuses a second consumer of its own', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, ['x']);
    const group = unique('group');
    const consumers = [group, unique('group'), group].map((name) =>
      new LitePullConsumer({ group: name, consumeFrom: 'FIRST_OFFSET' }, bed.instance).subscribe(topic),
    );
    open.push(...consumers);
    const [one, two, third] = consumers as [LitePullConsumer, LitePullConsumer, LitePullConsumer];
    await Promise.all([one.start(), two.start()]);
    await expect(third.start()).rejects.toThrow(/already has a consumer of group/);
    for (const consumer of [one, two]) expect((await read(consumer, 1)).map(bodyOf)).toEqual(['x']);
    await Promise.all([one.close(), two.close(), third.close()]);
    expect(bed.instance.closed).toBe(false);
    expect(bed.instance.consumer(group)).toBeUndefined();
  });

  it('calls hooks when messages are handed out and when they are done', async () => {
    const topic = await bed.topic(1);
    await bed.send(topic, 0, range(3));
    const calls: unknown[] = [];
    const consumer = await started(topic, {
      hooks: {
        before: (messages, { queue }) => calls.push(['before', messages.length, queue.topic === topic]),
        after: (messages, _context, { durationMs }) => calls.push(['after', messages.length, durationMs >= 0]),
      },
    });
    await batchOf(consumer);
    expect(calls).toEqual([['before', 3, true]]);
    await consumer.poll(0);
    expect(calls).toEqual([
      ['before', 3, true],
      ['after', 3, true],
    ]);
  });

  it('tells listeners of a topic that gets more queues', async () => {
    const topic = await bed.topic(1);
    const consumer = create({ topicMetadataCheckIntervalMs: 50 });
    const seen: number[] = [];
    const remove = consumer.registerTopicMessageQueueChangeListener(topic, (changed, queues) => {
      expect(changed).toBe(topic);
      seen.push(queues.length);
    });
    await consumer.start();
    await bed.widen(topic, 3);
    await until(() => seen.length > 0, 'the listener is called');
    expect(seen).toEqual([3]);
    remove();
  });

  it('says what is wrong with its options and calls', async () => {
    const options = { namesrvAddr: bed.namesrvAddr, group: unique('group') };
    expect(() => create({ brokerSuspendMaxTimeMs: 5_000, consumerTimeoutMsWhenSuspend: 4_000 })).toThrow(
      /consumerTimeoutMsWhenSuspend" \(4000 ms\) must be at least/,
    );
    expect(() => create({ group: 'DEFAULT_CONSUMER' })).toThrow(/LitePullConsumer option "group"/);
    expect(() => new LitePullConsumer({ ...options, pullBatchSize: 0 })).toThrow(ConfigurationError);
    const consumer = create(options);
    await expect(consumer.poll()).rejects.toThrow(/not started\. Call and await start\(\)/);
    await expect(consumer.commit()).rejects.toThrow(ClosedError);
    await consumer.start();
    await expect(consumer.poll(-1)).rejects.toThrow(/0 or more, got -1/);
    await expect(consumer.fetchMessageQueues('no-such-topic')).rejects.toMatchObject({ code: 'NO_ROUTE' });
    await consumer.close();
    await consumer.close();
    await expect(consumer.poll()).rejects.toThrow(/is closed\. Create a new consumer/);
    await expect(consumer.start()).rejects.toThrow(ClosedError);
    const nowhere = create({ namesrvAddr: '127.0.0.1:1' }).subscribe('orders');
    await expect(nowhere.start()).rejects.toThrow(ConnectionError);
  });
});
