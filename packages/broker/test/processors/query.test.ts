import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  encodeProperties,
  parseKVTable,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

describe('looking up messages', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  const query = (key: string, changes: Record<string, string> = {}) => {
    const request = createRequest(Requests.queryMessage, {
      topic: 'orders',
      key,
      maxNum: 10,
      beginTimestamp: 0,
      endTimestamp: Date.now() + 60_000,
    });
    Object.assign(request.extFields, changes);
    return target.request(request);
  };

  it('by offset id', async () => {
    const { extFields } = await target.send('orders', 'a');
    const offset = decodeOffsetMsgId(extFields['msgId']!).commitLogOffset;
    const response = await target.call(Requests.viewMessageById, { offset });
    expect(decodeMessage(response.body!).body.toString()).toBe('a');
    const missing = await target.call(Requests.viewMessageById, { offset: 99_999_999 });
    expect(missing.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(missing.remark).toMatch(/99999999/);
  });

  it('by key and by unique id', async () => {
    await target.send('orders', 'a', { properties: encodeProperties({ KEYS: 'k1 k2', UNIQ_KEY: 'U1' }) });
    await target.send('orders', 'b', { properties: encodeProperties({ KEYS: 'k2', UNIQ_KEY: 'U2' }) });
    const byKey = await query('k2');
    expect(
      decodeMessages(byKey.body!)
        .map((message) => message.body.toString())
        .sort(),
    ).toEqual(['a', 'b']);
    expect(Number(byKey.extFields['indexLastUpdateTimestamp'])).toBeGreaterThan(0);
    const byId = await query('U1', { _UNIQUE_KEY_QUERY: 'true' });
    expect(decodeMessages(byId.body!).map((message) => message.body.toString())).toEqual(['a']);
    expect((await query('k3')).code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });
});

describe('the status of a broker', () => {
  it('has real numbers under the names of Apache', async () => {
    const target = await TestBroker.start();
    try {
      await target.send('orders', 'a');
      await target.pull('orders');
      const { table } = parseKVTable((await target.call(Requests.getBrokerRuntimeInfo, {})).body!);
      expect(table).toMatchObject({
        brokerActive: 'true',
        brokerVersionDesc: 'V5_5_0',
        msgPutTotalTodayNow: '1',
        msgGetTotalTodayNow: '1',
        putMessageTimesTotal: '1',
        commitLogMinOffset: '0',
      });
      expect(Number(table['commitLogMaxOffset'])).toBeGreaterThan(91);
      expect(Number(table['commitLogDiskRatio'])).toBeGreaterThan(0);
      expect(Number(table['commitLogDiskRatio'])).toBeLessThanOrEqual(1);
      expect(table['putTps']?.split(' ')).toHaveLength(3);
    } finally {
      await target.close();
    }
  });

  it('has its configuration as properties', async () => {
    const target = await TestBroker.start({ defaultTopicQueueNums: 5 });
    try {
      const response = await target.call(Requests.getBrokerConfig, {});
      expect(response.body!.toString().split('\n')).toEqual(
        expect.arrayContaining(['brokerName=broker-a', 'defaultTopicQueueNums=5']),
      );
    } finally {
      await target.close();
    }
  });

  it('refuses request codes that it does not know', async () => {
    const target = await TestBroker.start();
    try {
      const request = createRequest(Requests.getBrokerRuntimeInfo, {});
      request.code = 9_999;
      const response = await target.request(request);
      expect(response.code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
      expect(response.remark).toMatch(/9999/);
    } finally {
      await target.close();
    }
  });
});
