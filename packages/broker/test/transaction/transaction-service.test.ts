import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DecodedCommand,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  encodeHeartbeat,
  encodeProperties,
  MessageSysFlag,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

const PREPARED = { TRAN_MSG: 'true', PGROUP: 'producers', UNIQ_KEY: 'U1', TAGS: 't', KEYS: 'k' };
const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag;

/** A half message's address: what END_TRANSACTION must name. */
interface Half {
  readonly commitLogOffset: number;
  readonly queueOffset: number;
}

describe('a transactional message', () => {
  let target: TestBroker;
  /** Check-backs that the broker sent to the producer, and a waiter for the next one. */
  let checks: DecodedCommand[];
  let onCheck: () => void;

  const start = async (options: Parameters<typeof TestBroker.start>[0] = {}): Promise<void> => {
    checks = [];
    onCheck = () => {};
    const processors = new Map([
      [
        RequestCode.CHECK_TRANSACTION_STATE,
        (request: DecodedCommand) => {
          checks.push(request);
          onCheck();
        },
      ],
    ]);
    target = await TestBroker.start(
      { transactionTimeOut: 0, transactionCheckInterval: 50, transactionOpBatchInterval: 50, ...options },
      processors,
    );
    await heartbeat();
  };
  beforeEach(() => start());
  afterEach(() => target.close());

  const heartbeat = () =>
    target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({ clientID: 'c1', producerDataSet: [{ groupName: 'producers' }], consumerDataSet: [] }),
    );

  const prepare = async (properties: Record<string, string> = {}): Promise<Half> => {
    const { code, extFields } = await target.send('orders', 'half', {
      properties: encodeProperties({ ...PREPARED, ...properties }),
      sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
      bornTimestamp: Date.now(),
    });
    expect(code).toBe(ResponseCode.SUCCESS);
    return {
      commitLogOffset: decodeOffsetMsgId(extFields['msgId']!).commitLogOffset,
      queueOffset: Number(extFields['queueOffset']),
    };
  };

  const end = (half: Half, commitOrRollback: number, fields: Record<string, unknown> = {}) =>
    target.call(Requests.endTransaction, {
      producerGroup: 'producers',
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.commitLogOffset,
      commitOrRollback,
      fromTransactionCheck: false,
      msgId: 'U1',
      ...fields,
    });

  const nextCheck = async (): Promise<{ fields: Record<string, string>; half: Half; body: Buffer }> => {
    if (checks.length === 0) {
      await new Promise<void>((resolve) => {
        onCheck = resolve;
      });
    }
    const { extFields, body } = checks.shift()!;
    return {
      fields: extFields,
      half: {
        commitLogOffset: Number(extFields['commitLogOffset']),
        queueOffset: Number(extFields['tranStateTableOffset']),
      },
      body: body!,
    };
  };

  const visible = async (): Promise<string[]> => {
    const { body } = await target.pull('orders');
    return body === null ? [] : decodeMessages(body).map((message) => message.body.toString());
  };

  it('is invisible until it is committed, then carries the properties it was sent with', async () => {
    const half = await prepare({ CHECK_IMMUNITY_TIME_IN_SECONDS: '600' });
    expect(await visible()).toEqual([]);
    expect((await end(half, TRANSACTION_COMMIT)).code).toBe(ResponseCode.SUCCESS);
    const message = decodeMessage((await target.pull('orders')).body!);
    expect(message.body.toString()).toBe('half');
    expect(message.properties).toMatchObject({
      TAGS: 't',
      KEYS: 'k',
      UNIQ_KEY: 'U1',
      PGROUP: 'producers',
      TRAN_MSG: 'true',
    });
    expect(message.properties).not.toHaveProperty('REAL_TOPIC');
    expect(message.sysFlag & MessageSysFlag.TRANSACTION_MASK).toBe(TRANSACTION_COMMIT);
    expect(message.preparedTransactionOffset).toBe(half.commitLogOffset);
  });

  it('is never delivered after a rollback', async () => {
    await end(await prepare(), TRANSACTION_ROLLBACK);
    await target.send('orders', 'after');
    expect(await visible()).toEqual(['after']);
  });

  it('is asked about when nobody decides, and the answer decides', async () => {
    await prepare();
    const check = await nextCheck();
    expect(check.fields).toMatchObject({ transactionId: 'U1', msgId: 'U1', bname: 'broker-a' });
    const shown = decodeMessage(check.body);
    expect([shown.topic, shown.body.toString(), shown.properties['TAGS']]).toEqual(['orders', 'half', 't']);
    expect((await end(check.half, TRANSACTION_COMMIT, { fromTransactionCheck: true })).code).toBe(ResponseCode.SUCCESS);
    expect(await visible()).toEqual(['half']);
  });

  it('is asked about again after a restart', async () => {
    await prepare();
    await target.restart();
    checks.length = 0;
    await heartbeat();
    const check = await nextCheck();
    expect((await end(check.half, TRANSACTION_COMMIT, { fromTransactionCheck: true })).code).toBe(ResponseCode.SUCCESS);
    expect(await visible()).toEqual(['half']);
  });

  it('is not asked about once it was decided, not even by a broker that was restarted', async () => {
    await target.close();
    await start({ transactionCheckInterval: 100_000 });
    await end(await prepare(), TRANSACTION_COMMIT);
    await target.restart({ transactionCheckInterval: 50 });
    await heartbeat();
    const open = await prepare({ UNIQ_KEY: 'U2' });
    const check = await nextCheck();
    expect(check.fields['transactionId']).toBe('U2');
    expect(check.half.queueOffset).toBeGreaterThan(open.queueOffset);
    expect(checks).toEqual([]);
  });

  it('is given up after transactionCheckMax checks and kept in TRANS_CHECK_MAX_TIME_TOPIC', async () => {
    await target.close();
    await start({ transactionCheckMax: 2 });
    await prepare();
    await nextCheck();
    await nextCheck();
    let body: Buffer | null = null;
    // The topic exists from the first message on; until then a pull is refused.
    while (body === null) body = (await target.pull('TRANS_CHECK_MAX_TIME_TOPIC')).body;
    expect(decodeMessage(body).properties).toMatchObject({ REAL_TOPIC: 'orders', TRANSACTION_CHECK_TIMES: '2' });
    expect(checks).toEqual([]);
  });

  it('with a first check time of its own does not hold up the ones behind it', async () => {
    const sheltered = await prepare({ CHECK_IMMUNITY_TIME_IN_SECONDS: '600', UNIQ_KEY: 'sheltered' });
    await prepare({ UNIQ_KEY: 'U2' });
    expect((await nextCheck()).fields['transactionId']).toBe('U2');
    expect((await end(sheltered, TRANSACTION_COMMIT)).code).toBe(ResponseCode.SUCCESS);
    expect(await visible()).toEqual(['half']);
    expect(checks.map((check) => check.extFields['transactionId'])).not.toContain('sheltered');
  });

  it.each([
    ['another producer group', { producerGroup: 'others' }, 'The producer group wrong'],
    ['another position in the half queue', { tranStateTableOffset: 7 }, 'The transaction state table offset wrong'],
    [
      'a place in the log where no message is',
      { commitLogOffset: 1_000_000 },
      'Find prepared transaction message failed',
    ],
  ])('stays undecided when END_TRANSACTION names %s', async (_what, fields, remark) => {
    const answer = await end(await prepare(), TRANSACTION_COMMIT, fields);
    expect([answer.code, answer.remark]).toEqual([ResponseCode.SYSTEM_ERROR, remark]);
    expect(await visible()).toEqual([]);
  });
});
