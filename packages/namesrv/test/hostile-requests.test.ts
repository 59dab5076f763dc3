import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRequest, encodeRegisterBrokerBody, parseTopicRoute, Requests, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';

import { type HostileRequest, hostileRequests } from '../../protocol/test/hostile.js';
import { NameServer } from '../src/name-server.js';
import { topic } from './support.js';

const MIB = 1024 * 1024;

const honestFields = {
  topic: 'honest',
  brokerName: 'broker-a',
  clusterName: 'c1',
  cluster: 'c1',
  brokerAddr: '10.0.0.1:10911',
  haServerAddr: '10.0.0.1:10912',
  namespace: 'honest',
  key: 'k',
  value: 'v',
};

const dataVersion = { stateVersion: 0, timestamp: 1, counter: 1 };
const wrapper = {
  dataVersion,
  topicConfigTable: { honest: topic('honest'), other: topic('other') },
  topicQueueMappingInfoMap: {},
  topicQueueMappingDetailMap: {},
};

const honestBodies = {
  REGISTER_BROKER: { topicConfigSerializeWrapper: wrapper, filterServerList: [] },
  REGISTER_TOPIC_IN_NAMESRV: {
    cluster: 'c1',
    brokerDatas: [{ brokerAddrs: { 0: '10.0.0.1:10911' }, brokerName: 'broker-a', cluster: 'c1' }],
    filterServerTable: {},
    queueDatas: [{ brokerName: 'broker-a', perm: 6, readQueueNums: 4, topicSysFlag: 0, writeQueueNums: 4 }],
  },
  QUERY_DATA_VERSION: dataVersion,
  UPDATE_NAMESRV_CONFIG: 'kvConfigPath=../../hostile\nlistenPort=1\n',
};

describe('a name server under hostile requests', () => {
  let directory: string;
  let server: NameServer;
  let client: RemotingClient;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'namesrv-'));
    server = new NameServer({
      host: '127.0.0.1',
      port: 0,
      kvConfigPath: join(directory, 'kvConfig.json'),
      configStorePath: join(directory, 'namesrv.properties'),
      // Registrations here may say that they expire at once; their connection is closed then, rightly, and this test has only one.
      scanIntervalMs: 3_600_000,
    });
    await server.start();
    client = new RemotingClient();
  });
  afterAll(async () => {
    await client.close();
    await server.close();
    await rm(directory, { recursive: true });
  });

  /** A broker registers, and a client finds it. */
  const serveHonestly = async (): Promise<void> => {
    const registered = await client.request(
      server.address,
      createRequest(
        Requests.registerBroker,
        {
          brokerName: 'broker-a',
          brokerAddr: '10.0.0.1:10911',
          clusterName: 'c1',
          haServerAddr: '10.0.0.1:10912',
          brokerId: 0,
        },
        encodeRegisterBrokerBody({ topicConfigSerializeWrapper: wrapper, filterServerList: [] }),
      ),
      { timeoutMs: 5_000 },
    );
    expect([registered.code, registered.remark]).toEqual([ResponseCode.SUCCESS, null]);
    const route = await client.request(
      server.address,
      createRequest(Requests.getRouteinfoByTopic, { topic: 'honest' }),
      { timeoutMs: 5_000 },
    );
    expect(parseTopicRoute(route.body!).brokerDatas.map(({ brokerName }) => brokerName)).toContain('broker-a');
  };

  async function ask({ what, command, mustFail }: HostileRequest): Promise<string | null> {
    try {
      const { code, remark } = await client.request(server.address, command, { timeoutMs: 20_000 });
      if (mustFail && code === ResponseCode.SUCCESS) return `${what}: accepted`;
      return /^(Type|Range|Reference|Syntax)?Error:/.test(remark ?? '') ? `${what}: ${remark?.slice(0, 200)}` : null;
    } catch (error) {
      return `${what}: ${String(error).slice(0, 200)}`;
    }
  }

  it('answers each with an error, or does no harm, and goes on serving', async () => {
    const before = process.memoryUsage();
    const failures: string[] = [];
    let batch: HostileRequest[] = [];
    const flush = async (): Promise<void> => {
      await serveHonestly();
      failures.push(...(await Promise.all(batch.map(ask))).filter((failure) => failure !== null));
      batch = [];
    };
    for (const request of hostileRequests(honestFields, honestBodies)) {
      batch.push(request);
      if (batch.length === 200) await flush();
    }
    await flush();
    await serveHonestly();
    expect(failures).toEqual([]);
    expect((await readdir(tmpdir())).filter((name) => name === 'hostile')).toEqual([]);
    expect(
      (await readdir(directory)).filter((name) => !/^(kvConfig\.json|namesrv\.properties)(\.bak|\.tmp)?$/.test(name)),
    ).toEqual([]);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(400 * MIB);
  }, 120_000);
});
