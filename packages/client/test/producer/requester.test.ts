import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ClosedError,
  ConfigurationError,
  type MessageExt,
  NoRouteError,
  PropertyName,
  RemoteReplyError,
  RequestTimeoutError,
  ResponseError,
} from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import {
  createReply,
  isRequest,
  type MessageHandler,
  Producer,
  type ProducerOptionsInput,
  PushConsumer,
  replyWith,
} from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('request and reply', () => {
  let cluster: TestCluster;
  let topic: string;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    topic = await cluster.topic();
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => cluster.close());

  async function started(options: Partial<ProducerOptionsInput> = {}): Promise<Producer> {
    const { namesrvAddr } = cluster;
    const producer = new Producer({ namesrvAddr, group: unique('producers'), sendTimeoutMs: 20_000, ...options });
    open.push(producer);
    await producer.start();
    return producer;
  }

  async function consume(handler: MessageHandler, from = topic): Promise<PushConsumer> {
    const { namesrvAddr } = cluster;
    const consumer = new PushConsumer({ namesrvAddr, group: unique('repliers'), consumeFrom: 'FIRST_OFFSET' });
    open.push(consumer);
    await consumer.subscribe(from).listen(handler).start();
    return consumer;
  }

  it('resolves every request to its own reply, whichever broker it comes through', async () => {
    const own = await cluster.topic();
    const replier = await started();
    await consume(
      replyWith(replier, ({ body, properties }) => ({ body: `re: ${body}`, tags: properties['TAGS'], keys: 'k' })),
      own,
    );
    const producer = await started();
    const bodies = Array.from({ length: 40 }, (_, i) => `请求 ${i}`);
    const replies = await Promise.all(
      bodies.map((body) => producer.request({ topic: own, body, tags: '标签' }, { shardingKey: body })),
    );
    expect(replies.map(({ body }) => body.toString())).toEqual(bodies.map((body) => `re: ${body}`));
    expect(replies[0]).toMatchObject({ topic: 'DefaultCluster_REPLY_TOPIC', properties: { TAGS: '标签', KEYS: 'k' } });
    expect(new Set(replies.map(({ properties }) => properties[PropertyName.CORRELATION_ID])).size).toBe(40);
    expect(producer.instance.replies.size).toBe(0);
  });

  it('knows the requester at brokers that have the reply topic, but not the topic', async () => {
    const small = unique('small');
    await cluster.admin.topics.create({ topic: small, queues: 1, broker: 'broker-a' });
    const replier = await started();
    await consume(
      replyWith(replier, () => 'pong'),
      small,
    );
    const producer = await started({ retryTimes: 0 });
    // One after another: the replier takes the brokers in turn.
    for (let i = 0; i < 6; i++) {
      expect((await producer.request({ topic: small, body: 'ping' })).body.toString()).toBe('pong');
    }
  });

  it('works in a namespace, whose topics and groups are its own', async () => {
    const namespace = unique('ns');
    await cluster.admin.topics.create({ topic: `${namespace}%orders`, queues: 1 });
    const replier = await started({ namespace });
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: unique('repliers'),
      consumeFrom: 'FIRST_OFFSET',
      namespace,
    });
    open.push(consumer);
    const topics: string[] = [];
    const answer = replyWith(replier, (request) => {
      topics.push(request.topic);
      return request.properties['INSTANCE_ID']!;
    });
    await consumer.subscribe('orders').listen(answer).start();
    const producer = await started({ namespace });
    const reply = await producer.request({ topic: 'orders', body: 'x' });
    expect(reply.body.toString()).toBe(namespace);
    expect(topics).toEqual(['orders']);
  });

  it('carries large bodies both ways', async () => {
    const replier = await started();
    await consume(replyWith(replier, ({ body }) => body));
    const body = 'large '.repeat(50_000);
    const reply = await (await started()).request({ topic, body });
    expect(reply.body.toString()).toBe(body);
  });

  it('rejects with what the replier threw', async () => {
    const own = await cluster.topic();
    const replier = await started();
    const attempts: MessageExt[] = [];
    await consume(
      replyWith(replier, (request) => {
        attempts.push(request);
        throw Object.assign(new RangeError('no such order'), { code: 'E_ORDER' });
      }),
      own,
    );
    const failure = (await started()).request({ topic: own, body: '4711' });
    await expect(failure).rejects.toBeInstanceOf(RemoteReplyError);
    await expect(failure).rejects.toMatchObject({
      code: 'REMOTE_REPLY',
      remoteName: 'RangeError',
      remoteMessage: 'no such order',
      remoteCode: 'E_ORDER',
      message: expect.stringContaining(`request to topic ${own}`),
    });
    expect(attempts).toHaveLength(1);
  });

  it('says after the timeout whether anybody subscribes', async () => {
    const own = await cluster.topic();
    const producer = await started();
    const startedAt = performance.now();
    const nobody = await producer.request({ topic: own, body: 'x' }, { timeoutMs: 600 }).catch((error) => error);
    expect(performance.now() - startedAt).toBeGreaterThan(590);
    expect(nobody).toBeInstanceOf(RequestTimeoutError);
    expect(nobody).toMatchObject({ code: 'REQUEST_TIMEOUT', responders: [], retriable: true });
    expect(nobody.message).toMatch(
      `topic ${own} within 600 ms; a broker has the request. No consumer group subscribes`,
    );

    const silent = await consume(() => {}, own);
    await waitFor(async () => (await cluster.admin.instance.findConsumerIdList(own, silent.group))!.length === 1);
    const ignored = await producer.request({ topic: own, body: 'x' }, { timeoutMs: 1_500 }).catch((error) => error);
    expect(ignored.responders).toEqual([silent.group]);
    expect(ignored.message).toContain(
      `Consumer group ${silent.group} (1 running) subscribes: its handler needs longer`,
    );
  });

  it('fails at once when it cannot be sent', async () => {
    const producer = await started();
    const gone = { topic, brokerName: 'gone', queueId: 0 };
    await expect(producer.request({ topic, body: 'x' }, { queue: gone })).rejects.toThrow(NoRouteError);
    await expect(producer.request({ topic, body: 'x', delayMs: 5 })).rejects.toThrow(/cannot be delayed/);
    expect(producer.instance.replies.size).toBe(0);
  });

  it('can be aborted', async () => {
    const producer = await started();
    const controller = new AbortController();
    const waiting = producer.request({ topic, body: 'x' }, { signal: controller.signal });
    await waitFor(() => producer.instance.replies.size === 1);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(producer.instance.replies.size).toBe(0);
    await expect(producer.request({ topic, body: 'x' }, { signal: controller.signal })).rejects.toBe(reason);
  });

  it('fails requests that wait when the producer is closed', async () => {
    const producer = await started({ closeTimeoutMs: 50 });
    const waiting = producer.request({ topic, body: 'x' });
    const outcome = waiting.catch((error) => error);
    await waitFor(() => producer.instance.replies.size === 1);
    await producer.close();
    expect(await outcome).toBeInstanceOf(ClosedError);
  });

  it('tells the replier when the requester is gone', async () => {
    const own = await cluster.topic();
    let request: MessageExt | undefined;
    await consume(([message]) => {
      request = message;
    }, own);
    const producer = await started({ closeTimeoutMs: 0 });
    const waiting = producer.request({ topic: own, body: 'x' }).catch((error) => error);
    await waitFor(() => request);
    await producer.close();
    await waiting;
    const late = (await started({ retryTimes: 0 })).send(createReply(request!, 'too late'));
    await expect(late).rejects.toThrow(ResponseError);
    await expect(late).rejects.toThrow(/push reply message/);
  });

  it('handles messages that are no requests without a reply', async () => {
    const own = await cluster.topic();
    const replier = await started();
    const handled: MessageExt[] = [];
    await consume(
      replyWith(replier, (message) => {
        handled.push(message);
        return 'nobody hears this';
      }),
      own,
    );
    await (await started()).send({ topic: own, body: 'plain' });
    await waitFor(() => handled.length > 0);
    expect(isRequest(handled[0]!)).toBe(false);
    expect(() => createReply(handled[0]!, 'x')).toThrow(ConfigurationError);
    await expect(
      replier.send([{ topic: own, body: 'x', replyTo: { correlationId: 'c', clientId: 'i' } }]),
    ).rejects.toThrow(/Send replies one by one/);
  });
});
