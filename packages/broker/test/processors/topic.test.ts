import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  parseGroupList,
  parseTopicConfig,
  parseTopicConfigSerializeWrapper,
  parseTopicList,
  parseTopicStatsTable,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

describe('topics', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  const create = (topic: string, changes: Partial<RequestInput<typeof Requests.updateAndCreateTopic>> = {}) =>
    target.call(Requests.updateAndCreateTopic, {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: 3,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      ...changes,
    });
  const all = async () => parseTopicConfigSerializeWrapper((await target.call(Requests.getAllTopicConfig, {})).body!);

  it('of the system are there from the start', async () => {
    const { topicConfigTable } = await all();
    expect(
      Object.values(topicConfigTable)
        .map((topic) => [topic.topicName, topic.writeQueueNums, topic.perm])
        .sort(),
    ).toEqual(
      [
        ['BenchmarkTest', 1024, 6],
        ['DefaultCluster', 16, 7],
        ['DefaultCluster_REPLY_TOPIC', 1, 6],
        ['OFFSET_MOVED_EVENT', 1, 6],
        ['RMQ_SYS_TRANS_HALF_TOPIC', 1, 6],
        ['RMQ_SYS_TRANS_OP_HALF_TOPIC', 1, 6],
        ['SCHEDULE_TOPIC_XXXX', 18, 6],
        ['SELF_TEST_TOPIC', 1, 6],
        ['TBW102', 8, 7],
        ['broker-a', 1, 7],
        ['rmq_sys_REVIVE_LOG_DefaultCluster', 8, 6],
        ['rmq_sys_SYNC_BROKER_MEMBER_broker-a', 1, 1],
        ['rmq_sys_wheel_timer', 1, 6],
      ].sort(),
    );
  });

  it('are created, changed and kept over a restart', async () => {
    expect((await create('orders', { attributes: '+message.type=FIFO' })).code).toBe(ResponseCode.SUCCESS);
    const before = (await all()).dataVersion;
    await create('orders', { perm: 4, order: true });
    const config = parseTopicConfig((await target.call(Requests.getTopicConfig, { topic: 'orders' })).body!);
    expect(config).toMatchObject({
      topicName: 'orders',
      readQueueNums: 3,
      writeQueueNums: 2,
      perm: 4,
      order: true,
      attributes: { 'message.type': 'FIFO' },
    });
    expect((await all()).dataVersion.counter).toBe(before.counter + 1);
    const file = parseTopicConfigSerializeWrapper(await readFile(join(target.rootDir, 'config', 'topics.json')));
    expect(file.topicConfigTable['orders']).toEqual(config);
    await target.restart();
    expect((await all()).topicConfigTable['orders']).toEqual(config);
  });

  it.each([
    ['a b', {}, /a b/],
    ['TBW102', {}, /system topic/],
    ['rmq_sys_x', {}, /system topic/],
    ['DefaultCluster', {}, /system topic/],
    ['orders', { topicFilterType: 'NO_TAG' }, /NO_TAG/],
    ['orders', { writeQueueNums: -1 }, /writeQueueNums -1/],
    ['orders', { readQueueNums: 2 ** 31 - 1 }, /0 to 65535/],
    ['orders', { attributes: '+message.type=MIXED' }, /MIXED/],
    ['orders', { attributes: '+queue.type=TreeCQ' }, /queue\.type/],
    ['orders', { attributes: 'message.type=FIFO' }, /message.type=FIFO/],
    ['orders', { attributes: '+colour=red' }, /colour/],
  ] as const)('%s with %j is refused', async (topic, changes, remark) => {
    const response = await create(topic, changes);
    expect([ResponseCode.INVALID_PARAMETER, ResponseCode.SYSTEM_ERROR]).toContain(response.code);
    expect(response.remark).toMatch(remark);
  });

  it('are deleted with their messages and offsets', async () => {
    await target.send('orders', 'a');
    await target.pull('orders', { sysFlag: 5, commitOffset: 1 });
    expect((await target.call(Requests.deleteTopicInBroker, { topic: 'orders' })).code).toBe(ResponseCode.SUCCESS);
    expect((await target.pull('orders')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await target.send('orders', 'b');
    const response = await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    expect(response.extFields['offset']).toBe('1');
    const offset = await target.call(Requests.queryConsumerOffset, {
      consumerGroup: 'consumers',
      topic: 'orders',
      queueId: 0,
      setZeroIfNotFound: false,
    });
    expect(offset.code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });

  it('of the system are not deleted', async () => {
    const response = await target.call(Requests.deleteTopicInBroker, { topic: 'SCHEDULE_TOPIC_XXXX' });
    expect(response.code).toBe(ResponseCode.INVALID_PARAMETER);
  });

  it('tell how many messages their queues have', async () => {
    await create('orders');
    await target.send('orders', 'a', { queueId: 1 });
    const response = await target.call(Requests.getTopicStatsInfo, { topic: 'orders' });
    const { offsetTable } = parseTopicStatsTable(response.body!);
    expect(offsetTable.map(({ queue, minOffset, maxOffset }) => [queue.queueId, minOffset, maxOffset])).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [2, 0, 0],
    ]);
    expect(offsetTable[0]?.queue).toMatchObject({ topic: 'orders', brokerName: 'broker-a' });
    expect(Math.abs((offsetTable[1]?.lastUpdateTimestamp ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('tell who consumes them, and which belong to the system', async () => {
    await target.send('orders', 'a');
    await target.pull('orders', { sysFlag: 5, commitOffset: 1 });
    const groups = await target.call(Requests.queryTopicConsumeByWho, { topic: 'orders' });
    expect(parseGroupList(groups.body!).groupList).toEqual(['consumers']);
    const topics = await target.call(Requests.getSystemTopicListFromBroker, {});
    expect(parseTopicList(topics.body!).topicList).toEqual(
      expect.arrayContaining(['TBW102', 'SCHEDULE_TOPIC_XXXX', 'DefaultCluster', 'broker-a']),
    );
  });
});
