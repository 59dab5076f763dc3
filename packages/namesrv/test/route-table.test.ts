import { beforeEach, describe, expect, it } from '@jest/globals';
import { ResponseCode, ResponseError } from '@rocketnest/protocol';
import { type MinBrokerIdChange, RouteTable, type RouteTableOptions } from '../src/route-table.js';
import { registration, tableOptions, topic } from './support.js';

let now = 0;
let changes: MinBrokerIdChange[] = [];

function newTable(options: Partial<RouteTableOptions> = {}): RouteTable {
  return new RouteTable(
    { ...tableOptions, ...options },
    () => now,
    (change) => changes.push(change),
  );
}

beforeEach(() => {
  now = 1_000_000;
  changes = [];
});

const slave = (brokerId: number, special = {}) =>
  registration({
    brokerId,
    brokerAddr: `10.0.0.${brokerId + 1}:10911`,
    haServerAddr: `10.0.0.${brokerId + 1}:10912`,
    ...special,
  });
const nextVersion = { stateVersion: 0, timestamp: 2, counter: 2 };

describe('registration', () => {
  it('makes the topics of a master routable', () => {
    const table = newTable();
    table.register(registration());
    expect(table.route('t1')).toEqual({
      queueDatas: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
      brokerDatas: [
        { cluster: 'c1', brokerName: 'broker-a', brokerAddrs: { 0: '10.0.0.1:10911' }, enableActingMaster: false },
      ],
      filterServerTable: {},
    });
    expect(table.route('t3')).toBeUndefined();
  });

  it('joins the brokers of a topic in one route', () => {
    const table = newTable();
    table.register(registration());
    table.register(
      registration({
        brokerName: 'broker-b',
        brokerAddr: '10.0.0.9:10911',
        topicConfigs: [topic('t1', { writeQueueNums: 8 }), topic('t9')],
      }),
    );
    const route = table.route('t1')!;
    expect(route.queueDatas.map(({ brokerName, writeQueueNums }) => [brokerName, writeQueueNums])).toEqual([
      ['broker-a', 4],
      ['broker-b', 8],
    ]);
    expect(route.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a', 'broker-b']);
    expect(table.route('t9')!.brokerDatas).toHaveLength(1);
  });

  it('gives a slave the addresses of its master and adds it to the group, but takes no topics from it', () => {
    const table = newTable();
    expect(table.register(registration())).toEqual({});
    const master = table.register(slave(1, { topicConfigs: [topic('only-on-slave'), topic('x')] }));
    expect(master).toEqual({ masterAddr: '10.0.0.1:10911', haServerAddr: '10.0.0.1:10912' });
    expect(table.members('broker-a')).toEqual({ 0: '10.0.0.1:10911', 1: '10.0.0.2:10911' });
    expect(table.route('only-on-slave')).toBeUndefined();
  });

  it('takes the topics of the first slave of a group without master, without WRITE where it acts as master', () => {
    const table = newTable();
    table.register(slave(1, { enableActingMaster: true }));
    expect(table.route('t1')!.queueDatas[0]!.perm).toBe(4);
    const old = newTable();
    old.register(slave(1, { enableActingMaster: undefined }));
    expect(old.route('t1')).toBeUndefined();
  });

  it('refuses a single topic of a broker that has not registered all of them, and leaves no trace of it', () => {
    const table = newTable();
    const single = registration({ topicConfigs: [topic('t1')] });
    expect(() => table.register(single)).toThrow(ResponseError);
    expect(() => table.register(single)).toThrow(expect.objectContaining({ responseCode: ResponseCode.SYSTEM_ERROR }));
    expect(table.clusterInfo()).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
    table.register(registration());
    table.register(registration({ topicConfigs: [topic('t3')], dataVersion: nextVersion }));
    expect(table.allTopics().topicList).toEqual(['t1', 't2', 't3']);
  });

  it('changes topics when the data version changed, and only then', () => {
    const table = newTable();
    table.register(registration());
    const moreQueues = [topic('t1', { readQueueNums: 16 }), topic('t2')];
    table.register(registration({ topicConfigs: moreQueues }));
    expect(table.route('t1')!.queueDatas[0]!.readQueueNums).toBe(4);
    table.register(registration({ topicConfigs: moreQueues, dataVersion: nextVersion }));
    expect(table.route('t1')!.queueDatas[0]!.readQueueNums).toBe(16);
  });

  it('keeps topics that a registration no longer names, unless told to delete them', () => {
    const rest = [topic('t1'), topic('t3')];
    const table = newTable();
    table.register(registration());
    table.register(registration({ topicConfigs: rest, dataVersion: nextVersion }));
    expect(table.allTopics().topicList).toEqual(['t1', 't2', 't3']);

    const deleting = newTable({ deleteTopicWithBrokerRegistration: true });
    deleting.register(registration());
    deleting.register(registration({ topicConfigs: rest, dataVersion: nextVersion }));
    expect(deleting.allTopics().topicList).toEqual(['t1', 't3']);
  });

  it('moves an address to its new broker id', () => {
    const table = newTable();
    table.register(slave(1));
    table.register(slave(1, { brokerId: 0 }));
    expect(table.members('broker-a')).toEqual({ 0: '10.0.0.2:10911' });
  });

  it('ignores a broker that claims the id of one with a newer state', () => {
    const table = newTable();
    table.register(registration({ dataVersion: { stateVersion: 5, timestamp: 1, counter: 1 } }));
    table.register(registration({ brokerAddr: '10.0.0.7:10911' }));
    expect(table.members('broker-a')).toEqual({ 0: '10.0.0.1:10911' });
    table.register(
      registration({ brokerAddr: '10.0.0.7:10911', dataVersion: { stateVersion: 5, timestamp: 1, counter: 1 } }),
    );
    expect(table.members('broker-a')).toEqual({ 0: '10.0.0.7:10911' });
  });

  it('carries filter servers, zone and static queue mappings into routes', () => {
    const table = newTable();
    table.register(
      registration({
        filterServers: ['10.0.0.1:30000'],
        zoneName: 'z1',
        queueMappings: { t1: { bname: 'broker-a', totalQueues: 8 } },
      }),
    );
    expect(table.route('t1')).toMatchObject({
      brokerDatas: [{ zoneName: 'z1' }],
      filterServerTable: { '10.0.0.1:10911': ['10.0.0.1:30000'] },
      topicQueueMappingByBroker: { 'broker-a': { bname: 'broker-a', totalQueues: 8 } },
    });
    expect(table.route('t2')).not.toHaveProperty('topicQueueMappingByBroker');
  });

  it('forgets the queue mapping of a topic that its broker registers without one', () => {
    const table = newTable();
    const counted = (counter: number) => ({ dataVersion: { stateVersion: 0, timestamp: 1, counter } });
    table.register(registration({ ...counted(1), queueMappings: { t1: {}, t2: {} } }));
    table.register(registration({ ...counted(2), queueMappings: { t2: {} } }));
    expect(table.route('t1')).not.toHaveProperty('topicQueueMappingByBroker');
    expect(table.route('t2')).toHaveProperty('topicQueueMappingByBroker');
  });

  it('hands out routes that are the callers own', () => {
    const table = newTable();
    table.register(registration());
    const route = table.route('t1')!;
    route.queueDatas[0]!.perm = 0;
    route.brokerDatas[0]!.brokerAddrs[0] = 'elsewhere';
    expect(table.route('t1')).toMatchObject({
      queueDatas: [{ perm: 6 }],
      brokerDatas: [{ brokerAddrs: { 0: '10.0.0.1:10911' } }],
    });
  });
});

describe('data versions', () => {
  it('are changed for unknown brokers and different versions', () => {
    const table = newTable();
    const { clusterName, brokerAddr, dataVersion } = registration();
    expect(table.isChanged(clusterName, brokerAddr, dataVersion)).toBe(true);
    table.register(registration());
    expect(table.isChanged(clusterName, brokerAddr, { ...dataVersion })).toBe(false);
    for (const special of [{ stateVersion: 9 }, { timestamp: 9 }, { counter: 9 }]) {
      expect(table.isChanged(clusterName, brokerAddr, { ...dataVersion, ...special })).toBe(true);
    }
    expect(table.dataVersion(clusterName, brokerAddr)).toEqual(dataVersion);
    expect(table.dataVersion('other cluster', brokerAddr)).toBeUndefined();
  });
});

describe('leaving', () => {
  it('removes the last broker of a name with its topics and its cluster', () => {
    const table = newTable();
    table.register(registration());
    table.unregister(registration());
    expect(table.allTopics().topicList).toEqual([]);
    expect(table.clusterInfo()).toEqual({ brokerAddrTable: {}, clusterAddrTable: {} });
    expect(table.dataVersion('c1', '10.0.0.1:10911')).toBeUndefined();
  });

  it('keeps the topics while a slave is left, readable only where slaves act as master', () => {
    for (const [enableActingMaster, perm] of [
      [false, 6],
      [true, 4],
    ] as const) {
      const table = newTable();
      table.register(registration({ enableActingMaster }));
      table.register(slave(1, { enableActingMaster }));
      table.unregister(registration());
      expect(table.route('t1')).toMatchObject({
        queueDatas: [{ perm }],
        brokerDatas: [{ brokerAddrs: { 1: '10.0.0.2:10911' } }],
      });
    }
  });

  it('is noticed when the connection closes', () => {
    const table = newTable();
    const connection = {};
    table.register(registration({ connection }));
    table.register(registration({ brokerName: 'broker-b', brokerAddr: '10.0.0.9:10911', connection: {} }));
    expect(table.connectionClosed({})).toEqual([]);
    expect(table.connectionClosed(connection)).toMatchObject([{ brokerName: 'broker-a' }]);
    expect(table.route('t1')!.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
  });

  it('does not follow from the end of a connection the broker has replaced', () => {
    const table = newTable();
    const first = {};
    table.register(registration({ connection: first }));
    table.register(registration({ connection: {} }));
    expect(table.connectionClosed(first)).toEqual([]);
    expect(table.route('t1')).toBeDefined();
  });

  it('is assumed after silence: 120 s, or what the broker says', () => {
    const table = newTable();
    table.register(registration());
    table.register(registration({ brokerName: 'broker-b', brokerAddr: '10.0.0.9:10911', heartbeatTimeoutMs: 10_000 }));
    now += 10_000;
    expect(table.expire()).toEqual([]);
    now += 1;
    expect(table.expire()).toMatchObject([{ brokerName: 'broker-b' }]);
    now += 109_999;
    table.heartbeat('c1', '10.0.0.1:10911');
    now += 120_000;
    expect(table.expire()).toEqual([]);
    now += 1;
    expect(table.expire()).toMatchObject([{ brokerName: 'broker-a', connection: {} }]);
    expect(table.allTopics().topicList).toEqual([]);
  });
});

describe('acting master', () => {
  it('is the slave with the lowest id, in routes only, where supported and enabled', () => {
    const addrsAfterMasterLeft = (
      options: Partial<RouteTableOptions>,
      enableActingMaster: boolean,
      topicName = 't1',
    ) => {
      const table = newTable(options);
      const topicConfigs = [topic('t1'), topic('rmq_sys_SYNC_BROKER_MEMBER_broker-a')];
      table.register(registration({ enableActingMaster, topicConfigs }));
      table.register(slave(2, { enableActingMaster, topicConfigs }));
      table.register(slave(1, { enableActingMaster, topicConfigs }));
      table.unregister(registration());
      expect(table.members('broker-a')).toEqual({ 1: '10.0.0.2:10911', 2: '10.0.0.3:10911' });
      return table.route(topicName)!.brokerDatas[0]!.brokerAddrs;
    };
    const asTheyAre = { 1: '10.0.0.2:10911', 2: '10.0.0.3:10911' };
    expect(addrsAfterMasterLeft({ supportActingMaster: true }, true)).toEqual({
      0: '10.0.0.2:10911',
      2: '10.0.0.3:10911',
    });
    expect(addrsAfterMasterLeft({ supportActingMaster: true }, false)).toEqual(asTheyAre);
    expect(addrsAfterMasterLeft({ supportActingMaster: false }, true)).toEqual(asTheyAre);
    expect(addrsAfterMasterLeft({ supportActingMaster: true }, true, 'rmq_sys_SYNC_BROKER_MEMBER_broker-a')).toEqual(
      asTheyAre,
    );
  });

  it('is announced to the group when the lowest id changes', () => {
    const table = newTable({ notifyMinBrokerIdChanged: true });
    const enableActingMaster = true;
    table.register(slave(2, { enableActingMaster }));
    table.register(slave(1, { enableActingMaster }));
    table.register(registration({ enableActingMaster }));
    expect(changes.map(({ minBrokerId, addresses }) => [minBrokerId, addresses])).toEqual([
      [1, ['10.0.0.3:10911']],
      [0, ['10.0.0.3:10911', '10.0.0.2:10911']],
    ]);
    table.unregister(registration());
    expect(changes[2]).toEqual({
      minBrokerId: 1,
      minBrokerAddr: '10.0.0.2:10911',
      offlineBrokerAddr: '10.0.0.1:10911',
      haBrokerAddr: undefined,
      addresses: ['10.0.0.3:10911', '10.0.0.2:10911'],
    });
    table.unregister(slave(2));
    expect(changes).toHaveLength(3);
  });

  it('is announced to nobody by default', () => {
    const table = newTable();
    table.register(slave(1));
    table.register(registration());
    expect(changes).toEqual([]);
  });
});

describe('write permission', () => {
  it('is taken from all topics of a broker and survives unchanged registrations', () => {
    const table = newTable();
    table.register(registration());
    expect(table.wipeWritePerm('broker-a')).toBe(2);
    expect(table.wipeWritePerm('nobody')).toBe(0);
    table.register(registration());
    expect(table.route('t1')!.queueDatas[0]!.perm).toBe(4);
    expect(table.addWritePerm('broker-a')).toBe(2);
    expect(table.route('t1')!.queueDatas[0]!.perm).toBe(6);
  });

  it('comes back with a changed registration', () => {
    const table = newTable();
    table.register(registration());
    table.wipeWritePerm('broker-a');
    table.register(registration({ dataVersion: nextVersion }));
    expect(table.route('t1')!.queueDatas[0]!.perm).toBe(6);
  });
});

describe('topic lists', () => {
  const table = (): RouteTable => {
    const result = newTable();
    result.register(
      registration({
        topicConfigs: [
          topic('plain'),
          topic('unit', { topicSysFlag: 1 }),
          topic('sub', { topicSysFlag: 2 }),
          topic('both', { topicSysFlag: 3 }),
        ],
      }),
    );
    result.register(
      registration({
        clusterName: 'c2',
        brokerName: 'broker-z',
        brokerAddr: '10.0.0.9:10911',
        topicConfigs: [topic('plain'), topic('z')],
      }),
    );
    return result;
  };

  it('name the topics of a cluster, each once', () => {
    expect(table().topicsOfCluster('c1').topicList).toEqual(['plain', 'unit', 'sub', 'both']);
    expect(table().topicsOfCluster('c2').topicList).toEqual(['plain', 'z']);
    expect(table().topicsOfCluster('nowhere').topicList).toEqual([]);
  });

  it('name the system topics and a broker to ask', () => {
    expect(table().systemTopics()).toEqual({
      topicList: ['c1', 'broker-a', 'c2', 'broker-z'],
      brokerAddr: '10.0.0.1:10911',
    });
    expect(newTable().systemTopics()).toEqual({ topicList: [] });
  });

  it('select by unit flags', () => {
    expect(table().topicsWithFlag(1).topicList).toEqual(['unit', 'both']);
    expect(table().topicsWithFlag(2).topicList).toEqual(['sub', 'both']);
    expect(table().topicsWithFlag(2, 1).topicList).toEqual(['sub']);
  });

  it('change by hand', () => {
    const routes = table();
    const data = { brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 };
    routes.registerTopic('byHand', [data]);
    routes.registerTopic('nobodys', [data, { ...data, brokerName: 'nobody' }]);
    expect(routes.route('byHand')!.queueDatas).toEqual([data]);
    expect(routes.route('nobodys')).toBeUndefined();
    routes.deleteTopic('plain', 'c2');
    expect(routes.route('plain')!.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-a']);
    routes.deleteTopic('plain');
    expect(routes.route('plain')).toBeUndefined();
  });

  it('leave no empty entry behind', () => {
    const routes = table();
    routes.deleteTopic('z', 'c2');
    routes.deleteTopic('z', 'c2');
    expect(routes.allTopics().topicList).not.toContain('z');
  });
});
