import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { startCluster, unique } from '@rocketnest/testing';
import { Admin } from '../../src/index.js';

it('a change reaches the name servers of an endpoint that nobody asked yet', async () => {
  await using cluster = await startCluster();
  const endpoint = createServer((_request, response) => response.end(cluster.namesrvAddr)).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => endpoint.once('listening', resolve));
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/list`;
    await using admin = new Admin({ nameServerEndpoint: url });
    await admin.start();
    const topic = unique('topic');
    await admin.topics.setOrderConf(topic, { 'broker-a': 1 });
    expect(await admin.topics.orderConf(topic)).toBe('broker-a:1');
  } finally {
    endpoint.closeAllConnections();
    endpoint.close();
  }
});

it('brokers are meant by cluster, by name and by address', async () => {
  await using cluster = await startCluster({ brokers: [{ brokerClusterName: 'one' }, { brokerClusterName: 'two' }] });
  await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
  const names = async (where: object) => (await admin.cluster.brokerMembers(where)).map((member) => member.brokerName);
  expect(await names({ cluster: 'two' })).toEqual(['broker-b']);
  expect(await names({ broker: 'broker-a' })).toEqual(['broker-a']);
  expect(await names({ broker: cluster.brokers[1]!.address })).toEqual(['broker-b']);
  await expect(names({ cluster: 'one', broker: 'broker-b' })).rejects.toThrow(
    'Cluster one has no broker broker-b (clusters: one, two; brokers: broker-a, broker-b)',
  );
});
