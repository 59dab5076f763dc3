import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, NoRouteError } from '@rocketnest/protocol';
import { unique } from '@rocketnest/testing';
import type { Admin } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.groups', () => {
  let cluster: TestCluster;
  let admin: Admin;
  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    admin = cluster.admin;
  });
  afterAll(() => cluster.close());

  it('changes what it is told to and leaves the rest', async () => {
    const group = unique('group');
    await admin.groups.create({ groupName: group, retryMaxTimes: 3, consumeMessageOrderly: true });
    await admin.groups.update(group, { retryQueueNums: 2, attributes: { 'priority.factor': '50' } });
    await admin.groups.update(group, { consumeEnable: false });
    const { items } = await admin.groups.config(group);
    expect(items.length).toBeGreaterThan(0);
    for (const config of items) {
      expect(config).toMatchObject({
        groupName: group,
        retryMaxTimes: 3,
        retryQueueNums: 2,
        consumeMessageOrderly: true,
        consumeEnable: false,
        attributes: { 'priority.factor': '50' },
      });
    }
    await expect(admin.groups.update(unique('nope'), { retryMaxTimes: 1 })).rejects.toThrow(NoRouteError);
  });

  it('creates many, lists them, and deletes one with its offsets', async () => {
    const names = [unique('many'), unique('many')];
    await admin.groups.createAll(names.map((groupName, i) => ({ groupName, retryMaxTimes: i + 1 })));
    const { items } = await admin.groups.list();
    expect(items).toEqual(expect.arrayContaining(names));
    expect(items).not.toContain('TOOLS_CONSUMER');
    expect((await admin.groups.list({ system: true })).items).toContain('TOOLS_CONSUMER');
    const topic = await cluster.topic(1);
    await admin.offsets.reset({ group: names[0]!, topic, to: 'latest' });
    expect((await admin.groups.topics(names[0]!)).items).toContain(topic);
    await admin.groups.delete(names[0]!);
    expect((await admin.groups.list()).items).not.toContain(names[0]);
    expect((await admin.groups.topics(names[0]!)).items).toEqual([]);
  });

  it('forbids and allows reading a topic, and sets how the group reads', async () => {
    const topic = await cluster.topic(1);
    const group = unique('group');
    await admin.groups.create({ groupName: group });
    await admin.groups.setReadable(group, topic, false);
    expect((await admin.groups.isReadable(group, topic)).items.every(({ readable }) => !readable)).toBe(true);
    await admin.groups.setReadable(group, topic, true);
    expect((await admin.groups.isReadable(group, topic)).items.every(({ readable }) => readable)).toBe(true);
    await admin.groups.setRequestMode({ topic, group, mode: 'POP', popShareQueueNum: 1 });
    const modes = (await admin.groups.requestModes()).items.filter((row) => row.group === group);
    expect(modes.length).toBeGreaterThan(0);
    for (const row of modes) expect(row).toMatchObject({ topic, group, mode: 'POP', popShareQueueNum: 1 });
    await admin.groups.setRequestMode({ topic, group, mode: 'PULL' });
    expect(await admin.groups.subscription(group, topic)).toBeUndefined();
  });

  it.each([
    ['an illegal name', { groupName: 'a b' }, /illegal characters/],
    ['a negative number of retry queues', { groupName: 'g', retryQueueNums: -1 }, /retryQueueNums of group g is -1/],
    ['no time to consume', { groupName: 'g', consumeTimeoutMinute: 0 }, /whole number from 1/],
  ])('refuses %s', async (_what, config, error) => {
    const failure = admin.groups.create(config);
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow(error);
  });
});
