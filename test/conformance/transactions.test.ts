import { describe, expect, it } from '@jest/globals';
import type { MessageExt, TransactionState } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

const neverChecked = (): TransactionState => {
  throw new Error('nobody should ask');
};

describe('a transaction', () => {
  it('shows its message when it commits, and not before; a rollback shows nothing', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.transactionProducer({ checker: neverChecked });
    const inbox = await cluster.consume(topic);
    let before = -1;

    await producer.sendInTransaction({ topic, body: 'rolled back' }, () => 'ROLLBACK');
    const sent = await producer.sendInTransaction({ topic, body: 'committed', tags: 't', keys: 'k' }, () => {
      before = inbox.messages.length;
    });

    expect(sent).toMatchObject({ status: 'SEND_OK', state: 'COMMIT' });
    const [message] = await inbox.until(1);
    expect(before).toBe(0);
    expect(message).toMatchObject({ topic, msgId: sent.msgId, properties: { TAGS: 't', KEYS: 'k' } });
    expect(inbox.bodies).toEqual(['committed']);
  });

  it('rolls back when the local transaction throws', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.transactionProducer({ checker: neverChecked });
    const inbox = await cluster.consume(topic);
    const failing = producer.sendInTransaction({ topic, body: 'out of stock' }, () => {
      throw new Error('out of stock');
    });
    await expect(failing).rejects.toThrow('out of stock');
    await producer.sendInTransaction({ topic, body: 'the end' }, () => 'COMMIT');
    await inbox.until(1);
    expect(inbox.bodies).toEqual(['the end']);
  });

  it('is asked about when it is left undecided, until the checker knows', async () => {
    const topic = await cluster.topic();
    const checks: MessageExt[] = [];
    const producer = await cluster.transactionProducer({
      checker: (message) => {
        checks.push(message);
        return checks.length < 2 ? 'UNKNOWN' : 'COMMIT';
      },
    });
    const inbox = await cluster.consume(topic);
    const sent = await producer.sendInTransaction(
      { topic, body: 'undecided', properties: { own: 'x' } },
      () => 'UNKNOWN',
    );
    expect(sent.state).toBe('UNKNOWN');

    const [message] = await inbox.until(1, { timeoutMs: PATIENCE_MS });
    expect(message).toMatchObject({ msgId: sent.msgId, properties: { own: 'x' } });
    expect(checks).toHaveLength(2);
    expect(checks[0]).toMatchObject({ topic, msgId: sent.msgId, properties: { own: 'x', PGROUP: producer.group } });
    expect(checks[0]!.body.toString()).toBe('undecided');
  });

  it('is decided by another producer of the group when its own is gone', async () => {
    const topic = await cluster.topic();
    const group = cluster.group();
    const lost = await cluster.transactionProducer({ group, checker: () => 'UNKNOWN' });
    await lost.sendInTransaction({ topic, body: 'orphan' }, () => 'UNKNOWN');
    await lost.close();

    const asked: string[] = [];
    const heir = await cluster.transactionProducer({
      group,
      checker: ({ body }) => {
        asked.push(body.toString());
        return 'COMMIT';
      },
    });
    await heir.publishQueues(topic); // so that its heartbeats reach the topic's brokers
    const inbox = await cluster.consume(topic);
    await waitFor(() => asked.length > 0, { timeoutMs: PATIENCE_MS, what: 'the heir is asked' });
    await inbox.until(1);
    expect(inbox.bodies).toEqual(['orphan']);
  });
});
