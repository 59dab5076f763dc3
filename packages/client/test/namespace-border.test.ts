import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type MessageExt, NoRouteError } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { type ConsumeContext, type MessageQueue, Producer, PushConsumer, TransactionProducer } from '../src/index.js';
import { TestCluster } from './support/cluster.js';

const namespace = 'MQ_INST_tenant';

describe('components with a namespace', () => {
  let cluster: TestCluster;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start({ broker: { transactionTimeOut: 500, transactionCheckInterval: 500 } });
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => cluster.close());

  /** A new topic of the namespace, as its users name it. */
  async function newTopic(): Promise<string> {
    const topic = unique('orders');
    await cluster.admin.topics.create({ topic: `${namespace}%${topic}`, queues: 2 });
    return topic;
  }
  async function startProducer(): Promise<Producer> {
    const producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), namespace });
    open.push(producer);
    await producer.start();
    return producer;
  }

  it('send to the topic of the namespace and answer with the name the user gave', async () => {
    const topic = await newTopic();
    const producer = await startProducer();
    const offered: MessageQueue[] = [];
    const results = [
      await producer.send({ topic, body: 'one' }),
      await producer.send([
        { topic, body: 'two' },
        { topic, body: 'three' },
      ]),
      await producer.send(
        { topic, body: 'four' },
        {
          selector: (queues, message) => {
            expect(message.topic).toBe(topic);
            offered.push(...queues);
            return queues[1]!;
          },
        },
      ),
    ];
    const queues = await producer.publishQueues(topic);
    results.push(await producer.send({ topic, body: 'five' }, { queue: queues[0]! }));
    await producer.sendOneway({ topic, body: 'six' });

    expect(new Set(results.map(({ queue }) => queue.topic))).toEqual(new Set([topic]));
    expect(queues.map((queue) => queue.topic)).toEqual([topic, topic]);
    expect(offered).toEqual(queues);
    const stored = await waitFor(async () => {
      const all = await cluster.messages(`${namespace}%${topic}`);
      return all.length === 6 ? all : undefined;
    });
    expect(stored.map(({ body }) => body.toString()).sort()).toEqual(['five', 'four', 'one', 'six', 'three', 'two']);
  });

  it('explain errors with the name the user gave, and where it differs on the brokers', async () => {
    const producer = await startProducer();
    const topic = unique('missing').replaceAll('_', '-');
    const failure = producer.send({ topic, body: 'x' }, { queue: { topic, brokerName: 'nobody', queueId: 0 } });
    const error = (await failure.catch((reason) => reason)) as NoRouteError;
    expect(error).toBeInstanceOf(NoRouteError);
    expect(error.context['topic']).toBe(topic);
    expect(error.message).toContain(topic);
    expect(error.message).not.toContain(`${namespace}%${topic}`);
    expect(error.message).toMatch(new RegExp(`on the brokers the name begins with ${namespace}%\\)$`));
  });

  it('consume with the names the user gave: messages, contexts, retries and dead letters', async () => {
    const topic = await newTopic();
    const group = unique('billing');
    const seen: { message: MessageExt; topic: string; context: ConsumeContext; attempt: number }[] = [];
    const failures: string[] = [];
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      namespace,
      consumeFrom: 'FIRST_OFFSET',
      maxReconsumeTimes: 1,
      onError: (_, info) => failures.push(`${info.group} ${info.topic}`),
    });
    open.push(consumer);
    consumer.subscribe(topic).listen(([message], context) => {
      seen.push({ message: message!, topic: message!.topic, context, attempt: message!.reconsumeTimes });
      if (message!.body.toString() === 'bad') throw new Error('no');
    });
    await consumer.start();
    const producer = await startProducer();
    await producer.send({ topic, body: 'good' });
    await producer.send({ topic, body: 'bad' });
    await waitFor(() => seen.some(({ attempt }) => attempt === 1), { timeoutMs: 60_000, what: 'the retry' });

    expect(seen.map((each) => each.topic)).toEqual([topic, topic, topic]);
    expect(seen.map(({ context }) => context.group)).toEqual([group, group, group]);
    expect(seen.map(({ context }) => context.queue.topic).sort()).toEqual([`%RETRY%${group}`, topic, topic].sort());
    expect(new Set(consumer.assignment.map((queue) => queue.topic))).toEqual(new Set([topic, `%RETRY%${group}`]));
    expect(new Set(failures)).toEqual(new Set([`${group} ${topic}`]));
    const dead = await waitFor(
      async () => {
        const found = await cluster.messages(`%DLQ%${namespace}%${group}`).catch(() => []);
        return found.length === 1 ? found[0] : undefined;
      },
      { timeoutMs: 30_000, what: 'the dead letter' },
    );
    expect(dead.properties['RETRY_TOPIC']).toBe(`${namespace}%${topic}`);
  });

  it('keep tenants apart who use the same names', async () => {
    const topic = await newTopic();
    await cluster.admin.topics.create({ topic, queues: 1 });
    const group = unique('g');
    const [inside, outside]: [string[], string[]] = [[], []];
    for (const [options, bodies] of [
      [{ namespace }, inside],
      [{}, outside],
    ] as const) {
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group,
        consumeFrom: 'FIRST_OFFSET',
        ...options,
      });
      open.push(consumer);
      consumer.subscribe(topic).listen((messages) => {
        for (const { body } of messages) bodies.push(body.toString());
      });
      await consumer.start();
    }
    const plain = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p') });
    open.push(plain);
    await plain.start();
    await plain.send({ topic, body: 'outside' });
    await (await startProducer()).send({ topic, body: 'inside' });
    await waitFor(() => inside.length > 0 && outside.length > 0, { timeoutMs: 30_000 });
    expect([inside, outside]).toEqual([['inside'], ['outside']]);
  });

  it('commit, roll back and are asked about transactions', async () => {
    const topic = await newTopic();
    const asked: string[] = [];
    const producer = new TransactionProducer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('tx'),
      namespace,
      checker: (message) => {
        asked.push(message.topic);
        return 'COMMIT';
      },
    });
    open.push(producer);
    await producer.start();
    const topics: string[] = [];
    for (const [body, state] of [
      ['kept', 'COMMIT'],
      ['dropped', 'ROLLBACK'],
      ['later', 'UNKNOWN'],
    ] as const) {
      const result = await producer.sendInTransaction({ topic, body }, (half) => {
        topics.push(half.topic);
        return state;
      });
      expect(result).toMatchObject({ state, queue: { topic } });
    }
    const bodies = await waitFor(
      async () => {
        const stored = await cluster.messages(`${namespace}%${topic}`);
        return stored.length === 2 ? stored.map(({ body }) => body.toString()).sort() : undefined;
      },
      { timeoutMs: 30_000, what: 'the decision of the checker' },
    );
    expect(bodies).toEqual(['kept', 'later']);
    expect([topics, asked]).toEqual([[topic, topic, topic], [topic]]);
  });
});
