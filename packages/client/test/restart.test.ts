import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cluster, ScriptedPeer, startCluster, unique, waitFor } from '@rocketnest/testing';
import { Admin, Producer, TransactionProducer } from '../src/index.js';

const port = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));

describe('after a restart of brokers and name server', () => {
  let rootDir: string;
  let cluster: Cluster;
  let open: { close(): Promise<void> }[];

  beforeEach(async () => {
    open = [];
    rootDir = await mkdtemp(join(tmpdir(), 'rocketnest-restart-'));
    cluster = await startCluster({ rootDir, broker: { transactionTimeOut: 500, transactionCheckInterval: 500 } });
  });
  afterEach(async () => {
    for (const one of open.reverse()) await one.close();
    await cluster.close();
    await rm(rootDir, { recursive: true, force: true });
  });

  /** Stops everything; the returned function starts it again on the same ports with the same data. */
  async function stop(): Promise<() => Promise<void>> {
    const namesrvPort = port(cluster.namesrvAddr);
    const listenPort = cluster.brokers[0]!.port;
    await cluster.close();
    return async () => {
      cluster = await startCluster({
        rootDir,
        namesrv: { port: namesrvPort },
        broker: { listenPort, transactionTimeOut: 500, transactionCheckInterval: 500 },
      });
    };
  }

  async function started<T extends Producer>(producer: T): Promise<T> {
    await producer.start();
    open.push(producer);
    return producer;
  }

  async function createTopic(): Promise<string> {
    const admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
    const topic = unique('topic');
    await admin.topics.create({ topic });
    await admin.close();
    return topic;
  }

  it('a producer goes on sending, also to topics it does not know yet', async () => {
    const topic = await createTopic();
    const unknown = await createTopic();
    const producer = await started(
      new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), retryTimes: 0 }),
    );
    await producer.send({ topic, body: 'before' });
    const restart = await stop();
    await expect(producer.send({ topic, body: 'meanwhile' })).rejects.toThrow();
    await expect(producer.send({ topic: unknown, body: 'meanwhile' })).rejects.toThrow(/No name server answers/);
    await restart();
    expect((await producer.send({ topic, body: 'after' })).status).toBe('SEND_OK');
    expect((await producer.send({ topic: unknown, body: 'after' })).status).toBe('SEND_OK');
  });

  it('a broker that was away is found again long before the routes are asked for the next time', async () => {
    const dataOfB = await mkdtemp(join(tmpdir(), 'rocketnest-restart-b-'));
    const startB = (listenPort: number) =>
      startCluster({
        rootDir: dataOfB,
        brokers: [{ brokerName: 'broker-z', namesrvAddr: cluster.namesrvAddr, listenPort }],
      });
    let other = await startB(0);
    try {
      const topic = await createTopic();
      const producer = await started(new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p') }));
      const queue = { topic, brokerName: 'broker-z', queueId: 0 };
      await producer.send({ topic, body: 'before' }, { queue });
      const seen = async () =>
        (await producer.publishQueues(topic)).some(({ brokerName }) => brokerName === 'broker-z');

      const listenPort = other.brokers[0]!.port;
      await other.close();
      await waitFor(async () => !(await seen()), { what: 'the broker to leave the route' });
      other = await startB(listenPort);

      await waitFor(seen, { what: 'the broker to be back', timeoutMs: 15_000 }); // pollNameServerIntervalMs: 30 s
      expect((await producer.send({ topic, body: 'after' }, { queue })).status).toBe('SEND_OK');
    } finally {
      await other.close();
      await rm(dataOfB, { recursive: true, force: true });
    }
  });

  it('a send survives a restart that is shorter than its budget', async () => {
    const topic = await createTopic();
    const producer = await started(
      new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), retryTimes: 100, sendTimeoutMs: 20_000 }),
    );
    await producer.send({ topic, body: 'before' });
    const restart = await stop();
    const send = producer.send({ topic, body: 'across' });
    await restart();
    expect((await send).status).toBe('SEND_OK');
  });

  it('an idle transaction producer answers checks again without sending anything', async () => {
    const topic = await createTopic();
    let asked = 0;
    let restarted = false;
    const producer = await started(
      new TransactionProducer({
        namesrvAddr: cluster.namesrvAddr,
        group: unique('tx'),
        checker: () => {
          if (restarted) asked++;
          return restarted ? 'COMMIT' : 'UNKNOWN';
        },
      }),
    );
    await producer.sendInTransaction({ topic, body: 'x' }, () => 'UNKNOWN');
    const restart = await stop();
    await restart();
    restarted = true;
    await waitFor(() => asked > 0, { what: 'the restarted broker to ask', timeoutMs: 20_000 });
  });
});

describe('with several name servers', () => {
  it('works while one of them is down', async () => {
    const gone = await ScriptedPeer.start();
    const goneAddress = gone.address;
    await gone.close();
    await using cluster = await startCluster();
    for (const namesrvAddr of [`${goneAddress};${cluster.namesrvAddr}`, `${cluster.namesrvAddr};${goneAddress}`]) {
      const producer = new Producer({ namesrvAddr, group: unique('p'), sendTimeoutMs: 20_000 });
      await producer.start();
      expect((await producer.send({ topic: unique('auto'), body: 'x' })).status).toBe('SEND_OK');
      await producer.close();
    }
  });
});
