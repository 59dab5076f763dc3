import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SystemTopic } from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import { unique, waitFor } from '@rocketnest/testing';
import { type MessageTraceView, Producer, PushConsumer, TransactionProducer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('message trace', () => {
  let cluster: TestCluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await TestCluster.start({
      broker: {
        traceTopicEnable: true,
        recallMessageEnable: true,
        messageDelayLevel: '1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s',
        transactionTimeOut: 100,
        transactionCheckInterval: 200,
      },
    });
    producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('producers'),
      traceEnable: true,
      traceMsgBatchNum: 1,
    });
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  const trace = (msgId: string, complete: (view: MessageTraceView) => boolean): Promise<MessageTraceView> =>
    waitFor(
      async () => {
        const view = await cluster.admin.traces.byMessageId(msgId);
        return complete(view) ? view : undefined;
      },
      { what: `the trace of ${msgId}`, timeoutMs: 30_000 },
    );

  it('shows the send of a message, found by its id and by its key', async () => {
    const topic = await cluster.topic(1);
    const before = Date.now();
    const key = unique('key');
    const sent = await producer.send({ topic, body: 'hello', tags: 'paid', keys: ['first', key] });
    const view = await trace(sent.msgId, ({ sends }) => sends.length > 0);
    expect(view.sends).toEqual([
      {
        type: 'Pub',
        timestamp: expect.any(Number),
        regionId: 'DefaultRegion',
        group: producer.group,
        topic,
        msgId: sent.msgId,
        tags: 'paid',
        keys: `first ${key}`,
        storeHost: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        bodyLength: 5,
        costMs: expect.any(Number),
        messageType: 'Normal',
        offsetMsgId: sent.offsetMsgId,
        success: true,
        clientHost: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
    ]);
    expect(view.sends[0]!.timestamp).toBeGreaterThanOrEqual(before - 1);
    expect(view.explanation).toBeUndefined();
    expect((await cluster.admin.traces.byKey(key)).traces).toEqual([view]);
  });

  it('shows every delivery: who got it, when, how often, how it ended', async () => {
    const topic = await cluster.topic(1);
    const group = unique('group');
    await using consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      consumeFrom: 'FIRST_OFFSET',
      traceEnable: true,
      traceMsgBatchNum: 1,
    });
    let calls = 0;
    consumer.subscribe(topic).listen(() => {
      if (++calls === 1) throw new Error('not yet');
    });
    await consumer.start();
    const { msgId } = await producer.send({ topic, body: 'x', keys: 'k' });
    const view = await trace(msgId, ({ consumptions }) => consumptions[0]?.deliveries.at(-1)?.success === true);
    await consumer.close();
    expect(view.consumptions).toHaveLength(1);
    const [{ group: who, deliveries }] = view.consumptions as [MessageTraceView['consumptions'][number]];
    expect(who).toBe(group);
    expect(deliveries).toMatchObject([
      { success: false, returnType: 'EXCEPTION', retryTimes: 0 },
      { success: true, returnType: 'SUCCESS', retryTimes: 1 },
    ]);
    expect(deliveries[1]!.endedAt).toBeGreaterThanOrEqual(deliveries[1]!.startedAt!);
    expect(consumer.traceStats).toEqual({ recorded: 4, sent: 4, dropped: 0, failed: 0 });
  }, 60_000);

  it('tells the messages of a batch that failed from those that did not', async () => {
    const topic = await cluster.topic(1);
    const [first, second] = (
      await producer.send([
        { topic, body: 'good' },
        { topic, body: 'bad' },
      ])
    ).msgId.split(',') as [string, string];
    await using consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('group'),
      consumeFrom: 'FIRST_OFFSET',
      consumeMessageBatchMaxSize: 2,
      maxReconsumeTimes: 0,
      traceEnable: true,
      traceMsgBatchNum: 1,
    });
    consumer.subscribe(topic).listen((messages) => {
      const failed = messages.filter(({ body }) => body.toString() === 'bad');
      return failed.length === 0 ? undefined : { action: 'retry', failed };
    });
    await consumer.start();
    const deliveries = async (msgId: string) =>
      (await trace(msgId, ({ consumptions }) => consumptions[0]?.deliveries[0]?.success !== undefined)).consumptions[0]!
        .deliveries;
    expect(await deliveries(first)).toMatchObject([{ success: true, returnType: 'SUCCESS' }]);
    expect(await deliveries(second)).toMatchObject([{ success: false, returnType: 'FAILED' }]);
  }, 60_000);

  it('has a record for each message of a batch', async () => {
    const topic = await cluster.topic(1);
    const { msgId } = await producer.send([
      { topic, body: 'one' },
      { topic, body: 'three', tags: 'odd', keys: 'k' },
    ]);
    const [first, second] = msgId.split(',') as [string, string];
    expect((await trace(first, ({ sends }) => sends.length > 0)).sends).toMatchObject([{ bodyLength: 3 }]);
    const view = await trace(second, ({ sends }) => sends.length > 0);
    expect(view.sends).toMatchObject([{ bodyLength: 5, tags: 'odd', keys: 'k' }]);
    expect(view.sends[0]!.offsetMsgId).toMatch(/^[0-9A-F]{32}$/);
  });

  it('shows what a transaction came to, decided at once or when the broker asked', async () => {
    const topic = await cluster.topic(1);
    const group = unique('transactions');
    await using transactions = new TransactionProducer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      traceEnable: true,
      traceMsgBatchNum: 1,
      checker: () => 'ROLLBACK',
    });
    await transactions.start();
    const { msgId } = await transactions.sendInTransaction({ topic, body: 'x', keys: 'k' }, () => 'UNKNOWN');
    const view = await trace(msgId, ({ sends, transactions: decided }) => sends.length > 0 && decided.length >= 2);
    expect(view.sends).toMatchObject([{ messageType: 'Trans', group }]);
    expect(view.transactions).toMatchObject([
      { transactionState: 'UNKNOWN', fromTransactionCheck: false, keys: 'k', group, messageType: 'TransCommit' },
      { transactionState: 'ROLLBACK', fromTransactionCheck: true, transactionId: msgId },
    ]);
  }, 60_000);

  it('shows that a timed message was taken back', async () => {
    const topic = await cluster.topic(1);
    const sent = await producer.send({ topic, body: 'x', delayMs: 60_000 });
    await producer.recall(topic, sent.recallHandle!);
    const view = await trace(sent.msgId, ({ sends, recalls }) => sends.length > 0 && recalls.length > 0);
    expect(view.sends).toMatchObject([{ messageType: 'Delay' }]);
    expect(view.recalls).toMatchObject([{ topic, group: producer.group, success: true, regionId: 'DefaultRegion' }]);
  });

  it('traces consumers that pop', async () => {
    const topic = await cluster.topic(1);
    const group = unique('group');
    await cluster.admin.groups.setRequestMode({ topic, group, mode: 'POP' });
    await using consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      clientRebalance: false,
      consumeFrom: 'FIRST_OFFSET',
      traceEnable: true,
      traceMsgBatchNum: 1,
    });
    consumer.subscribe(topic).listen(() => {});
    await consumer.start();
    const { msgId } = await producer.send({ topic, body: 'x' });
    const view = await trace(msgId, ({ consumptions }) => consumptions[0]?.deliveries[0]?.success === true);
    expect(view.consumptions).toMatchObject([{ group, deliveries: [{ returnType: 'SUCCESS', retryTimes: 0 }] }]);
  }, 60_000);

  it('names topics and groups without their namespace', async () => {
    const namespace = unique('ns');
    const topic = unique('topic');
    await cluster.admin.topics.create({ topic: `${namespace}%${topic}`, queues: 1 });
    const options = { namesrvAddr: cluster.namesrvAddr, namespace, traceEnable: true, traceMsgBatchNum: 1 };
    await using inside = new Producer({ ...options, group: unique('inside') });
    await using consumer = new PushConsumer({ ...options, group: unique('group'), consumeFrom: 'FIRST_OFFSET' });
    consumer.subscribe(topic).listen(() => {});
    await inside.start();
    await consumer.start();
    const { msgId } = await inside.send({ topic, body: 'x' });
    const view = await trace(
      msgId,
      ({ sends, consumptions }) => sends.length > 0 && consumptions[0]?.deliveries[0]?.success === true,
    );
    expect(view.sends).toMatchObject([{ topic, group: inside.group }]);
    expect(view.consumptions).toMatchObject([{ group: consumer.group }]);
  }, 60_000);

  it('delivers on close the records that wait for others', async () => {
    const topic = await cluster.topic(1);
    await using short = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('short'), traceEnable: true });
    await short.start();
    const { msgId } = await short.send({ topic, body: 'x' });
    await short.close();
    expect(short.traceStats).toEqual({ recorded: 1, sent: 1, dropped: 0, failed: 0 });
    expect((await trace(msgId, ({ sends }) => sends.length > 0)).sends).toHaveLength(1);
  });

  it('does not trace messages to the trace topic, nor without traceEnable', async () => {
    await using plain = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('plain') });
    await plain.start();
    const topic = await cluster.topic(1);
    const { msgId } = await plain.send({ topic, body: 'x' });
    await plain.close();
    expect(plain.traceStats).toBeUndefined();
    const recorded = producer.traceStats!.recorded;
    await producer.send({ topic: SystemTopic.TRACE, body: 'by hand' });
    expect(producer.traceStats!.recorded).toBe(recorded);
    const view = await cluster.admin.traces.byMessageId(msgId);
    expect(view.sends).toEqual([]);
    expect(view.explanation).toMatch(/traceEnable=true/);
  });

  it('says that the trace topic is missing; messages are not affected', async () => {
    const bare = await TestCluster.start({ broker: { autoCreateTopicEnable: false } });
    try {
      const topic = await bare.topic(1);
      const warnings: string[] = [];
      await using lost = new Producer({
        namesrvAddr: bare.namesrvAddr,
        group: unique('lost'),
        traceEnable: true,
        logger: { ...silentLogger, warn: (line) => warnings.push(line) },
      });
      await lost.start();
      const { msgId } = await lost.send({ topic, body: 'x' });
      await lost.close();
      expect(lost.traceStats).toEqual({ recorded: 1, sent: 0, dropped: 0, failed: 1 });
      expect(warnings).toContainEqual(
        expect.stringMatching(/trace records of group .* are lost.*traceTopicEnable=true/),
      );
      const { explanation } = await bare.admin.traces.byMessageId(msgId);
      expect(explanation).toMatch(/no trace topic RMQ_SYS_TRACE_TOPIC.* traceTopicEnable=true/);
    } finally {
      await bare.close();
    }
  });

  it('keeps to a broker that wants no traces', async () => {
    const quiet = await TestCluster.start({ broker: { traceTopicEnable: true, traceOn: false } });
    try {
      await using shy = new Producer({ namesrvAddr: quiet.namesrvAddr, group: unique('shy'), traceEnable: true });
      await shy.start();
      const topic = await quiet.topic(1);
      await shy.send({ topic, body: 'x' });
      expect(shy.traceStats!.recorded).toBe(0);
    } finally {
      await quiet.close();
    }
  });
});
