import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admin } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { freePort } from '../support/ports.js';
import { Servers } from '../support/servers.js';

const PATIENCE_MS = 60_000;

describe("a broker under Apache's controller", () => {
  let home: string;
  let controller: string;
  let servers: Servers;
  let admin: Admin;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'rocketnest-controller-'));
    controller = `127.0.0.1:${await freePort()}`;
    servers = await Servers.start('apache', {
      namesrv: {
        enableControllerInNamesrv: true,
        controllerDLegerGroup: 'controllers',
        controllerDLegerPeers: `n0-${controller}`,
        controllerDLegerSelfId: 'n0',
        controllerStorePath: home,
        mappedFileSize: 4 * 1024 * 1024,
      },
      broker: { enableControllerMode: true, controllerAddr: controller, controllerHeartBeatTimeoutMills: 10_000 },
    });
    admin = new Admin({ namesrvAddr: servers.namesrvAddr, requestTimeoutMs: 30_000 });
    await admin.start();
  });
  afterAll(async () => {
    await admin?.close();
    await servers?.[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  it('is seen with its master, its replicas and its epochs', async () => {
    const { controllers, brokers } = admin;
    expect(await controllers.metadata(controller)).toMatchObject({
      group: 'controllers',
      leaderAddress: controller,
      isLeader: true,
    });
    const [broker] = await waitFor(() => brokers.list(), { timeoutMs: PATIENCE_MS, what: 'the broker' });
    const { brokerName, address } = broker!;
    const state = await waitFor(
      async () => {
        const found = (await controllers.syncState(controller, [brokerName]))[brokerName];
        return found?.masterAddress === address ? found : undefined;
      },
      { timeoutMs: PATIENCE_MS, what: 'the master in the state of the controller' },
    );
    expect(state.inSyncReplicas).toMatchObject([{ brokerName, brokerAddress: address, alive: true }]);
    expect(state.notInSyncReplicas).toEqual([]);
    const { items } = await brokers.epochs();
    expect(items).toMatchObject([{ brokerName, epochList: [{ epoch: state.masterEpoch, startOffset: 0 }] }]);
    const { properties } = (await controllers.config([controller])).items[0]!;
    expect(properties['controllerDLegerGroup']).toBe('controllers');
  });

  it('is told when somebody asks for what is not there', async () => {
    const { controllers } = admin;
    expect(await controllers.syncState(controller, ['nobody'])).toEqual({});
    const broker = { cluster: 'DefaultCluster', brokerName: 'nobody', brokerId: 1 };
    await expect(controllers.electMaster(controller, broker)).rejects.toThrow(
      /CONTROLLER_ELECT_MASTER to .* was answered/,
    );
    await expect(
      controllers.cleanBrokerData(controller, { cluster: 'DefaultCluster', brokerName: 'nobody' }),
    ).rejects.toThrow(/CLEAN_BROKER_DATA to .* was answered/);
  });
});
