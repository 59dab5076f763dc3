import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster, TcpProxy, unique, waitFor } from '@rocketnest/testing';
import { Admin, Producer, PushConsumer } from '../src/index.js';

/** Everything is closed after a test, last first. */
const open: { close(): Promise<void> }[] = [];
const opened = <T extends { close(): Promise<void> }>(one: T): T => {
  open.push(one);
  return one;
};
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function createTopic(namesrvAddr: string, topic = unique('topic')): Promise<string> {
  await using admin = new Admin({ namesrvAddr });
  await admin.start();
  await admin.topics.create({ topic, queues: 2 });
  return topic;
}

type Options = { namesrvAddr: string } & Partial<ConstructorParameters<typeof PushConsumer>[0]>;

async function consume(topic: string, options: Options): Promise<Set<string>> {
  const bodies = new Set<string>();
  const consumer = opened(
    new PushConsumer({ group: unique('g'), consumeFrom: 'FIRST_OFFSET', pullRetryDelayMs: 200, ...options }),
  );
  consumer.subscribe(topic).listen((messages) => {
    for (const { body } of messages) bodies.add(body.toString());
  });
  await consumer.start();
  return bodies;
}

describe('a network between client and servers', () => {
  let cluster: Cluster;
  let toBroker: TcpProxy;
  let toNamesrv: TcpProxy;
  let options: { namesrvAddr: string; addressMap: (address: string) => string };

  beforeEach(async () => {
    cluster = opened(await startCluster());
    const [broker] = cluster.brokers;
    toBroker = opened(await TcpProxy.start(broker!.port));
    toNamesrv = opened(await TcpProxy.start(cluster.namesrv.port));
    options = {
      namesrvAddr: toNamesrv.address,
      addressMap: (address) => (address === `127.0.0.1:${broker!.port}` ? toBroker.address : address),
    };
  });

  it('that pauses for a while loses and repeats nothing that was answered', async () => {
    const topic = await createTopic(cluster.namesrvAddr);
    const bodies = await consume(topic, options);
    const producer = opened(new Producer({ ...options, group: unique('p'), sendTimeoutMs: 30_000 }));
    await producer.start();
    await producer.send({ topic, body: 'before' });
    await waitFor(() => bodies.has('before'), { timeoutMs: 20_000 });
    for (const proxy of [toBroker, toNamesrv]) proxy.mode = 'stall';
    const during = producer.send({ topic, body: 'during' });
    await expect(Promise.race([during, producer.send({ topic, body: 'lost' }, { timeoutMs: 300 })])).rejects.toThrow();
    for (const proxy of [toBroker, toNamesrv]) proxy.mode = 'forward';
    await during;
    await producer.send({ topic, body: 'after' });
    await waitFor(() => bodies.has('during') && bodies.has('after'), { timeoutMs: 30_000, what: 'the messages' });
  });

  it('that swallows all connections at once is noticed, and new ones are opened', async () => {
    const topic = await createTopic(cluster.namesrvAddr);
    const rhythm = { heartbeatBrokerIntervalMs: 500, pollNameServerIntervalMs: 500, requestTimeoutMs: 1_000 };
    const bodies = await consume(topic, { ...options, ...rhythm });
    const producer = opened(
      new Producer({
        ...options,
        ...rhythm,
        group: unique('p'),
        sendTimeoutMs: 45_000,
        attemptTimeoutMs: 1_000,
        retryTimes: 40,
      }),
    );
    await producer.start();
    await producer.send({ topic, body: 'before' });
    await waitFor(() => bodies.has('before'), { timeoutMs: 20_000 });

    toBroker.freeze();
    toNamesrv.freeze();
    await producer.send({ topic, body: 'after' });
    await waitFor(() => bodies.has('after'), { timeoutMs: 45_000, what: 'a message over a new connection' });
    await waitFor(() => producer.status.state === 'connected', { timeoutMs: 30_000, what: 'the producer to be whole' });
  }, 120_000);
});

describe('a broker that comes back at another address', () => {
  it('is found again by producers and consumers', async () => {
    const rootDir = await mkdtemp(join(tmpdir(), 'rocketnest-life-'));
    opened({ close: () => rm(rootDir, { recursive: true, force: true }) });
    const first = await startCluster({ rootDir });
    const { namesrvAddr } = first;
    const [oldPort, namesrvPort] = [first.brokers[0]!.port, first.namesrv.port];
    const topic = await createTopic(namesrvAddr);
    const bodies = await consume(topic, { namesrvAddr });
    const producer = new Producer({ namesrvAddr, group: unique('p'), sendTimeoutMs: 30_000, retryTimes: 100 });
    await producer.start();
    await producer.send({ topic, body: 'before' });
    await waitFor(() => bodies.has('before'), { timeoutMs: 20_000 });
    // Closed before the second cluster is.
    const stopped = opened({ close: () => producer.close() });
    await first.close();

    const second = await startCluster({ rootDir, namesrv: { port: namesrvPort } });
    open.splice(open.indexOf(stopped), 1, second, stopped);
    expect(second.brokers[0]!.port).not.toBe(oldPort);
    await producer.send({ topic, body: 'after' });
    await waitFor(() => bodies.has('after'), { timeoutMs: 45_000, what: 'the message at the new address' });
    expect(producer.status).toMatchObject({
      state: 'connected',
      brokers: [{ address: `127.0.0.1:${second.brokers[0]!.port}`, state: 'up' }],
    });
  });
});

describe('several clusters in one process', () => {
  it('have nothing to do with each other, though their topics and groups have the same names', async () => {
    const clusters = await Promise.all([startCluster(), startCluster()]);
    clusters.forEach(opened);
    const [topic, group] = [unique('topic'), unique('group')];
    const seen: Set<string>[] = [];
    for (const [i, { namesrvAddr }] of clusters.entries()) {
      await createTopic(namesrvAddr, topic);
      seen.push(await consume(topic, { namesrvAddr, group }));
      const producer = opened(new Producer({ namesrvAddr, group }));
      await producer.start();
      await producer.send({ topic, body: `to ${i}` });
    }
    await waitFor(() => seen.every(({ size }) => size > 0), { timeoutMs: 20_000 });
    expect(seen.map((bodies) => [...bodies])).toEqual([['to 0'], ['to 1']]);
  });
});
