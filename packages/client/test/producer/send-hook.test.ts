import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { unique } from '@rocketnest/testing';
import { type AttemptContext, type EndTransactionContext, Producer, TransactionProducer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('send hooks', () => {
  let cluster: TestCluster;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(() => cluster.close());

  const options = () => ({ namesrvAddr: cluster.namesrvAddr, group: unique('producers') });
  async function started<P extends Producer>(producer: P): Promise<P> {
    open.push(producer);
    await producer.start();
    return producer;
  }

  it.each(['send', 'sendOneway'] as const)('may forbid an attempt of %s, which rejects with its error', async (way) => {
    const topic = await cluster.topic(1);
    const seen: AttemptContext[] = [];
    const forbidden = new Error('not today');
    const producer = await started(
      new Producer({
        ...options(),
        hooks: [
          {
            checkForbidden: (context) => {
              seen.push(context);
              if (context.properties['TAGS'] === 'secret') throw forbidden;
            },
          },
        ],
      }),
    );
    await expect(producer[way]({ topic, body: 'x', tags: 'secret' })).rejects.toBe(forbidden);
    await producer.send({ topic, body: 'y' });
    expect((await cluster.messages(topic)).map((message) => message.body.toString())).toEqual(['y']);
    expect(seen).toHaveLength(2);
    expect(seen[1]).toMatchObject({
      group: producer.group,
      topic,
      kind: 'normal',
      bodyBytes: 1,
      queue: { topic, queueId: 0 },
      brokerAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it('see one-way sends, which end without a result', async () => {
    const topic = await cluster.topic(1);
    const events: unknown[] = [];
    const producer = await started(
      new Producer({
        ...options(),
        hooks: [
          {
            beforeSend: ({ kind }) => events.push(kind),
            afterSend: (_, outcome) => events.push(Object.keys(outcome)),
          },
        ],
      }),
    );
    await producer.sendOneway({ topic, body: 'x' });
    expect(events).toEqual(['normal', ['elapsedMs']]);
  });

  it('are told what became of a transaction', async () => {
    const topic = await cluster.topic(1);
    const seen: EndTransactionContext[] = [];
    const producer = await started(
      new TransactionProducer({
        ...options(),
        checker: () => 'COMMIT',
        hooks: [{ endTransaction: (context) => seen.push(context) }],
      }),
    );
    const { transactionId } = await producer.sendInTransaction({ topic, body: 'x', keys: 'k' }, () => 'COMMIT');
    await producer.sendInTransaction({ topic, body: 'y' }, () => 'ROLLBACK');
    expect(seen).toMatchObject([
      {
        group: producer.group,
        topic,
        msgId: transactionId,
        transactionId,
        state: 'COMMIT',
        fromTransactionCheck: false,
        properties: { KEYS: 'k' },
      },
      { state: 'ROLLBACK' },
    ]);
  });

  it('see names without the namespace', async () => {
    const namespace = unique('ns');
    await cluster.admin.topics.create({ topic: `${namespace}%orders`, queues: 1 });
    const seen: object[] = [];
    const producer = await started(
      new TransactionProducer({
        ...options(),
        namespace,
        checker: () => 'COMMIT',
        hooks: [
          {
            beforeSend: ({ topic, group }) => seen.push({ topic, group }),
            checkForbidden: ({ topic, group, queue }) => seen.push({ topic, group, of: queue.topic }),
            endTransaction: ({ topic, group, state }) => seen.push({ topic, group, state }),
          },
        ],
      }),
    );
    const { group } = producer;
    await producer.sendInTransaction({ topic: 'orders', body: 'x' }, () => 'COMMIT');
    expect(seen).toEqual([
      { topic: 'orders', group },
      { topic: 'orders', group, of: 'orders' },
      { topic: 'orders', group, state: 'COMMIT' },
    ]);
  });

  it('must be functions', () => {
    expect(() => new Producer({ ...options(), hooks: [{ checkForbidden: 'no' as never }] })).toThrow(
      ConfigurationError,
    );
  });
});
