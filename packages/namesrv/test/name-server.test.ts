import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type BrokerData,
  crc32,
  createRequest,
  createResponse,
  type DecodedCommand,
  encodeDataVersion,
  encodeRegisterBrokerBody,
  encodeRegisterBrokerParts,
  encodeTopicRoute,
  parseClusterInfo,
  parseDataVersion,
  parseGetBrokerMemberGroupResponse,
  parseKVTable,
  parseTopicList,
  parseTopicRoute,
  type RegisterBrokerBody,
  RequestCode,
  Requests,
  ResponseCode,
  type TopicConfig,
} from '@rocketnest/protocol';
import { type Connection, RemotingClient, RemotingServer } from '@rocketnest/remoting';
import { NameServer, type NameServerOptions } from '../src/name-server.js';
import { topic, until } from './support.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'namesrv-'));
  closers.push(() => rmSync(directory, { recursive: true }));
});

async function startNameServer(options: NameServerOptions = {}): Promise<NameServer> {
  const server = new NameServer({ host: '127.0.0.1', port: 0, ...options });
  closers.push(() => server.close());
  await server.start();
  return server;
}

/** A client with a connection of its own, as each broker and each application has. */
async function connect(server: NameServer): Promise<Connection> {
  const client = new RemotingClient();
  closers.push(() => client.close());
  return client.connection(server.address);
}

const dataVersion = { stateVersion: 0, timestamp: 1, counter: 1 };

function body(topics: readonly TopicConfig[] = [topic('t1'), topic('t2')], version = dataVersion): RegisterBrokerBody {
  const topicConfigTable = Object.fromEntries(topics.map((each) => [each.topicName, each]));
  return { topicConfigSerializeWrapper: { topicConfigTable, dataVersion: version }, filterServerList: [] };
}

interface Registration {
  brokerName?: string;
  brokerAddr?: string;
  brokerId?: number;
  haServerAddr?: string;
  heartbeatTimeoutMillis?: number;
  enableActingMaster?: boolean;
  compressed?: boolean;
  bodyCrc32?: number;
  data?: Buffer;
  extFields?: Record<string, string>;
}

function register(
  connection: Connection,
  { data = encodeRegisterBrokerBody(body()), extFields, ...fields }: Registration = {},
) {
  const request = createRequest(
    Requests.registerBroker,
    {
      clusterName: 'c1',
      brokerName: 'broker-a',
      brokerAddr: '10.0.0.1:10911',
      brokerId: 0,
      haServerAddr: '10.0.0.1:10912',
      bodyCrc32: crc32(data),
      ...fields,
    },
    data,
  );
  Object.assign(request.extFields, extFields);
  return connection.request(request, { timeoutMs: 5000 });
}

function ask(connection: Connection, ...request: Parameters<typeof createRequest>): Promise<DecodedCommand> {
  return connection.request(createRequest(...request), { timeoutMs: 5000 });
}

const routeOf = (connection: Connection, topicName: string) =>
  connection.request(createRequest(Requests.getRouteinfoByTopic, { topic: topicName }), { timeoutMs: 5000 });

describe('registration over the wire', () => {
  it('makes routes that any RocketMQ client reads', async () => {
    const connection = await connect(await startNameServer());
    expect(await register(connection)).toMatchObject({ code: ResponseCode.SUCCESS, extFields: {} });
    const answer = await routeOf(connection, 't1');
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    expect(JSON.parse(answer.body!.toString())).toEqual({
      brokerDatas: [
        { brokerAddrs: { 0: '10.0.0.1:10911' }, brokerName: 'broker-a', cluster: 'c1', enableActingMaster: false },
      ],
      filterServerTable: {},
      queueDatas: [{ brokerName: 'broker-a', perm: 6, readQueueNums: 4, topicSysFlag: 0, writeQueueNums: 4 }],
    });
  });

  it('takes compressed bodies', async () => {
    const connection = await connect(await startNameServer());
    const data = deflateSync(encodeRegisterBrokerParts(body([topic('zipped', { writeQueueNums: 7 }), topic('t2')])));
    expect((await register(connection, { data, compressed: true })).code).toBe(ResponseCode.SUCCESS);
    expect(parseTopicRoute((await routeOf(connection, 'zipped')).body).queueDatas[0]!.writeQueueNums).toBe(7);
  });

  it('takes compressed bodies that are not marked as such, as brokers of 5.x send them', async () => {
    const connection = await connect(await startNameServer());
    const data = deflateSync(encodeRegisterBrokerParts(body()), { level: 9 });
    expect((await register(connection, { data, compressed: false })).code).toBe(ResponseCode.SUCCESS);
    expect((await routeOf(connection, 't2')).code).toBe(ResponseCode.SUCCESS);
  });

  it('knows a large body again, and takes in what changed in it', async () => {
    const connection = await connect(await startNameServer());
    const many = Array.from({ length: 1_000 }, (_, index) => topic(`many-${index}`));
    const data = encodeRegisterBrokerBody(body(many));
    await register(connection, { data });
    await ask(connection, Requests.deleteTopicInNamesrv, { topic: 'many-7' });
    expect((await routeOf(connection, 'many-7')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await register(connection, { data });
    expect((await routeOf(connection, 'many-7')).code).toBe(ResponseCode.SUCCESS);
    many[7] = topic('many-7', { readQueueNums: 9 });
    await register(connection, { data: encodeRegisterBrokerBody(body(many, { ...dataVersion, counter: 2 })) });
    expect(parseTopicRoute((await routeOf(connection, 'many-7')).body).queueDatas[0]!.readQueueNums).toBe(9);
  });

  it('refuses a body that does not match its checksum, and takes one without checksum', async () => {
    const connection = await connect(await startNameServer());
    expect(await register(connection, { bodyCrc32: 12345 })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'crc32 not match',
    });
    expect((await routeOf(connection, 't1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await register(connection, { bodyCrc32: 0 })).code).toBe(ResponseCode.SUCCESS);
  });

  it.each([
    ['a body that is no JSON', { data: Buffer.from('{"topicConfig') }, /RegisterBrokerBody|JSON/],
    [
      'a compressed body that does not inflate',
      { data: Buffer.from('not deflated'), compressed: true },
      /does not inflate/,
    ],
    [
      'a topic with a bad number',
      { data: Buffer.from('{"topicConfigSerializeWrapper":{"topicConfigTable":{"t":{"topicName":"t","perm":"x"}}}}') },
      /perm/,
    ],
  ])('answers %s with an error that names it, and stays usable', async (_, special, remark) => {
    const connection = await connect(await startNameServer());
    const answer = await register(connection, special);
    expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(answer.remark).toMatch(remark);
    expect((await register(connection)).code).toBe(ResponseCode.SUCCESS);
  });

  it('names the missing field of a malformed request', async () => {
    const connection = await connect(await startNameServer());
    const request = createRequest(Requests.getRouteinfoByTopic, { topic: 't1' });
    delete request.extFields['topic'];
    const answer = await connection.request(request, { timeoutMs: 5000 });
    expect(answer).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: expect.stringMatching(/GET_ROUTEINFO_BY_TOPIC.*topic/),
    });
  });

  it('tells slaves where their master is', async () => {
    const server = await startNameServer();
    await register(await connect(server));
    const answer = await register(await connect(server), { brokerId: 1, brokerAddr: '10.0.0.2:10911' });
    expect(answer.extFields).toEqual({ masterAddr: '10.0.0.1:10911', haServerAddr: '10.0.0.1:10912' });
  });

  it('answers whether topics changed, and counts the question as a sign of life', async () => {
    let now = 1_000_000;
    const server = await startNameServer({ clock: { now: () => now }, scanIntervalMs: 2 });
    const broker = await connect(server);
    const question = { brokerName: 'broker-a', brokerAddr: '10.0.0.1:10911', clusterName: 'c1', brokerId: 0 };
    const asked = (version: typeof dataVersion) =>
      broker.request(createRequest(Requests.queryDataVersion, question, encodeDataVersion(version)), {
        timeoutMs: 5000,
      });
    expect(await asked(dataVersion)).toMatchObject({ extFields: { changed: 'true' }, body: null });
    await register(broker);
    now += 100_000;
    const same = await asked(dataVersion);
    expect(same.extFields).toEqual({ changed: 'false' });
    expect(parseDataVersion(same.body)).toEqual(dataVersion);
    expect((await asked({ ...dataVersion, counter: 2 })).extFields).toEqual({ changed: 'true' });
    now += 100_000;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await routeOf(broker, 't1')).code).toBe(ResponseCode.SUCCESS);
  });
});

describe('brokers that go away', () => {
  it('are forgotten when their connection closes', async () => {
    const server = await startNameServer();
    const broker = await connect(server);
    const client = await connect(server);
    await register(broker);
    expect((await routeOf(client, 't1')).code).toBe(ResponseCode.SUCCESS);
    broker.close();
    await until('the route is gone', async () => (await routeOf(client, 't1')).code === ResponseCode.TOPIC_NOT_EXIST);
  });

  it('are forgotten and disconnected after silence, unless they send heartbeats', async () => {
    let now = 1_000_000;
    const server = await startNameServer({ clock: { now: () => now }, scanIntervalMs: 2 });
    const silent = await connect(server);
    const beating = await connect(server);
    await register(silent, { heartbeatTimeoutMillis: 10_000 });
    await register(beating, { brokerName: 'broker-b', brokerAddr: '10.0.0.2:10911', heartbeatTimeoutMillis: 10_000 });
    now += 6_000;
    await ask(beating, Requests.brokerHeartbeat, {
      clusterName: 'c1',
      brokerAddr: '10.0.0.2:10911',
      brokerName: 'broker-b',
    });
    now += 6_000;
    await until('the silent broker is disconnected', () => silent.closed);
    const { brokerDatas } = parseTopicRoute((await routeOf(beating, 't1')).body);
    expect(brokerDatas.map(({ brokerName }: BrokerData) => brokerName)).toEqual(['broker-b']);
  });

  it('say good-bye with UNREGISTER_BROKER', async () => {
    const connection = await connect(await startNameServer());
    await register(connection);
    const identity = { brokerName: 'broker-a', brokerAddr: '10.0.0.1:10911', clusterName: 'c1', brokerId: 0 };
    expect((await ask(connection, Requests.unregisterBroker, identity)).code).toBe(ResponseCode.SUCCESS);
    expect((await routeOf(connection, 't1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('are announced to the rest of their group, where that is switched on', async () => {
    const told: DecodedCommand[] = [];
    const slave = new RemotingServer({
      host: '127.0.0.1',
      port: 0,
      processors: new Map([[RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, (request) => void told.push(request)]]),
    });
    await slave.start();
    closers.push(() => slave.close());
    const server = await startNameServer({ notifyMinBrokerIdChanged: true });
    const master = await connect(server);
    await register(master, { enableActingMaster: true });
    const slaveAddr = `127.0.0.1:${slave.port}`;
    await register(await connect(server), { brokerId: 1, brokerAddr: slaveAddr, enableActingMaster: true });
    master.close();
    await until('the slave is told', () => told.length === 1);
    expect(told[0]!.extFields).toEqual({
      minBrokerId: '1',
      minBrokerAddr: slaveAddr,
      offlineBrokerAddr: '10.0.0.1:10911',
    });
  });
});

describe('questions of clients', () => {
  it('about unknown topics are answered with what to check', async () => {
    const connection = await connect(await startNameServer());
    const answer = await routeOf(connection, 'orderz');
    expect(answer.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(answer.remark).toMatch(/^No topic route info in name server for the topic: orderz.*spelling/);
  });

  it('about routes are refused at first where the name server waits for brokers', async () => {
    let now = 1_000_000;
    const server = await startNameServer({
      needWaitForService: true,
      waitSecondsForService: 45,
      clock: { now: () => now },
    });
    const connection = await connect(server);
    await register(connection);
    now += 44_999;
    expect(await routeOf(connection, 't1')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'name server not ready',
    });
    now += 1;
    expect((await routeOf(connection, 't1')).code).toBe(ResponseCode.SUCCESS);
  });

  it('may ask for nearby brokers only', async () => {
    const server = await startNameServer();
    await register(await connect(server), { extFields: { __ZONE_NAME: 'z1' } });
    const connection = await connect(server);
    await register(connection, {
      brokerName: 'broker-b',
      brokerAddr: '10.0.0.2:10911',
      extFields: { __ZONE_NAME: 'z2' },
    });
    const request = createRequest(Requests.getRouteinfoByTopic, { topic: 't1' });
    Object.assign(request.extFields, { __ZONE_MODE: 'true', __ZONE_NAME: 'z2' });
    const route = parseTopicRoute((await connection.request(request, { timeoutMs: 5000 })).body);
    expect(route.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
  });

  it('about cluster, members and topics are answered', async () => {
    const connection = await connect(await startNameServer());
    const topics = [topic('t1'), topic('unit', { topicSysFlag: 1 }), topic('sub', { topicSysFlag: 2 })];
    await register(connection, { data: encodeRegisterBrokerBody(body(topics)) });
    const topicList = async (...request: Parameters<typeof createRequest>) =>
      parseTopicList((await ask(connection, ...request)).body).topicList;

    const info = parseClusterInfo((await ask(connection, Requests.getBrokerClusterInfo, {})).body);
    expect(info.clusterAddrTable).toEqual({ c1: ['broker-a'] });
    expect(info.brokerAddrTable['broker-a']!.brokerAddrs).toEqual({ 0: '10.0.0.1:10911' });
    const members = await ask(connection, Requests.getBrokerMemberGroup, { clusterName: 'c1', brokerName: 'broker-a' });
    expect(parseGetBrokerMemberGroupResponse(members.body).brokerMemberGroup).toEqual({
      cluster: 'c1',
      brokerName: 'broker-a',
      brokerAddrs: { 0: '10.0.0.1:10911' },
    });
    expect(await topicList(Requests.getAllTopicListFromNameserver, {})).toEqual(['t1', 'unit', 'sub']);
    expect(await topicList(Requests.getTopicsByCluster, { cluster: 'c1' })).toEqual(['t1', 'unit', 'sub']);
    expect(await topicList(Requests.getSystemTopicListFromNs, {})).toEqual(['c1', 'broker-a']);
    expect(await topicList(Requests.getUnitTopicList, {})).toEqual(['unit']);
    expect(await topicList(Requests.getHasUnitSubTopicList, {})).toEqual(['sub']);
    expect(await topicList(Requests.getHasUnitSubUnunitTopicList, {})).toEqual(['sub']);
  });

  it('about topic lists are refused where they are switched off', async () => {
    const connection = await connect(await startNameServer({ enableAllTopicList: false, enableTopicList: false }));
    const questions = [
      [Requests.getAllTopicListFromNameserver, {}],
      [Requests.getTopicsByCluster, { cluster: 'c1' }],
      [Requests.getUnitTopicList, {}],
    ] as const;
    for (const [definition, fields] of questions) {
      expect(await ask(connection, definition, fields)).toMatchObject({
        code: ResponseCode.SYSTEM_ERROR,
        remark: 'disable',
      });
    }
  });

  it('with an unknown code are answered as unsupported', async () => {
    const connection = await connect(await startNameServer());
    const request = { ...createRequest(Requests.getNamesrvConfig, {}), code: 9999 };
    expect((await connection.request(request, { timeoutMs: 5000 })).code).toBe(ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
  });
});

describe('administration', () => {
  it('wipes and adds write permission, and deletes and registers topics', async () => {
    const connection = await connect(await startNameServer());
    await register(connection);
    const perm = async () => parseTopicRoute((await routeOf(connection, 't1')).body).queueDatas[0]!.perm;
    expect((await ask(connection, Requests.wipeWritePermOfBroker, { brokerName: 'broker-a' })).extFields).toEqual({
      wipeTopicCount: '2',
    });
    expect(await perm()).toBe(4);
    expect((await ask(connection, Requests.addWritePermOfBroker, { brokerName: 'broker-a' })).extFields).toEqual({
      addTopicCount: '2',
    });
    expect(await perm()).toBe(6);
    await ask(connection, Requests.deleteTopicInNamesrv, { topic: 't1', clusterName: 'other' });
    expect((await routeOf(connection, 't1')).code).toBe(ResponseCode.SUCCESS);
    await ask(connection, Requests.deleteTopicInNamesrv, { topic: 't1' });
    expect((await routeOf(connection, 't1')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const queueDatas = [{ brokerName: 'broker-a', readQueueNums: 2, writeQueueNums: 2, perm: 6, topicSysFlag: 0 }];
    await ask(connection, Requests.registerTopicInNamesrv, { topic: 't1' }, encodeTopicRoute({ queueDatas }));
    expect(parseTopicRoute((await routeOf(connection, 't1')).body).queueDatas).toEqual(queueDatas);
  });

  it('keeps the key-value configuration across restarts', async () => {
    const kvConfigPath = join(directory, 'kvConfig.json');
    const first = await startNameServer({ kvConfigPath });
    const connection = await connect(first);
    await ask(connection, Requests.putKvConfig, { namespace: 'ns', key: 'k1', value: 'v1' });
    await ask(connection, Requests.putKvConfig, { namespace: 'ns', key: 'k2', value: 'v2' });
    await ask(connection, Requests.deleteKvConfig, { namespace: 'ns', key: 'k1' });
    await first.close();

    const again = await connect(await startNameServer({ kvConfigPath }));
    expect((await ask(again, Requests.getKvConfig, { namespace: 'ns', key: 'k2' })).extFields).toEqual({ value: 'v2' });
    expect(await ask(again, Requests.getKvConfig, { namespace: 'ns', key: 'k1' })).toMatchObject({
      code: ResponseCode.QUERY_NOT_FOUND,
      remark: 'No config item, Namespace: ns Key: k1',
    });
    expect(parseKVTable((await ask(again, Requests.getKvlistByNamespace, { namespace: 'ns' })).body)).toEqual({
      table: { k2: 'v2' },
    });
    expect((await ask(again, Requests.getKvlistByNamespace, { namespace: 'none' })).code).toBe(
      ResponseCode.QUERY_NOT_FOUND,
    );
  });

  it('hands the order of topics to brokers, and to clients where that is switched on', async () => {
    for (const orderMessageEnable of [false, true]) {
      const connection = await connect(await startNameServer({ orderMessageEnable }));
      await ask(connection, Requests.putKvConfig, { namespace: 'ORDER_TOPIC_CONFIG', key: 't1', value: 'broker-a:4' });
      expect(parseKVTable((await register(connection)).body)).toEqual({ table: { t1: 'broker-a:4' } });
      const expected = orderMessageEnable ? 'broker-a:4' : undefined;
      expect(parseTopicRoute((await routeOf(connection, 't1')).body).orderTopicConf).toBe(expected);
    }
  });

  it('shows options and changes them, at once and in the file', async () => {
    const configStorePath = join(directory, 'namesrv.properties');
    const connection = await connect(await startNameServer({ configStorePath }));
    const config = async () => (await ask(connection, Requests.getNamesrvConfig, {})).body!.toString();
    expect(await config()).toContain('\nenableTopicList=true\n');
    const update = (text: string) => ask(connection, Requests.updateNamesrvConfig, {}, Buffer.from(text));
    expect((await update('enableTopicList=false')).code).toBe(ResponseCode.SUCCESS);
    expect(await config()).toContain('\nenableTopicList=false\n');
    expect(readFileSync(configStorePath, 'utf8')).toBe(await config());
    expect((await ask(connection, Requests.getUnitTopicList, {})).remark).toBe('disable');
  });

  it.each([
    ['kvConfigPath=/elsewhere', ResponseCode.NO_PERMISSION, /black list/],
    ['enableAllTopicList=false', ResponseCode.NO_PERMISSION, /black list/],
    ['enableTopicList=perhaps', ResponseCode.SYSTEM_ERROR, /enableTopicList must be true or false/],
    ['noSuchOption=1', ResponseCode.SYSTEM_ERROR, /unknown name server option noSuchOption/],
  ])('refuses to change %s', async (text, code, remark) => {
    const connection = await connect(await startNameServer({ configBlackList: 'enableAllTopicList' }));
    const answer = await ask(
      connection,
      Requests.updateNamesrvConfig,
      {},
      Buffer.from(`orderMessageEnable=true\n${text}`),
    );
    expect(answer.code).toBe(code);
    expect(answer.remark).toMatch(remark);
    expect((await ask(connection, Requests.getNamesrvConfig, {})).body!.toString()).toContain(
      'orderMessageEnable=false',
    );
  });
});

describe('NameServer', () => {
  it('does nothing before start and knows its port after', async () => {
    const server = new NameServer({ host: '127.0.0.1', port: 0 });
    expect(() => server.port).toThrow(/not started/);
    await server.start();
    expect(server.address).toBe(`127.0.0.1:${server.port}`);
    await server.close();
    await server.close();
    await expect(server.start()).rejects.toThrow(/create a new one/);
  });

  it('says which port is taken', async () => {
    const first = await startNameServer();
    const second = new NameServer({ host: '127.0.0.1', port: first.port });
    await expect(second.start()).rejects.toThrow(`127.0.0.1:${first.port}`);
    await second.close();
  });

  it('refuses wrong options at once', () => {
    expect(() => new NameServer({ port: -1 })).toThrow(/port must be a whole number/);
  });

  it('answers a client that speaks the binary header in kind', async () => {
    const connection = await connect(await startNameServer());
    const request = { ...createRequest(Requests.getBrokerClusterInfo, {}), serializeType: 1 as const };
    const answer = await connection.request(request, { timeoutMs: 5000 });
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, serializeType: 1 });
    expect(createResponse(request, 0).serializeType).toBe(1);
  });
});
