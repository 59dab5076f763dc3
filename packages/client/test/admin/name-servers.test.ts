import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unique, waitFor } from '@rocketnest/testing';
import { TestCluster } from '../support/cluster.js';

describe('admin.nameServers', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(() => cluster.close());

  it('shows what each name server sees, and those that do not answer', async () => {
    const { nameServers } = cluster.admin;
    expect(nameServers.addresses()).toEqual([cluster.namesrvAddr]);
    expect((await nameServers.clusters()).items).toMatchObject([
      { address: cluster.namesrvAddr, brokerAddrTable: { 'broker-a': { brokerName: 'broker-a' } } },
    ]);
  });

  it('keeps keys and values by namespace', async () => {
    const { nameServers } = cluster.admin;
    const namespace = unique('namespace');
    expect(await nameServers.keyValues(namespace)).toEqual({});
    expect(await nameServers.keyValue(namespace, 'a')).toBeUndefined();
    await nameServers.putKeyValue(namespace, 'a', '1');
    await nameServers.putKeyValue(namespace, 'b', 'zwei = 2');
    expect(await nameServers.keyValues(namespace)).toEqual({ a: '1', b: 'zwei = 2' });
    await nameServers.deleteKeyValue(namespace, 'a');
    expect(await nameServers.keyValues(namespace)).toEqual({ b: 'zwei = 2' });
  });

  it('reads and changes the configuration', async () => {
    const { nameServers } = cluster.admin;
    const [before] = (await nameServers.config()).items;
    expect(Object.keys(before!.properties).length).toBeGreaterThan(3);
    await nameServers.updateConfig({ orderMessageEnable: 'true' });
    expect((await nameServers.config()).items[0]!.properties['orderMessageEnable']).toBe('true');
    await nameServers.updateConfig({ orderMessageEnable: 'false' });
  });

  it('takes a broker out of service for producers and back', async () => {
    const { nameServers, topics } = cluster.admin;
    const topic = await cluster.topic(2);
    const perm = async () => (await topics.route(topic))!.queueDatas[0]!.perm;
    expect(await perm()).toBe(6);
    const wiped = await nameServers.wipeWritePerm('broker-a');
    expect(wiped.items[0]!.topics).toBeGreaterThan(0);
    await waitFor(async () => (await perm()) === 4, { what: 'the route to lose its write permission' });
    await nameServers.addWritePerm('broker-a');
    await waitFor(async () => (await perm()) === 6, { what: 'the route to have it again' });
  });
});
