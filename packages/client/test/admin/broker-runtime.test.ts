import { describe, expect, it } from '@jest/globals';
import { readRuntime } from '../../src/admin/broker-runtime.js';

const member = { cluster: 'c', brokerName: 'b', brokerId: 0, address: '127.0.0.1:10911' };

describe('readRuntime', () => {
  it('reads rates, counts of the day and waiting requests', () => {
    const runtime = readRuntime(member, {
      brokerVersionDesc: 'V5_5_0',
      brokerActive: 'false',
      putTps: '1.5 2.5 3.5',
      getTransferredTps: '4.0 5.0 6.0',
      msgPutTotalYesterdayMorning: '100',
      msgPutTotalTodayMorning: '150',
      msgPutTotalTodayNow: '175',
      commitLogDiskRatio: '0.42',
      earliestMessageTimeStamp: '1700000000000',
      sendThreadPoolQueueSize: '3',
      sendThreadPoolQueueCapacity: '10000',
      sendThreadPoolQueueHeadWaitTimeMills: '12',
    });
    expect(runtime).toMatchObject({
      ...member,
      version: 'V5_5_0',
      active: false,
      putRates: { last10s: 1.5, last60s: 2.5, last600s: 3.5 },
      getRates: { last10s: 4, last60s: 5, last600s: 6 },
      putToday: 25,
      putYesterday: 50,
      commitLogDiskRatio: 0.42,
      earliestMessageTime: 1_700_000_000_000,
      sendQueue: { size: 3, capacity: 10_000, headWaitMs: 12 },
    });
  });

  it('makes do with what older brokers tell, under their names', () => {
    const runtime = readRuntime(member, { getTransferedTps: '7.0 8.0 9.0', putTps: 'NaN' });
    expect(runtime).toMatchObject({
      version: 'unknown',
      active: true,
      putRates: { last10s: 0, last60s: 0, last600s: 0 },
      getRates: { last10s: 7, last60s: 8, last600s: 9 },
      earliestMessageTime: -1,
      pullQueue: { size: 0, capacity: 0, headWaitMs: 0 },
    });
  });
});
