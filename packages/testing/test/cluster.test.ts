import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, createRequest, parseClusterInfo, Requests } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { startCluster } from '../src/cluster.js';

async function brokersOf(namesrvAddr: string): Promise<Record<string, Record<number, string>>> {
  const client = new RemotingClient();
  const answer = await client.request(namesrvAddr, createRequest(Requests.getBrokerClusterInfo, {}));
  await client.close();
  const { brokerAddrTable } = parseClusterInfo(answer.body);
  return Object.fromEntries(Object.entries(brokerAddrTable).map(([name, { brokerAddrs }]) => [name, brokerAddrs]));
}

describe('startCluster', () => {
  it('resolves when the name server knows the brokers, and leaves nothing behind', async () => {
    let rootDir = '';
    {
      await using cluster = await startCluster({ brokers: 2 });
      rootDir = cluster.rootDir;
      expect(await brokersOf(cluster.namesrvAddr)).toEqual({
        'broker-a': { 0: cluster.brokers[0]!.address },
        'broker-b': { 0: cluster.brokers[1]!.address },
      });
      expect(readdirSync(rootDir).sort()).toEqual(['broker-a', 'broker-b']);
    }
    expect(existsSync(rootDir)).toBe(false);
  });

  it('takes options for all brokers and for each', async () => {
    const brokers = [{ brokerName: 'special' }, { defaultTopicQueueNums: 2 }];
    await using cluster = await startCluster({
      brokers,
      broker: { brokerClusterName: 'test', defaultTopicQueueNums: 3 },
    });
    expect(
      cluster.brokers.map(({ options }) => [
        options.brokerName,
        options.brokerClusterName,
        options.defaultTopicQueueNums,
      ]),
    ).toEqual([
      ['special', 'test', 3],
      ['broker-b', 'test', 2],
    ]);
  });

  it('keeps a directory that it was given', async () => {
    const rootDir = mkdtempSync(join(tmpdir(), 'kept-'));
    try {
      const cluster = await startCluster({ rootDir });
      await cluster.close();
      await cluster.close();
      expect(existsSync(join(rootDir, 'broker-a', 'commitlog'))).toBe(true);
    } finally {
      rmSync(rootDir, { recursive: true });
    }
  });

  it('stops what it started when a part does not start', async () => {
    const rootDir = mkdtempSync(join(tmpdir(), 'kept-'));
    const taken = await startCluster();
    try {
      const listenPort = taken.brokers[0]!.port;
      await expect(startCluster({ rootDir, brokers: [{}, { listenPort }] })).rejects.toThrow(`:${listenPort}`);
      // The broker that did start has let go of its data, which no two brokers may use.
      const cluster = await startCluster({ rootDir });
      await cluster.close();
    } finally {
      await taken.close();
      rmSync(rootDir, { recursive: true });
    }
  });

  it('refuses wrong options', async () => {
    await expect(startCluster({ broker: { flushDiskType: 'SOMETIMES' as 'SYNC_FLUSH' } })).rejects.toThrow(
      ConfigurationError,
    );
  });
});
