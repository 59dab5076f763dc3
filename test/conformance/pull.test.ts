import { expect, it } from '@jest/globals';
import {
  LitePullConsumer,
  type LitePullConsumerOptions,
  type MessageExt,
  type MessageQueue,
  PullConsumer,
  queueKey,
} from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const bodies = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());
const range = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Not started. */
function litePull(options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer {
  const consumer = new LitePullConsumer({
    namesrvAddr: cluster.namesrvAddr,
    group: cluster.group(),
    consumeFrom: 'FIRST_OFFSET',
    requestTimeoutMs: 20_000,
    rebalanceIntervalMs: 1_000,
    autoCommitIntervalMs: 200,
    // Apache's brokers tell of a reset with the answer to the next pull.
    brokerSuspendMaxTimeMs: 3_000,
    ...options,
  });
  cluster.closeLater(() => consumer.close());
  return consumer;
}

/** Polls members in turn until so many messages came. */
async function read(count: number, ...members: LitePullConsumer[]): Promise<MessageExt[]> {
  const messages: MessageExt[] = [];
  await waitFor(
    async () => {
      for (const member of members) messages.push(...(await member.poll(200)));
      return messages.length >= count;
    },
    { timeoutMs: PATIENCE_MS, what: `${count} messages` },
  );
  return messages;
}

/** Sends bodies to every queue of the topic: "0-0", "0-1", … to the first one. */
async function fill(topic: string, perQueue: number): Promise<readonly MessageQueue[]> {
  const producer = await cluster.producer();
  const queues = await producer.publishQueues(topic);
  for (const [at, queue] of queues.entries()) {
    for (const body of range(perQueue, `${at}-`)) await producer.send({ topic, body }, { queue });
  }
  return queues;
}

it('polls all messages of a topic once, each queue in order, and goes on where it stopped', async () => {
  const topic = await cluster.topic(2);
  await fill(topic, 15);
  const group = cluster.group();
  const consumer = litePull({ group }).subscribe(topic);
  await consumer.start();
  const messages = await read(60, consumer);
  for (const at of [0, 1, 2, 3]) {
    expect(bodies(messages).filter((body) => body.startsWith(`${at}-`))).toEqual(range(15, `${at}-`));
  }
  await consumer.commit();
  await consumer.close();
  await (await cluster.producer()).send({ topic, body: 'later' });
  const again = litePull({ group }).subscribe(topic);
  await again.start();
  expect(bodies(await read(1, again))).toEqual(['later']);
});

it('filters by tags and by properties, subscribed and assigned', async () => {
  const topic = await cluster.topic(1);
  const producer = await cluster.producer();
  const [queue] = await producer.publishQueues(topic);
  // "Aa" and "BB" have the same hash code, which is all the broker compares.
  for (const tags of ['Aa', 'BB', 'Cc']) await producer.send({ topic, tags, body: tags }, { queue: queue! });
  await producer.send({ topic, body: 'dear', properties: { amount: '500' } }, { queue: queue! });
  for (const [filter, expected] of [
    ['Aa || Cc', ['Aa', 'Cc']],
    [{ sql92: 'amount > 100' }, ['dear']],
  ] as const) {
    const subscribed = litePull().subscribe(topic, filter);
    const assigned = litePull().setSubExpressionForAssign(topic, filter).assign([queue!]);
    for (const consumer of [subscribed, assigned]) {
      await consumer.start();
      expect(bodies(await read(expected.length, consumer))).toEqual(expected);
    }
  }
});

it('shares queues with members that join and leave, and loses no message', async () => {
  const topic = await cluster.topic(2);
  const group = cluster.group();
  const first = litePull({ group }).subscribe(topic);
  await first.start();
  expect(first.assignment).toHaveLength(4);
  const second = litePull({ group }).subscribe(topic);
  await second.start();
  const halves = () => first.assignment.length === 2 && second.assignment.length === 2;
  await waitFor(halves, { timeoutMs: PATIENCE_MS, what: 'two queues each' });
  await fill(topic, 5);
  expect(new Set(bodies(await read(20, first, second))).size).toBe(20);
  await second.commit();
  await second.close();
  await waitFor(() => first.assignment.length === 4, { timeoutMs: PATIENCE_MS, what: 'all queues again' });
});

it('reads assigned queues from any offset, the ends and times', async () => {
  const topic = await cluster.topic(1);
  const [queue] = await fill(topic, 10);
  // Far from the last message and next to the late one: brokers of 4.9 answer with the nearest message, not the first one after.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const between = new Date();
  const producer = await cluster.producer();
  await producer.send({ topic, body: 'late' }, { queue: queue! });

  const consumer = litePull();
  await consumer.start();
  expect((await consumer.fetchMessageQueues(topic)).map(queueKey)).toContain(queueKey(queue!));
  consumer.assign([queue!]);
  await consumer.seek(queue!, 8);
  expect(bodies(await read(3, consumer))).toEqual(['0-8', '0-9', 'late']);
  await consumer.seekToBegin(queue!);
  expect(bodies(await read(11, consumer))).toEqual([...range(10, '0-'), 'late']);
  await consumer.seek(queue!, await consumer.offsetForTimestamp(queue!, between));
  expect(bodies(await read(1, consumer))).toEqual(['late']);
  await consumer.seekToEnd(queue!);
  expect(consumer.position(queue!)).toBe(11);
  await expect(consumer.seek(queue!, 99)).rejects.toThrow(/has no offset 99: seek to 0 .* 11/);
});

it('commits by hand: everything, single queues, given offsets', async () => {
  const topic = await cluster.topic(1);
  const [one, two] = await fill(topic, 10);
  const group = cluster.group();
  const consumer = litePull({ group, autoCommit: false }).subscribe(topic);
  await consumer.start();
  await read(20, consumer);
  expect([await consumer.committed(one!), await consumer.committed(two!)]).toEqual([0, 0]);
  await consumer.commit([one!]);
  await consumer.commit(new Map([[two!, 4]]));
  expect([await consumer.committed(one!), await consumer.committed(two!)]).toEqual([10, 4]);
  await consumer.close();
  const again = litePull({ group }).subscribe(topic);
  await again.start();
  expect(bodies(await read(6, again))).toEqual(range(10, '1-').slice(4));
});

it('pauses queues, and goes on with what was sent meanwhile', async () => {
  const topic = await cluster.topic(1);
  const consumer = litePull().subscribe(topic);
  await consumer.start();
  const [one, two] = consumer.assignment;
  consumer.pause([one!]);
  const producer = await cluster.producer();
  for (const queue of [one!, two!]) await producer.send({ topic, body: queueKey(queue) }, { queue });
  expect(bodies(await read(1, consumer))).toEqual([queueKey(two!)]);
  expect(await consumer.poll(500)).toEqual([]);
  consumer.resume([one!]);
  expect(bodies(await read(1, consumer))).toEqual([queueKey(one!)]);
});

it('is an async iterator, whose loop close() waits for and commits', async () => {
  const topic = await cluster.topic(1);
  const [queue] = await fill(topic, 5);
  const group = cluster.group();
  const consumer = litePull({ group }).subscribe(topic);
  await consumer.start();
  let seen = 0;
  let closed: Promise<void> | undefined;
  for await (const batch of consumer) {
    seen += batch.length;
    if (seen === 10) closed = consumer.close();
  }
  await closed;
  const reader = litePull({ group });
  await reader.start();
  expect(await reader.committed(queue!)).toBe(5);
});

it('is moved by an operator who resets offsets', async () => {
  const topic = await cluster.topic(1);
  await fill(topic, 3);
  const group = cluster.group();
  const consumer = litePull({ group }).subscribe(topic);
  await consumer.start();
  await read(6, consumer);
  await consumer.commit();
  await cluster.admin.offsets.reset({ group, topic, to: 'earliest' });
  expect(bodies(await read(6, consumer)).sort()).toEqual([...range(3, '0-'), ...range(3, '1-')].sort());
});

it('pulls single queues, keeps their offsets, and gives messages back', async () => {
  const topic = await cluster.topic(1);
  const [queue] = await fill(topic, 10);
  const group = cluster.group();
  const options = { namesrvAddr: cluster.namesrvAddr, group, registerTopics: [topic], requestTimeoutMs: 20_000 };
  const consumer = new PullConsumer(options);
  cluster.closeLater(() => consumer.close());
  await consumer.start();
  expect(consumer.fetchMessageQueuesInBalance(topic)).toHaveLength(2);
  const { messages, ...rest } = await consumer.pull(queue!, 4, { maxNums: 2 });
  expect(bodies(messages)).toEqual(['0-4', '0-5']);
  expect(rest).toEqual({ status: 'FOUND', nextBeginOffset: 6, minOffset: 0, maxOffset: 10 });
  expect(await consumer.pull(queue!, 10)).toMatchObject({ status: 'NO_NEW_MSG', nextBeginOffset: 10 });
  expect(await consumer.pull(queue!, 99)).toMatchObject({ status: 'OFFSET_ILLEGAL', nextBeginOffset: 10 });
  expect(await consumer.fetchConsumeOffset(queue!)).toBeNull();
  consumer.updateConsumeOffset(queue!, 6);
  await consumer.persistConsumerOffset();
  expect(await consumer.fetchConsumeOffset(queue!, true)).toBe(6);
  expect([await consumer.minOffset(queue!), await consumer.maxOffset(queue!)]).toEqual([0, 10]);

  const pulled = consumer.pullBlockIfNotFound(queue!, 10);
  await (await cluster.producer()).send({ topic, body: 'new' }, { queue: queue! });
  expect(bodies((await pulled).messages)).toEqual(['new']);

  await consumer.sendMessageBack(messages[0]!, 1);
  await consumer.close();
  const inbox = await cluster.consume(topic, { group });
  const isBack = ({ body, reconsumeTimes }: MessageExt) => body.toString() === '0-4' && reconsumeTimes === 1;
  await waitFor(() => inbox.messages.some(isBack), { timeoutMs: PATIENCE_MS, what: 'the message that was given back' });
});
