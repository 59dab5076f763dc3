import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  encodeTopicQueueMapping,
  type LogicQueueItem,
  type MessageExt,
  Requests,
  ResponseCode,
  type TopicRouteData,
} from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { type Cluster, startCluster, unique, waitFor } from '@rocketnest/testing';
import { Producer, PushConsumer } from '../src/index.js';
import { isLogicQueue, logicQueuesOf } from '../src/logic-queues.js';

const info = (bname: string, epoch: number, currIdMap: Record<number, number>, totalQueues = 2) => ({
  topic: 'T',
  scope: '__global__',
  bname,
  epoch,
  totalQueues,
  currIdMap,
});

const route = (topicQueueMappingByBroker?: Record<string, unknown>): TopicRouteData => ({
  queueDatas: [],
  brokerDatas: [],
  filterServerTable: {},
  topicQueueMappingByBroker,
});

describe('logicQueuesOf', () => {
  it('finds none in the route of an ordinary topic', () => {
    expect(logicQueuesOf('T', route())).toBeNull();
    expect(logicQueuesOf('T', route({}))).toBeNull();
  });

  it('names the leader of each queue by the newest mapping, and leaves out queues that nobody leads', () => {
    const logic = logicQueuesOf('T', route({ a: info('a', 2, { 0: 5 }, 3), b: info('b', 1, { 0: 1, 1: 2 }) }));
    expect([...logic!.leaders].sort()).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
    expect(logic!.queues).toEqual(
      [0, 1, 2].map((queueId) => ({ topic: 'T', brokerName: '__syslo__global__', queueId })),
    );
    expect(logic!.queues.every(isLogicQueue)).toBe(true);
  });
});

describe('A static topic', () => {
  let cluster: Cluster;
  let remoting: RemotingClient;
  const open: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    cluster = await startCluster({ brokers: 2 });
    remoting = new RemotingClient();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await remoting.close();
    await cluster.close();
  });

  const part = (bname: string, gen: number, logicOffset: number): LogicQueueItem => ({
    bname,
    gen,
    logicOffset,
    queueId: gen,
    startOffset: 0,
    endOffset: -1,
    timeOfStart: -1,
    timeOfEnd: -1,
  });

  /** Tells a broker (0 or 1) where logic queue 0 is. */
  async function put(index: number, topic: string, items: LogicQueueItem[], epoch: number): Promise<void> {
    const broker = cluster.brokers[index]!;
    const body = encodeTopicQueueMapping({
      topic,
      scope: '__global__',
      bname: broker.options.brokerName,
      epoch,
      totalQueues: 1,
      dirty: false,
      currIdMap: {},
      hostedQueues: { 0: items },
    });
    const fields = {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      order: false,
    };
    const request = createRequest(Requests.updateAndCreateStaticTopic, fields, body);
    expect((await remoting.request(broker.address, request)).code).toBe(ResponseCode.SUCCESS);
  }

  it('is sent and consumed while its queue moves from broker to broker', async () => {
    const topic = unique('static');
    await put(0, topic, [part('broker-a', 0, 0)], 1);
    const { namesrvAddr } = cluster;
    const producer = new Producer({ namesrvAddr, group: unique('p') });
    const received: MessageExt[] = [];
    const failedOnce = new Set<string>();
    const consumer = new PushConsumer({
      namesrvAddr,
      group: unique('c'),
      consumeFrom: 'FIRST_OFFSET',
      pullRetryDelayMs: 100,
    })
      .subscribe(topic)
      .listen(async ([message]) => {
        const body = message!.body.toString();
        if (body === 'twice' && !failedOnce.has(body)) {
          failedOnce.add(body);
          throw new Error('not yet');
        }
        received.push(message!);
      });
    open.push(consumer, producer);
    await producer.start();
    const first = await producer.send({ topic, body: 'one' });
    expect(first).toMatchObject({ queue: { brokerName: '__syslo__global__', queueId: 0 }, queueOffset: 0 });
    await consumer.start();
    await waitFor(() => received.length === 1, { what: 'the message before the move' });

    const moved = [part('broker-a', 0, 0), part('broker-b', 1, 100)];
    await put(1, topic, moved, 2);
    await put(0, topic, moved, 2);
    expect((await producer.send({ topic, body: 'two' })).queueOffset).toBe(100);
    expect((await producer.send({ topic, body: 'twice' })).queueOffset).toBe(101);
    await waitFor(() => received.length === 3, { what: 'the messages after the move', timeoutMs: 20_000 });
    expect(received.map(({ body }) => body.toString())).toEqual(['one', 'two', 'twice']);
    expect(received.map(({ queueOffset }) => queueOffset).slice(0, 2)).toEqual([0, 100]);
  });
});
