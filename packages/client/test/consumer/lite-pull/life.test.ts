import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/protocol';
import { type Cluster, startCluster, unique, waitFor } from '@rocketnest/testing';
import { Admin, LitePullConsumer, type LitePullConsumerOptions, Producer, PullConsumer } from '../../../src/index.js';

const port = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));
const bodies = (messages: readonly MessageExt[]) => messages.map(({ body }) => body.toString());
const PATIENCE = { timeoutMs: 30_000 };

describe('pull consumers on servers that come and go, with namespaces and traces', () => {
  let rootDir: string;
  let cluster: Cluster;
  let admin: Admin;
  let producer: Producer;
  let open: { close(): Promise<void> }[];

  const broker = { traceTopicEnable: true };

  beforeEach(async () => {
    rootDir = await mkdtemp(join(tmpdir(), 'rocketnest-pull-'));
    cluster = await startCluster({ rootDir, broker });
    const { namesrvAddr } = cluster;
    admin = new Admin({ namesrvAddr });
    producer = new Producer({ namesrvAddr, group: unique('p'), retryTimes: 100, sendTimeoutMs: 20_000 });
    open = [admin, producer];
    await admin.start();
    await producer.start();
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
      cluster = await startCluster({ rootDir, namesrv: { port: namesrvPort }, broker: { ...broker, listenPort } });
    };
  }

  function litePull(options: Partial<LitePullConsumerOptions> = {}): LitePullConsumer {
    const consumer = new LitePullConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('group'),
      consumeFrom: 'FIRST_OFFSET',
      pullRetryDelayMs: 100,
      ...options,
    });
    open.push(consumer);
    return consumer;
  }

  async function read(consumer: LitePullConsumer, count: number): Promise<string[]> {
    const seen: string[] = [];
    await waitFor(async () => seen.push(...bodies(await consumer.poll(200))) >= count, {
      what: `${count} messages`,
      ...PATIENCE,
    });
    return seen;
  }

  it('go on by themselves after a restart of brokers and name server', async () => {
    const topic = unique('topic');
    await admin.topics.create({ topic, queues: 2 });
    const subscribed = litePull().subscribe(topic);
    await subscribed.start();
    const assigned = litePull({ autoCommit: false });
    await assigned.start();
    const queues = await assigned.fetchMessageQueues(topic);
    assigned.assign(queues);
    await producer.send({ topic, body: 'before' }, { queue: queues[0]! });
    for (const consumer of [subscribed, assigned]) expect(await read(consumer, 1)).toEqual(['before']);

    const restart = await stop();
    await expect(assigned.commit()).rejects.toMatchObject({ retriable: true });
    expect(await subscribed.poll(100)).toEqual([]);
    await restart();

    await producer.send({ topic, body: 'after' }, { queue: queues[1]! });
    for (const consumer of [subscribed, assigned]) expect(await read(consumer, 1)).toEqual(['after']);
    await assigned.commit();
    expect(await Promise.all(queues.map((queue) => assigned.committed(queue)))).toEqual([1, 1]);
    await subscribed.commit();
    expect(await Promise.all(queues.map((queue) => subscribed.committed(queue)))).toEqual([1, 1]);
  });

  it('starts assigned queues of a broker that is not there yet', async () => {
    const topic = unique('topic');
    await admin.topics.create({ topic, queues: 1 });
    const [queue] = await producer.publishQueues(topic);
    await producer.send({ topic, body: 'waiting' });
    const consumer = litePull({ requestTimeoutMs: 500 });
    await consumer.start();
    const restart = await stop();
    consumer.assign([queue!]);
    expect(await consumer.poll(300)).toEqual([]);
    expect(consumer.position(queue!)).toBeNull();
    await restart();
    expect(await read(consumer, 1)).toEqual(['waiting']);
  });

  it('show names without the namespace', async () => {
    const namespace = 'tenant';
    const topic = unique('topic');
    const group = unique('group');
    await admin.topics.create({ topic: `${namespace}%${topic}`, queues: 1 });
    const tenant = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), namespace });
    open.push(tenant);
    await tenant.start();
    await tenant.send({ topic, body: 'x', tags: 'a' });

    const shares: string[] = [];
    const lite = litePull({ group, namespace }).subscribe(topic, 'a', (changed, all, assigned) => {
      shares.push(changed, ...[...all, ...assigned].map((queue) => queue.topic));
    });
    await lite.start();
    expect(shares).toEqual([topic, topic, topic]);
    const [queue] = lite.assignment;
    expect(queue).toMatchObject({ topic, queueId: 0 });
    const [message] = await lite.poll(30_000);
    expect(message).toMatchObject({ topic });
    await lite.commit(new Map([[queue!, 1]]));
    expect(await lite.committed(queue!)).toBe(1);
    expect(await admin.offsets.committed(`${namespace}%${group}`, { ...queue!, topic: `${namespace}%${topic}` })).toBe(
      1,
    );
    await lite.seekToBegin(queue!);
    expect(lite.position(queue!)).toBe(0);

    const pull = new PullConsumer({ namesrvAddr: cluster.namesrvAddr, group: unique('group'), namespace });
    open.push(pull);
    await pull.start();
    expect(await pull.fetchSubscribeMessageQueues(topic)).toEqual([queue]);
    expect((await pull.pull(queue!, 0, { filter: 'a' })).messages).toMatchObject([{ topic }]);
  });

  it('trace what a lite pull consumer hands out and when it is done', async () => {
    const topic = unique('topic');
    await admin.topics.create({ topic, queues: 1 });
    const group = unique('group');
    const consumer = litePull({ group, traceEnable: true, traceMsgBatchNum: 1 }).subscribe(topic);
    await consumer.start();
    const { msgId } = await producer.send({ topic, body: 'x' });
    expect(await read(consumer, 1)).toEqual(['x']);
    await consumer.poll(0);
    const view = await waitFor(
      async () => {
        const found = await admin.traces.byMessageId(msgId);
        return found.consumptions[0]?.deliveries[0]?.success === true ? found : undefined;
      },
      { what: 'the trace', ...PATIENCE },
    );
    expect(view.consumptions).toMatchObject([{ group, deliveries: [{ success: true, returnType: 'SUCCESS' }] }]);
    await consumer.close();
    expect(consumer.traceStats).toEqual({ recorded: 2, sent: 2, dropped: 0, failed: 0 });
  });
});
