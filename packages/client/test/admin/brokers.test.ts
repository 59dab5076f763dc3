import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, ConnectionError, ResponseError } from '@rocketnest/protocol';
import { unique } from '@rocketnest/testing';
import { Admin, Producer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('admin.brokers', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
  });
  afterAll(() => cluster.close());

  it('tells what every broker is doing', async () => {
    const producer = new Producer({ group: unique('producers') }, cluster.admin.instance);
    await producer.start();
    const topic = await cluster.topic(1);
    for (let i = 0; i < 4; i++) await producer.send({ topic, body: 'x'.repeat(100) });
    await producer.close();
    const { items, failures } = await cluster.admin.brokers.runtimeInfo();
    expect(failures).toEqual([]);
    expect(items.map(({ brokerName }) => brokerName).sort()).toEqual(['broker-a', 'broker-b']);
    for (const broker of items) {
      expect(broker.version).toBe('V5_5_0');
      expect(broker.bootTime).toBeGreaterThan(Date.now() - 600_000);
      expect(broker.commitLogMaxOffset).toBeGreaterThan(0);
      expect(broker.commitLogDiskRatio).toBeGreaterThan(0);
      expect(broker.commitLogDiskRatio).toBeLessThanOrEqual(1);
      expect(broker.putRates).toEqual({
        last10s: expect.any(Number),
        last60s: expect.any(Number),
        last600s: expect.any(Number),
      });
      expect(broker.sendQueue.capacity).toBeGreaterThan(0);
      expect(broker.table['brokerVersionDesc']).toBe('V5_5_0');
    }
    expect(items.reduce((sum, { putToday }) => sum + putToday, 0)).toBeGreaterThanOrEqual(4);
  });

  it('reads and changes the configuration of one broker or of all', async () => {
    const { brokers } = cluster.admin;
    await brokers.updateConfig({ maxTransferCountOnMessageInMemory: '48' }, { broker: 'broker-b' });
    const of = async () =>
      Object.fromEntries(
        (await brokers.config()).items.map(({ brokerName, properties }) => [
          brokerName,
          properties['maxTransferCountOnMessageInMemory'],
        ]),
      );
    expect(await of()).toEqual({ 'broker-a': '32', 'broker-b': '48' });
    const address = (await brokers.list({ broker: 'broker-a' }))[0]!.address;
    await brokers.updateConfig({ maxTransferCountOnMessageInMemory: '49' }, { broker: address });
    expect(await of()).toEqual({ 'broker-a': '49', 'broker-b': '48' });
    await brokers.updateConfig({ maxTransferCountOnMessageInMemory: '32' });
    expect(await of()).toEqual({ 'broker-a': '32', 'broker-b': '32' });
  });

  it.each([
    ['nothing', {}, /No properties/],
    ['an impossible permission', { brokerPermission: '7' }, /2 \(write\), 4 \(read\) or 6/],
    ['a value of two lines', { brokerName: 'a\nb=c' }, /texts of one line/],
    ['a key with a space', { 'a b': 'c' }, /keys are letters/],
  ])('refuses to change %s', async (_what, properties, error) => {
    const change = cluster.admin.brokers.updateConfig(properties as Record<string, string>);
    await expect(change).rejects.toThrow(ConfigurationError);
    await expect(change).rejects.toThrow(error);
  });

  it('counts by name; what was never counted is null', async () => {
    const producer = new Producer({ group: unique('producers') }, cluster.admin.instance);
    await producer.start();
    const topic = await cluster.topic(1);
    const { queue } = await producer.send({ topic, body: 'x' });
    await producer.close();
    const { items } = await cluster.admin.brokers.stats('TOPIC_PUT_NUMS', topic, { broker: queue.brokerName });
    expect(items).toMatchObject([{ brokerName: queue.brokerName, stats: { statsDay: { sum: expect.any(Number) } } }]);
    const none = await cluster.admin.brokers.stats('TOPIC_PUT_NUMS', unique('nothing'));
    expect(none.items.map(({ stats }) => stats)).toEqual([null, null]);
  });

  it('tells the offsets of all groups, replication, and does upkeep on demand', async () => {
    const { brokers } = cluster.admin;
    expect((await brokers.consumeStats()).items).toHaveLength(2);
    expect((await brokers.haStatus()).items).toMatchObject([{ master: true }, { master: true }]);
    await brokers.cleanExpiredConsumeQueues();
    await brokers.cleanUnusedTopics({ broker: 'broker-a' });
    await brokers.deleteExpiredCommitLogs();
    await brokers.switchTimerEngine('FILE_TIME_WHEEL');
    await expect(brokers.switchTimerEngine('ROCKSDB_TIMELINE')).rejects.toThrow(ResponseError);
  });

  it('lists the answers of live brokers beside the failure of one that cannot be reached', async () => {
    const [, lost] = (await cluster.admin.brokers.list()).sort((a, b) => (a.brokerName < b.brokerName ? -1 : 1));
    await using admin = new Admin({
      namesrvAddr: cluster.namesrvAddr,
      // Nobody listens on port 1.
      addressMap: (address) => (address === lost!.address ? '127.0.0.1:1' : address),
    });
    await admin.start();
    const { items, failures } = await admin.brokers.runtimeInfo();
    expect(items.map(({ brokerName }) => brokerName)).toEqual(['broker-a']);
    expect(failures).toEqual([{ brokerName: 'broker-b', address: lost!.address, error: expect.any(ConnectionError) }]);
    await expect(admin.brokers.cleanUnusedTopics()).rejects.toThrow(
      /are removed on broker-a, but not on broker-b .*safe to repeat/,
    );
  });
});
