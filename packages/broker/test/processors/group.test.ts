import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  encodeSubscriptionGroupConfig,
  parseConsumeStats,
  parseSubscriptionGroupConfig,
  parseSubscriptionGroupWrapper,
  parseTopicList,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

describe('consumer groups', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  const update = (changes: Parameters<typeof encodeSubscriptionGroupConfig>[0]) =>
    target.call(Requests.updateAndCreateSubscriptiongroup, {}, encodeSubscriptionGroupConfig(changes));

  it('are created, changed and kept over a restart', async () => {
    await update({ groupName: 'g', retryMaxTimes: 5, attributes: { '+priority.factor': '50' } });
    await update({ groupName: 'g', retryMaxTimes: 6 });
    await target.restart();
    const response = await target.call(Requests.getSubscriptiongroupConfig, { group: 'g' });
    expect(parseSubscriptionGroupConfig(response.body!)).toMatchObject({
      groupName: 'g',
      retryMaxTimes: 6,
      consumeEnable: true,
      attributes: { 'priority.factor': '50' },
    });
  });

  it('that may not consume are refused', async () => {
    await target.send('orders', 'a');
    await update({ groupName: 'consumers', consumeEnable: false });
    const response = await target.pull('orders');
    expect(response.code).toBe(ResponseCode.NO_PERMISSION);
    expect(response.extFields['forbiddenType']).toBe('2');
  });

  it('are created by their first pull, and listed', async () => {
    await target.send('orders', 'a');
    await target.pull('orders', { consumerGroup: 'fresh' });
    const list = parseSubscriptionGroupWrapper((await target.call(Requests.getAllSubscriptiongroupConfig, {})).body!);
    expect(Object.keys(list.subscriptionGroupTable)).toEqual(expect.arrayContaining(['fresh', 'TOOLS_CONSUMER']));
  });

  it('are deleted, on demand with their offsets', async () => {
    await target.send('orders', 'a');
    await target.pull('orders', { sysFlag: 5, commitOffset: 1 });
    await target.call(Requests.deleteSubscriptiongroup, { groupName: 'consumers', cleanOffset: true });
    const topics = await target.call(Requests.queryTopicsByConsumer, { group: 'consumers' });
    expect(parseTopicList(topics.body!).topicList).toEqual([]);
  });

  it('tell how far behind they are', async () => {
    for (const text of ['a', 'b', 'c']) await target.send('orders', text);
    await target.pull('orders', { sysFlag: 5, commitOffset: 1, maxMsgNums: 2 });
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

  it('need a legal name', async () => {
    const response = await update({ groupName: 'a b' });
    expect(response.code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(response.remark).toMatch(/a b/);
  });
});

describe('a broker that does not create groups', () => {
  it('refuses unknown ones', async () => {
    const target = await TestBroker.start({ autoCreateSubscriptionGroup: false });
    try {
      await target.send('orders', 'a');
      expect((await target.pull('orders')).code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    } finally {
      await target.close();
    }
  });
});
