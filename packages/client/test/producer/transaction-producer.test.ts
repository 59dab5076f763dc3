import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type MessageExt } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { type TransactionChecker, TransactionProducer, type TransactionState } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('TransactionProducer', () => {
  let cluster: TestCluster;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start({ broker: { transactionTimeOut: 500, transactionCheckInterval: 500 } });
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => cluster.close());

  async function startProducer(checker: TransactionChecker, group = unique('tx')): Promise<TransactionProducer> {
    const producer = new TransactionProducer({ namesrvAddr: cluster.namesrvAddr, group, checker });
    open.push(producer);
    await producer.start();
    return producer;
  }

  const neverChecked: TransactionChecker = () => {
    throw new Error('nobody should ask');
  };
  const bodies = async (topic: string) => (await cluster.messages(topic)).map((message) => message.body.toString());
  const committed = (topic: string, count: number) =>
    waitFor(
      async () => {
        const stored = await bodies(topic);
        return stored.length >= count ? stored : undefined;
      },
      { what: `${count} committed messages`, timeoutMs: 20_000 },
    );

  it('shows the message only after the local transaction committed', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer(neverChecked);
    let duringTransaction: string[] | undefined;
    const result = await producer.sendInTransaction(
      { topic, body: 'order', keys: 'k', tags: 't' },
      async (half, transactionId) => {
        expect(half).toMatchObject({
          topic,
          transactionId,
          msgId: transactionId,
          properties: { KEYS: 'k', TAGS: 't', PGROUP: producer.group },
        });
        expect(half.body.toString()).toBe('order');
        duringTransaction = await bodies(topic);
      },
    );
    expect(result).toMatchObject({ status: 'SEND_OK', state: 'COMMIT' });
    expect(duringTransaction).toEqual([]);
    await committed(topic, 1);
    const [message] = await cluster.messages(topic);
    expect(message).toMatchObject({ msgId: result.msgId, properties: { KEYS: 'k', TAGS: 't' } });
    expect(message!.body.toString()).toBe('order');
  });

  it('rolls back when the local transaction throws, and throws on', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer(neverChecked);
    await expect(
      producer.sendInTransaction({ topic, body: 'rolled back' }, async () => {
        throw new Error('out of stock');
      }),
    ).rejects.toThrow('out of stock');
    const result = await producer.sendInTransaction({ topic, body: 'rolled back too' }, () => 'ROLLBACK');
    expect(result.state).toBe('ROLLBACK');
    await producer.sendInTransaction({ topic, body: 'committed' }, () => 'COMMIT');
    expect(await committed(topic, 1)).toEqual(['committed']);
  });

  it('is asked about what another process left, before it has sent anything itself', async () => {
    const [topic, group] = [await cluster.topic(), unique('tx')];
    const first = await startProducer(neverChecked, group);
    await first.sendInTransaction({ topic, body: 'left behind' }, () => 'UNKNOWN');
    await first.close();
    await startProducer(() => 'COMMIT', group);
    expect(await committed(topic, 1)).toEqual(['left behind']);
  });

  it('answers the broker’s check for an unknown transaction', async () => {
    const topic = await cluster.topic();
    const checked: MessageExt[] = [];
    const producer = await startProducer((message) => {
      checked.push(message);
      return 'COMMIT';
    });
    const body = 'a body long enough to be compressed '.repeat(200);
    const result = await producer.sendInTransaction({ topic, body, properties: { own: 'x' } }, () => 'UNKNOWN');
    expect(result.state).toBe('UNKNOWN');
    expect(await committed(topic, 1)).toEqual([body]);
    expect(checked[0]).toMatchObject({ topic, msgId: result.msgId, properties: { own: 'x', PGROUP: producer.group } });
    expect(checked[0]!.body.toString()).toBe(body);
  });

  it('is asked again after a checker that throws, and drops what the checker rolls back', async () => {
    const topic = await cluster.topic();
    const answers: (TransactionState | Error)[] = [new Error('database down'), 'UNKNOWN', 'ROLLBACK'];
    let asked = 0;
    const producer = await startProducer(() => {
      const answer = answers[asked++] ?? 'ROLLBACK';
      if (answer instanceof Error) throw answer;
      return answer;
    });
    await producer.sendInTransaction({ topic, body: 'dropped' }, () => 'UNKNOWN');
    await waitFor(() => asked >= 3, { what: 'three checks', timeoutMs: 25_000 });
    await producer.sendInTransaction({ topic, body: 'kept' }, () => 'COMMIT');
    expect(await committed(topic, 1)).toEqual(['kept']);
  });

  it('checks with the producer of the group, several groups in one process', async () => {
    const topic = await cluster.topic();
    const asked = { a: [] as string[], b: [] as string[] };
    const note = (to: string[]) => (message: MessageExt) => {
      to.push(message.body.toString());
      return 'COMMIT' as const;
    };
    const a = await startProducer(note(asked.a));
    const b = await startProducer(note(asked.b));
    await a.sendInTransaction({ topic, body: 'of a' }, () => 'UNKNOWN');
    await b.sendInTransaction({ topic, body: 'of b' }, () => 'UNKNOWN');
    expect((await committed(topic, 2)).sort()).toEqual(['of a', 'of b']);
    expect(new Set(asked.a)).toEqual(new Set(['of a']));
    expect(new Set(asked.b)).toEqual(new Set(['of b']));
  });

  it('lets a later process of the group decide for one that is gone', async () => {
    const topic = await cluster.topic();
    const group = unique('tx');
    const crashed = await startProducer(neverChecked, group);
    await crashed.sendInTransaction({ topic, body: 'orphan' }, () => 'UNKNOWN');
    await crashed.close();
    const next = await startProducer(() => 'COMMIT', group);
    // Its first contact with the broker is what tells the broker that the group is back.
    await next.publishQueues(topic);
    expect(await committed(topic, 1)).toEqual(['orphan']);
  });

  it.each([
    ['a delayed message', { delayLevel: 3 }, /cannot be delayed/],
    ['an empty body', { body: '' }, /is empty/],
  ])('refuses %s before anything is sent', async (_what, fields, error) => {
    const topic = await cluster.topic();
    const producer = await startProducer(neverChecked);
    let executed = false;
    const failure = producer.sendInTransaction({ topic, body: 'x', ...fields }, () => {
      executed = true;
    });
    await expect(failure).rejects.toThrow(error);
    expect(executed).toBe(false);
  });

  it('rolls back and complains when the local transaction answers nonsense', async () => {
    const topic = await cluster.topic();
    const producer = await startProducer(neverChecked);
    await expect(producer.sendInTransaction({ topic, body: 'x' }, () => 'yes' as never)).rejects.toThrow(
      ConfigurationError,
    );
  });

  it('needs a checker', () => {
    expect(() => new TransactionProducer({ namesrvAddr: '127.0.0.1:1', group: 'g' } as never)).toThrow(
      /option "checker" is required/,
    );
  });
});
