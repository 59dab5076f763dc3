import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  ConfigurationError,
  createResponse,
  type DecodedCommand,
  encodeTopicRoute,
  type HeartbeatData,
  parseHeartbeat,
  RequestCode,
  ResponseCode,
} from '@rocketnest/protocol';
import { ScriptedPeer, waitFor } from '@rocketnest/testing';
import { ClientInstance, type ConsumerRegistration } from '../src/instance.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A name server that routes topic T to one broker; both answer everything with SUCCESS. */
async function startPeers() {
  const broker = await ScriptedPeer.start((request) => createResponse(request, ResponseCode.SUCCESS));
  const members: Record<number, string> = { 0: broker.address };
  const namesrv = await ScriptedPeer.start((request) =>
    createResponse(
      request,
      ResponseCode.SUCCESS,
      null,
      {},
      encodeTopicRoute({
        queueDatas: [{ brokerName: 'a', readQueueNums: 2, writeQueueNums: 2, perm: 6, topicSysFlag: 0 }],
        brokerDatas: [{ cluster: 'c', brokerName: 'a', brokerAddrs: members }],
        filterServerTable: {},
      }),
    ),
  );
  open.push(broker, namesrv);
  return { broker, namesrv, members };
}

async function startInstance(
  namesrv: ScriptedPeer,
  options: Partial<ConstructorParameters<typeof ClientInstance>[0]> = {},
) {
  const instance = new ClientInstance({ namesrvAddr: namesrv.address, ...options });
  open.push(instance);
  await instance.start();
  return instance;
}

function consumer(overrides: Partial<ConsumerRegistration> = {}): ConsumerRegistration {
  return {
    topics: () => ['T'],
    heartbeat: () => ({
      groupName: 'consumers',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [],
      unitMode: false,
    }),
    onConsumerIdsChanged: () => {},
    resetOffset: () => {},
    runningInfo: () => {
      throw new Error('not asked');
    },
    consumeDirectly: () => Promise.reject(new Error('not asked')),
    ...overrides,
  };
}

const ofCode = (peer: ScriptedPeer, code: number): DecodedCommand[] =>
  peer.received.filter((command) => command.code === code);
const heartbeats = (peer: ScriptedPeer): HeartbeatData[] =>
  ofCode(peer, RequestCode.HEART_BEAT).map((command) => parseHeartbeat(command.body!));

describe('ClientInstance', () => {
  it('greets a broker as soon as a route names it, with all groups', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv, { clientIp: '10.1.2.3', instanceName: 'i' });
    instance.registerProducer('producers', { topics: () => ['T'] });
    instance.registerConsumer('consumers', consumer());
    await instance.routes.refresh('T');
    await waitFor(() => heartbeats(broker).length === 1, { what: 'a heartbeat' });
    expect(heartbeats(broker)[0]).toMatchObject({
      clientID: '10.1.2.3@i',
      producerDataSet: [{ groupName: 'producers' }],
      consumerDataSet: [{ groupName: 'consumers', consumeType: 'CONSUME_PASSIVELY' }],
    });
    await waitFor(() => instance.brokerVersion(broker.address) > 0, { what: 'the broker’s version' });
  });

  it('goes on greeting at its interval and refreshes routes at theirs', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv, { heartbeatBrokerIntervalMs: 20, pollNameServerIntervalMs: 20 });
    instance.registerProducer('producers', { topics: () => ['T'] });
    await waitFor(() => heartbeats(broker).length >= 3 && namesrv.received.length >= 3, { what: 'three rounds' });
  });

  it('says once that a topic in use does not exist, and once that it appeared', async () => {
    const { namesrv } = await startPeers();
    const known = encodeTopicRoute({ queueDatas: [], brokerDatas: [], filterServerTable: {} });
    namesrv.script((request) => createResponse(request, ResponseCode.TOPIC_NOT_EXIST, 'no such topic'));
    const lines: string[] = [];
    const note = (line: string) => void lines.push(line);
    const instance = await startInstance(namesrv, { logger: { debug: note, info: note, warn: note, error: note } });
    instance.registerProducer('producers', { topics: () => ['T'] });
    for (let i = 0; i < 3; i++) await instance.refreshRoutes();
    namesrv.script((request) => createResponse(request, ResponseCode.SUCCESS, null, {}, known));
    for (let i = 0; i < 3; i++) await instance.refreshRoutes();
    expect(lines.filter((line) => /no name server knows topic T$|topic T is known now/.test(line))).toEqual([
      'no name server knows topic T',
      'topic T is known now',
    ]);
  });

  it('greets slaves only for consumers', async () => {
    const { broker, namesrv, members } = await startPeers();
    const slave = await ScriptedPeer.start((request) => createResponse(request, ResponseCode.SUCCESS));
    open.push(slave);
    members[1] = slave.address;
    const instance = await startInstance(namesrv);
    instance.registerProducer('producers', { topics: () => ['T'] });
    await instance.routes.refresh('T');
    expect(await instance.sendHeartbeats()).toBe(true);
    expect(heartbeats(broker).length).toBeGreaterThan(0);
    expect(heartbeats(slave)).toEqual([]);
    instance.registerConsumer('consumers', consumer());
    await instance.sendHeartbeats();
    expect(heartbeats(slave)).toHaveLength(1);
  });

  it('sends nothing without groups', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    await instance.routes.refresh('T');
    await instance.sendHeartbeats();
    expect(broker.received).toEqual([]);
  });

  it('looks for routes and greets again soon after a connection was lost, and lets consumers rebalance', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    let rebalances = 0;
    instance.registerConsumer('consumers', consumer({ onConsumerIdsChanged: () => rebalances++ }));
    await instance.routes.refresh('T');
    await waitFor(() => instance.brokerVersion(broker.address) > 0, { what: 'a heartbeat' });
    const asked = namesrv.received.length;
    const rebalancesBefore = rebalances;
    broker.disconnectAll();
    await waitFor(() => heartbeats(broker).length >= 2, { what: 'a heartbeat over the new connection' });
    await waitFor(() => rebalances > rebalancesBefore, { what: 'a rebalance' });
    expect(namesrv.received.length).toBeGreaterThan(asked);
  });

  it('greets a broker when something else, a pull or a send, opens the new connection', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    await instance.routes.refresh('T');
    // Registered after the route was known, before the next heartbeat.
    instance.registerProducer('producers', { topics: () => ['T'] });
    expect(broker.received).toEqual([]);
    await instance.remoting.connection(broker.address);
    await waitFor(() => heartbeats(broker).length === 1, { what: 'a heartbeat' });
  });

  it('tells brokers when a group leaves', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    instance.registerProducer('producers', { topics: () => ['T'] });
    instance.registerConsumer('consumers', consumer());
    await instance.routes.refresh('T');
    await instance.sendHeartbeats();
    await instance.unregisterConsumer('consumers');
    await instance.unregisterProducer('producers');
    expect(ofCode(broker, RequestCode.UNREGISTER_CLIENT).map((command) => command.extFields)).toEqual([
      { clientID: instance.clientId, consumerGroup: 'consumers' },
      { clientID: instance.clientId, producerGroup: 'producers' },
    ]);
    expect(instance.consumer('consumers')).toBeUndefined();
  });

  it('survives a heartbeat that cannot be sent', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    instance.registerProducer('producers', { topics: () => ['T'] });
    await broker.close();
    await instance.routes.refresh('T');
    expect(await instance.sendHeartbeats()).toBe(false);
  });

  it('has one consumer and one producer per group', async () => {
    const { namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    instance.registerConsumer('g', consumer());
    instance.registerProducer('g', { topics: () => [] });
    expect(() => instance.registerConsumer('g', consumer())).toThrow(ConfigurationError);
    expect(() => instance.registerProducer('g', { topics: () => [] })).toThrow(
      /already has a producer of group g\. Give the second one its own/,
    );
  });

  it('connects through the address map', async () => {
    const { broker, namesrv, members } = await startPeers();
    members[0] = '172.17.0.2:10911';
    const instance = await startInstance(namesrv, {
      addressMap: (address) => (address === '172.17.0.2:10911' ? broker.address : address),
    });
    instance.registerProducer('producers', { topics: () => ['T'] });
    await instance.routes.refresh('T');
    expect(await instance.sendHeartbeats()).toBe(true);
    expect(heartbeats(broker).length).toBeGreaterThan(0);
  });

  it('says of a broker that it could never reach that the address may be of another network', async () => {
    const { namesrv, members } = await startPeers();
    members[0] = '127.0.0.1:1';
    const instance = await startInstance(namesrv);
    await instance.routes.refresh('T');
    const failure = instance.api.unregisterClient('127.0.0.1:1', { clientID: 'me' });
    await expect(failure).rejects.toThrow(
      /cannot connect to 127.0.0.1:1.*Broker a advertises this address: .*brokerIP1.*addressMap/,
    );
  });

  it('says nothing of the kind of a broker that is just not there any more', async () => {
    const { broker, namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    await instance.routes.refresh('T');
    const { address } = broker;
    await instance.api.unregisterClient(address, { clientID: 'me' });
    await broker.close();
    await waitFor(() => instance.status.brokers[0]!.state !== 'up');
    const failure = instance.api.unregisterClient(address, { clientID: 'me' });
    await expect(failure).rejects.toThrow(/cannot connect/);
    await expect(failure).rejects.not.toThrow(/advertises/);
  });

  it('cannot be used after close', async () => {
    const { namesrv } = await startPeers();
    const instance = await startInstance(namesrv);
    await instance.close();
    await instance.close();
    expect(() => instance.registerProducer('g', { topics: () => [] })).toThrow(ClosedError);
    await expect(instance.start()).rejects.toThrow(ClosedError);
    await expect(instance.routes.refresh('T')).rejects.toThrow();
  });
});
