import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  decodeMessages,
  encodeCheckClientRequest,
  encodeHeartbeat,
  encodeProperties,
  parseSubscription,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

const HOUR = 3_600_000;
const bodiesOf = (pulled: { body: Buffer | null }): string[] =>
  pulled.body === null ? [] : decodeMessages(pulled.body).map(({ body }) => body.toString());

describe('SQL92 filters', () => {
  let target: TestBroker;
  let now = Date.now();
  beforeEach(async () => {
    now = Date.now();
    target = await TestBroker.start({ enablePropertyFilter: true, clock: { now: () => now } });
  });
  afterEach(() => target.close());

  const send = (amount: number): Promise<unknown> =>
    target.send('orders', `amount ${amount}`, { properties: encodeProperties({ amount: String(amount) }) });

  const check = (subString: string, expressionType: string) =>
    target.call(
      Requests.checkClientConfig,
      {},
      encodeCheckClientRequest({
        clientId: 'c1',
        group: 'g',
        subscriptionData: { ...parseSubscription('orders', '*'), subString, expressionType },
      }),
    );

  const heartbeat = (expression: string, subVersion: number, topic = 'orders') =>
    target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({
        clientID: 'c1',
        producerDataSet: [],
        consumerDataSet: [
          {
            groupName: 'g',
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            subscriptionDataSet: [parseSubscription(topic, expression, 'SQL92', subVersion)],
            unitMode: false,
          },
        ],
      }),
    );

  /** A pull that relies on the subscription of the heartbeat. */
  const pull = (subVersion: number, suspendMs = 0) =>
    target.pull('orders', { consumerGroup: 'g', sysFlag: suspendMs > 0 ? 2 : 0, subVersion }, suspendMs);

  const filterFile = (): string => join(target.rootDir, 'config/consumerFilter.json');

  it('are checked before a consumer starts', async () => {
    expect((await check('amount > 1', 'SQL92')).code).toBe(ResponseCode.SUCCESS);
    const bad = await check('amount >', 'SQL92');
    expect(bad.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    expect(bad.remark).toBe('invalid SQL92 expression "amount >": at position 8: expected a value, found the end');
    expect((await check('x', 'XPATH')).remark).toMatch(/unknown expression type "XPATH": use TAG or SQL92/);
  });

  it('may travel with the pull', async () => {
    for (const amount of [50, 150, 250]) await send(amount);
    const fields = { expressionType: 'SQL92', subscription: 'amount > 100' };
    expect(bodiesOf(await target.pull('orders', fields))).toEqual(['amount 150', 'amount 250']);
    const bad = await target.pull('orders', { ...fields, subscription: 'amount >' });
    expect(bad.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
  });

  it('come from the heartbeat, the newest version', async () => {
    for (const amount of [50, 150]) await send(amount);
    await heartbeat('amount > 100', 7);
    expect(bodiesOf(await pull(7))).toEqual(['amount 150']);
    await heartbeat('amount < 100', 8);
    expect(bodiesOf(await pull(8))).toEqual(['amount 50']);
    await heartbeat('amount > 100', 7);
    expect(bodiesOf(await pull(8))).toEqual(['amount 50']);
    expect((await pull(9)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
    await heartbeat('amount <', 10);
    expect((await pull(10)).code).toBe(ResponseCode.FILTER_DATA_NOT_EXIST);
  });

  it('wake a waiting pull only for a message that matches', async () => {
    await send(1);
    await heartbeat('amount > 100', 7);
    const waiting = target.pull('orders', { consumerGroup: 'g', sysFlag: 2, queueOffset: 1, subVersion: 7 }, 20_000);
    let answered = false;
    void waiting.then(() => {
      answered = true;
    });
    await send(50);
    await send(60);
    expect(answered).toBe(false);
    await send(200);
    expect(bodiesOf(await waiting)).toEqual(['amount 200']);
  });

  it('apply to retries by the topic that they come from, with filterSupportRetry', async () => {
    await target.restart({ filterSupportRetry: true });
    await heartbeat('amount > 100', 7);
    for (const [origin, amount] of [
      ['orders', '50'],
      ['orders', '150'],
      ['other', '50'],
    ]) {
      const properties = encodeProperties({ amount: amount!, RETRY_TOPIC: origin! });
      await target.send('%RETRY%g', `${origin} ${amount}`, { properties });
    }
    const fields = { consumerGroup: 'g', expressionType: 'SQL92', subscription: 'amount > 0' };
    expect(bodiesOf(await target.pull('%RETRY%g', fields))).toEqual(['orders 150', 'other 50']);
  });

  it('are shown with a consume queue', async () => {
    await send(150);
    await heartbeat('amount > 100', 7);
    const shown = await target.call(Requests.queryConsumeQueue, {
      topic: 'orders',
      queueId: 0,
      index: 0,
      count: 1,
      consumerGroup: 'g',
    });
    const { filterData } = JSON.parse(shown.body!.toString());
    expect(JSON.parse(filterData)).toMatchObject({ expression: 'amount > 100', dead: false, clientVersion: 7 });
  });

  it("are kept in Apache's file until a day after their consumers left", async () => {
    await send(150);
    await heartbeat('amount > 100', 7);
    await target.broker.close();
    const stored = JSON.parse(await readFile(filterFile(), 'utf8'));
    expect(stored).toEqual({
      filterDataByTopic: {
        orders: {
          topic: 'orders',
          groupFilterData: {
            g: {
              consumerGroup: 'g',
              topic: 'orders',
              expression: 'amount > 100',
              expressionType: 'SQL92',
              bornTime: now,
              deadTime: now,
              dead: true,
              clientVersion: 7,
              bloomFilterData: { bitNum: 112, bitPos: [expect.any(Number), expect.any(Number), expect.any(Number)] },
            },
          },
        },
      },
    });
    now += 23 * HOUR;
    await target.restart();
    await heartbeat('amount > 100', 7);
    expect(bodiesOf(await pull(7))).toEqual(['amount 150']);
    await target.call(Requests.unregisterClient, { clientID: 'c1', consumerGroup: 'g' });
    await target.restart();
    now += 24 * HOUR;
    await heartbeat('a = b', 1, 'other');
    await target.broker.close();
    expect(Object.keys(JSON.parse(await readFile(filterFile(), 'utf8')).filterDataByTopic)).toEqual(['other']);
  });

  it('survive a file with parts that cannot be used', async () => {
    await target.broker.close();
    const entry = { expressionType: 'SQL92', bornTime: 1, deadTime: 0, clientVersion: 1 };
    const bloomFilterData = { bitNum: 112, bitPos: [1, 2, 3] };
    const groups = {
      broken: { ...entry, bloomFilterData, expression: 'a >' },
      otherBloom: { ...entry, bloomFilterData: { bitNum: 8, bitPos: [1] }, expression: 'a = b' },
      good: { ...entry, bloomFilterData, expression: 'a = b' },
    };
    await mkdir(join(target.rootDir, 'config'), { recursive: true });
    await writeFile(filterFile(), JSON.stringify({ filterDataByTopic: { T: { groupFilterData: groups } } }));
    await target.restart();
    await heartbeat('amount > 100', 7);
    await target.broker.close();
    const { filterDataByTopic } = JSON.parse(await readFile(filterFile(), 'utf8'));
    expect(Object.keys(filterDataByTopic.T.groupFilterData)).toEqual(['good']);
  });
});
