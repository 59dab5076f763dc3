import { expect, it } from '@jest/globals';
import type { MessageTraceView } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { only5, PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();
const traced = { traceEnable: true, traceMsgBatchNum: 1 };

function traceOf(msgId: string, complete: (view: MessageTraceView) => boolean): Promise<MessageTraceView> {
  return waitFor(
    async () => {
      const view = await cluster.admin.traces.byMessageId(msgId);
      return complete(view) ? view : undefined;
    },
    { timeoutMs: PATIENCE_MS, what: `the trace of ${msgId}` },
  );
}

it('shows who sent a message, who consumed it and how each delivery ended', async () => {
  const topic = await cluster.topic(1);
  const producer = await cluster.producer(traced);
  let calls = 0;
  const inbox = await cluster.consume(topic, {
    ...traced,
    handler: () => {
      if (++calls === 1) throw new Error('not yet');
    },
  });

  const { msgId, offsetMsgId, queue } = await producer.send({ topic, body: 'hello', tags: 'paid', keys: ['k1', 'k2'] });

  // Begin and end of a delivery are records of their own, which arrive in any order.
  const view = await traceOf(msgId, ({ sends, consumptions: [consumption] }) => {
    const deliveries = consumption?.deliveries ?? [];
    const whole = deliveries.every(({ success, retryTimes }) => success !== undefined && retryTimes !== undefined);
    return sends.length > 0 && deliveries.length === 2 && whole;
  });
  expect(view.sends).toMatchObject([
    { group: producer.group, topic, tags: 'paid', keys: 'k1 k2', bodyLength: 5, offsetMsgId, success: true },
  ]);
  const [broker] = await cluster.admin.brokers.list({ broker: queue.brokerName });
  expect(view.sends[0]).toMatchObject({ storeHost: broker!.address, messageType: 'Normal', regionId: 'DefaultRegion' });
  expect(view.consumptions).toMatchObject([
    {
      group: inbox.consumer.group,
      deliveries: [
        { success: false, returnType: 'EXCEPTION', retryTimes: 0 },
        { success: true, returnType: 'SUCCESS', retryTimes: 1 },
      ],
    },
  ]);
});

it('shows what a transaction came to', async () => {
  const topic = await cluster.topic(1);
  const producer = await cluster.transactionProducer({ ...traced, checker: () => 'COMMIT' });

  const { msgId } = await producer.sendInTransaction({ topic, body: 'x' }, () => 'UNKNOWN');

  const view = await traceOf(msgId, ({ sends, transactions }) => sends.length > 0 && transactions.length === 2);
  expect(view.sends).toMatchObject([{ messageType: 'Trans' }]);
  expect(view.transactions).toMatchObject([
    { transactionState: 'UNKNOWN', fromTransactionCheck: false },
    { transactionState: 'COMMIT', fromTransactionCheck: true },
  ]);
});

only5('shows that a timed message was taken back', async () => {
  const topic = await cluster.topic(1);
  const producer = await cluster.producer(traced);

  const { msgId, recallHandle } = await producer.send({ topic, body: 'x', delayMs: 60_000 });
  await producer.recall(topic, recallHandle!);

  const view = await traceOf(msgId, ({ sends, recalls }) => sends.length > 0 && recalls.length === 1);
  expect(view.sends).toMatchObject([{ messageType: 'Delay' }]);
  expect(view.recalls).toMatchObject([{ success: true, group: producer.group }]);
});

it('says why there is nothing', async () => {
  const { explanation } = await cluster.admin.traces.byMessageId('F'.repeat(32));
  expect(explanation).toMatch(/No record of F+ in topic RMQ_SYS_TRACE_TOPIC/);
});
