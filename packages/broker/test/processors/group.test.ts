import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  encodeDataVersion,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupList,
  parseSubscriptionGroupConfig,
  parseSubscriptionGroupWrapper,
  parseTopicList,
  type RequestInput,
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

  const page = async (fields: RequestInput<typeof Requests.getAllSubscriptiongroupConfig>) =>
    parseSubscriptionGroupWrapper((await target.call(Requests.getAllSubscriptiongroupConfig, fields)).body!);

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

  it('are created in lists, all or none', async () => {
    const groups = (...names: string[]) =>
      encodeSubscriptionGroupList({ groupConfigList: names.map((groupName) => ({ groupName, retryMaxTimes: 3 })) });
    const send = (body: Buffer) => target.call(Requests.updateAndCreateSubscriptiongroupList, {}, body);
    expect((await send(groups('one', 'two'))).code).toBe(ResponseCode.SUCCESS);
    const { subscriptionGroupTable } = await page({});
    expect([subscriptionGroupTable['one']?.retryMaxTimes, subscriptionGroupTable['two']?.retryMaxTimes]).toEqual([
      3, 3,
    ]);
    expect((await send(groups('three', 'fo ur'))).code).toBe(ResponseCode.INVALID_PARAMETER);
    expect((await page({})).subscriptionGroupTable).not.toHaveProperty('three');
  });

  it('are listed in pages by name, from the start again when the list changed in between', async () => {
    for (const groupName of ['AA', 'AB', 'AC']) await update({ groupName });
    const first = await page({ groupSeq: 0, maxGroupNum: 2 });
    expect(Object.keys(first.subscriptionGroupTable)).toEqual(['AA', 'AB']);
    const dataVersion = encodeDataVersion(first.dataVersion).toString();
    const second = await page({ groupSeq: 2, maxGroupNum: 2, dataVersion });
    expect(Object.keys(second.subscriptionGroupTable)).toContain('AC');
    await update({ groupName: 'AD' });
    const restarted = await page({ groupSeq: 2, maxGroupNum: 2, dataVersion });
    expect(Object.keys(restarted.subscriptionGroupTable)).toEqual(['AA', 'AB']);
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
