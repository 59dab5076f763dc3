import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  parseConsumeStats,
  parseConsumeStatsList,
  parseQueryConsumeTimeSpanBody,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

/** Sub flag and commit flag of a pull. */
const COMMIT = 5;

describe('progress of groups', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
    for (const text of ['a', 'b', 'c']) await target.send('orders', text);
    await target.pull('orders', { sysFlag: COMMIT, commitOffset: 1, maxMsgNums: 2 });
  });
  afterEach(() => target.close());

  it('is their lag by queue', async () => {
    const response = await target.call(Requests.getConsumeStats, { consumerGroup: 'consumers' });
    const { offsetTable } = parseConsumeStats(response.body!);
    expect(offsetTable).toHaveLength(4);
    expect(offsetTable.find(({ queue }) => queue.queueId === 0)).toMatchObject({
      queue: { topic: 'orders', brokerName: 'broker-a' },
      brokerOffset: 3,
      consumerOffset: 1,
      pullOffset: 2,
    });
  });

  it('is the lag of named topics, unknown ones left out', async () => {
    await target.send('invoices', 'a');
    const fields = { consumerGroup: 'consumers', topicList: 'invoices;nothing;' };
    const { offsetTable } = parseConsumeStats((await target.call(Requests.getConsumeStats, fields)).body!);
    expect(offsetTable.map(({ queue }) => queue.topic)).toEqual(Array(4).fill('invoices'));
  });

  it('of all groups of a broker comes with the sums', async () => {
    const response = await target.call(Requests.getBrokerConsumeStats, { isOrder: false });
    const stats = parseConsumeStatsList(response.body!);
    expect(stats).toMatchObject({ brokerAddr: target.address, totalDiff: 2, totalInflightDiff: 1 });
    const mine = stats.consumeStatsList.find((each) => 'consumers' in each);
    expect(mine?.['consumers']?.[0]?.offsetTable).toHaveLength(4);
    const ordered = parseConsumeStatsList((await target.call(Requests.getBrokerConsumeStats, { isOrder: true })).body!);
    expect(ordered.totalDiff).toBe(0);
  });

  it('is a span of time by queue', async () => {
    const before = Date.now();
    const span = async (topic: string, group: string) => {
      const response = await target.call(Requests.queryConsumeTimeSpan, { topic, group });
      expect(response.code).toBe(ResponseCode.SUCCESS);
      return parseQueryConsumeTimeSpanBody(response.body!).consumeTimeSpanSet;
    };
    const [queue, empty] = await span('orders', 'consumers');
    expect(queue!.messageQueue).toEqual({ topic: 'orders', brokerName: 'broker-a', queueId: 0 });
    expect(queue!.minTimeStamp).toBeGreaterThan(before - 60_000);
    expect(queue!.maxTimeStamp).toBeGreaterThanOrEqual(queue!.minTimeStamp);
    expect(queue!.consumeTimeStamp).toBe(queue!.minTimeStamp);
    expect(queue!.delayTime).toBeLessThan(60_000);
    expect(empty).toMatchObject({ minTimeStamp: -1, maxTimeStamp: -1, delayTime: 0 });
    // Java would answer a delay since 1970 for a group that never committed.
    expect((await span('orders', 'nobody'))[0]!.delayTime).toBeLessThan(60_000);
    const unknown = await target.call(Requests.queryConsumeTimeSpan, { topic: 'nothing', group: 'consumers' });
    expect(unknown).toMatchObject({ code: ResponseCode.TOPIC_NOT_EXIST, remark: 'topic[nothing] not exist' });
  });
});
