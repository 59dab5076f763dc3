import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Logger } from '@rocketnest/remoting';
import { type Cluster, startCluster, TcpProxy, unique, waitFor } from '@rocketnest/testing';
import { ClientInstance } from '../src/instance.js';
import { Producer } from '../src/producer/producer.js';
import { type ClientStatus, StatusTracker } from '../src/status.js';

/** Remembers info and warn lines. */
function recording(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const note = (line: string): void => void lines.push(line);
  return { lines, debug: () => {}, info: note, warn: note, error: note };
}

describe('StatusTracker', () => {
  let nameServers: string[];
  let brokers: { address: string; brokerName: string; brokerId: number }[];
  let logger: ReturnType<typeof recording>;
  let tracker: StatusTracker;
  let seen: ClientStatus[];

  beforeEach(() => {
    nameServers = ['n:1', 'n:2'];
    brokers = [];
    logger = recording();
    tracker = new StatusTracker({ clientId: 'me', logger, nameServers: () => nameServers, brokers: () => brokers });
    seen = [];
    tracker.subscribe((status, previous) => {
      expect(previous).toBe(seen.at(-1) ?? initial);
      seen.push(status);
    });
  });
  let initial: ClientStatus;
  beforeEach(() => {
    initial = tracker.current;
  });
  const states = () => seen.map(({ state }) => state);

  it('goes from created to connected to closed, with one log line each', () => {
    expect(tracker.current.state).toBe('created');
    tracker.started();
    tracker.up('n:1');
    tracker.closed();
    expect(states()).toEqual(['connecting', 'connected', 'closed']);
    expect(logger.lines).toEqual(['client me is connecting', 'client me is connected', 'client me is closed']);
  });

  it('is connected while one of its name servers is down, and says which', () => {
    tracker.started();
    tracker.up('n:2');
    tracker.down('n:1', 'refused');
    expect(tracker.current).toMatchObject({
      state: 'connected',
      lost: [],
      nameServers: [
        { address: 'n:1', state: 'down', reason: 'refused' },
        { address: 'n:2', state: 'up' },
      ],
    });
    tracker.down('n:2', 'refused');
    expect(tracker.current).toMatchObject({ state: 'reconnecting', lost: [expect.stringContaining('no name server')] });
  });

  it('is reconnecting while a broker is lost, until it is back or no route names it', () => {
    brokers = [{ address: 'b:1', brokerName: 'a', brokerId: 0 }];
    tracker.started();
    tracker.up('n:1');
    tracker.up('b:1');
    for (const ending of [() => tracker.up('b:1'), () => (brokers = [])]) {
      tracker.down('b:1', 'it closed the connection');
      tracker.down('b:1', 'refused');
      expect(tracker.current).toMatchObject({
        state: 'reconnecting',
        lost: ['broker a is lost (b:1: refused)'],
        brokers: [{ brokerName: 'a', brokerId: 0, state: 'down', reason: 'refused' }],
      });
      ending();
      tracker.review();
      expect(tracker.current.state).toBe('connected');
    }
    expect(logger.lines.filter((line) => line.includes('reconnecting'))).toEqual([
      'client me is reconnecting: broker a is lost (b:1: it closed the connection)',
      'client me is reconnecting: broker a is lost (b:1: it closed the connection)',
    ]);
  });

  it('misses nothing of a peer that was idle', () => {
    brokers = [{ address: 'b:1', brokerName: 'a', brokerId: 0 }];
    tracker.started();
    tracker.up('n:1');
    tracker.up('b:1');
    tracker.idle('b:1');
    expect(tracker.current).toMatchObject({ state: 'connected', brokers: [{ state: 'idle' }] });
  });

  it('is not disturbed by a listener that throws, and stops calling those that left', () => {
    const heard: string[] = [];
    tracker.subscribe(() => {
      throw new Error('mine');
    });
    const leave = tracker.subscribe(({ state }) => void heard.push(state));
    tracker.started();
    leave();
    tracker.up('n:1');
    expect(heard).toEqual(['connecting']);
    expect(states()).toEqual(['connecting', 'connected']);
    expect(logger.lines).toContain('a status listener threw');
  });
});

describe('status of a client', () => {
  let cluster: Cluster;
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    cluster = await startCluster();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await cluster.close();
  });

  it('follows the loss and the return of its broker and its name server', async () => {
    const address = `127.0.0.1:${cluster.brokers[0]!.port}`;
    const toBroker = await TcpProxy.start(cluster.brokers[0]!.port);
    const toNamesrv = await TcpProxy.start(cluster.namesrv.port);
    const logger = recording();
    const producer = new Producer({
      namesrvAddr: toNamesrv.address,
      group: unique('p'),
      logger,
      pollNameServerIntervalMs: 100,
      addressMap: (to) => (to === address ? toBroker.address : to),
    });
    open.push(toBroker, toNamesrv, producer);
    expect(producer.status.state).toBe('created');
    await producer.start();
    expect(producer.status.state).toBe('connecting');
    const topic = unique('topic');
    await producer.send({ topic, body: 'x' });
    expect(producer.status).toMatchObject({
      state: 'connected',
      nameServers: [{ address: toNamesrv.address, state: 'up' }],
      brokers: [{ brokerName: 'broker-a', brokerId: 0, address, state: 'up' }],
    });

    for (const [proxy, what] of [
      [toBroker, 'broker broker-a is lost'],
      [toNamesrv, 'no name server answers'],
    ] as const) {
      proxy.mode = 'refuse';
      proxy.cut();
      await waitFor(() => producer.status.lost.some((lost) => lost.includes(what)), { timeoutMs: 20_000, what });
      proxy.mode = 'forward';
      await waitFor(() => producer.status.state === 'connected', { timeoutMs: 30_000, what: 'the way back' });
    }
    await producer.close();
    expect(producer.status.state).toBe('closed');
    const changes = logger.lines.filter((line) => line.startsWith('client ')).map((line) => line.split(' ')[3]);
    expect(changes[0]).toBe('connecting');
    expect(changes).toEqual(expect.arrayContaining(['connected', 'reconnecting:', 'closed']));
    expect(changes.every((state, i) => state !== changes[i - 1])).toBe(true);
  });

  it('does not miss a connection that nobody used', async () => {
    const proxy = await TcpProxy.start(cluster.namesrv.port);
    const instance = new ClientInstance({ namesrvAddr: proxy.address });
    open.push(proxy, instance);
    await instance.start();
    await instance.routes.refresh('nothing');
    expect(instance.status.state).toBe('connected');
    proxy.cut();
    await waitFor(() => instance.status.nameServers[0]!.state === 'idle', { what: 'the loss to be seen' });
    expect(instance.status.state).toBe('connected');
  });
});
