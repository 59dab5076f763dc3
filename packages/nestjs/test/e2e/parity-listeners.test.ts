import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, Module } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  JsonPayloadDeserializer,
  JsonPayloadSerializer,
  type PayloadDeserializer,
  type PayloadSerializer,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { startCluster, startOwnCluster } from './cluster.js';

type ListenerOptions = Parameters<typeof RocketMQMessageListener>[0];

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

/** A provider that keeps what it gets. */
function inbox(options: ListenerOptions) {
  const got: unknown[] = [];

  @Injectable()
  class Inbox {
    @RocketMQMessageListener(options)
    on(payload: unknown): void {
      got.push(payload);
    }
  }

  return { Inbox, got };
}

describe('fields of rocketmq-spring’s annotation', () => {
  it('selectorType SQL92 has the broker filter by headers', async () => {
    await using filtering = await startOwnCluster({ broker: { enablePropertyFilter: true } });
    const topic = unique('t');
    const { Inbox, got } = inbox({
      topic,
      consumerGroup: unique('g'),
      selectorType: 'SQL92',
      selectorExpression: "amount > 100 AND country = 'de'",
    });
    await using app = await startApp(at(filtering), { providers: [Inbox] });
    const template = app.get(RocketMQTemplate);
    await template.send(topic, 'too little', { headers: { amount: 100, country: 'de' } });
    await template.send(topic, 'from elsewhere', { headers: { amount: 200, country: 'fr' } });
    await template.send(topic, 'wanted', { headers: { amount: 101, country: 'de' } });
    await template.send(topic, 'wanted too', { headers: { amount: 4711, country: 'de' } });
    await waitFor(() => got.length >= 2, { what: 'the messages that match' });
    expect(got.sort()).toEqual(['wanted', 'wanted too']);
  });

  it('consumeFromWhere and consumeFromTimestamp say where a new group begins', async () => {
    const topic = unique('t');
    await using sender = await startApp(at(cluster, { topics: [{ name: topic, queues: 1 }] }), {});
    const template = sender.get(RocketMQTemplate);
    await template.send(topic, 'old');
    const moment = Date.now() + 1;
    // The broker compares milliseconds.
    await waitFor(() => Date.now() > moment, { what: 'the clock to go on' });
    await template.send(topic, 'newer');
    const from = (more: Partial<ListenerOptions>) => inbox({ topic, consumerGroup: unique('g'), ...more });
    const first = from({ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    const timestamp = from({ consumeFromTimestamp: new Date(moment) });
    const last = from({ consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    await using app = await startApp(at(cluster), { providers: [first.Inbox, timestamp.Inbox, last.Inbox] });
    const ready = () =>
      app
        .get(RocketMQListenerRegistry)
        .list()
        .every(({ consumer }) => consumer?.report().queues.some((queue) => queue.topic === topic));
    await waitFor(ready, { what: 'queues for all groups' });
    await template.send(topic, 'last');
    await waitFor(() => [first, timestamp, last].every(({ got }) => got.includes('last')), {
      what: 'the last message',
    });
    expect([first.got, timestamp.got, last.got].map((got) => got.sort())).toEqual([
      ['last', 'newer', 'old'],
      ['last', 'newer'],
      ['last'],
    ]);
  });

  it('customizedTraceTopic is where enableMsgTrace writes', async () => {
    const [topic, traceTopic, consumerGroup] = [unique('t'), unique('traces'), unique('g')];
    const { Inbox, got } = inbox({ topic, consumerGroup, enableMsgTrace: true, customizedTraceTopic: traceTopic });
    const traces = inbox({
      topic: traceTopic,
      consumerGroup: unique('g'),
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    const options = at(cluster, { topics: [{ name: traceTopic, queues: 1 }] });
    await using app = await startApp(options, { providers: [Inbox, traces.Inbox] });
    const { msgId } = await app.get(RocketMQTemplate).send(topic, 'x');
    const records = () => traces.got.filter((record) => String(record).includes(msgId));
    await waitFor(() => got.length === 1 && records().length > 0, { what: 'the message and its trace' });
    expect(String(records()[0])).toContain(consumerGroup);
  });

  it('consumeTimeout, pullBatchSize, awaitTerminationMillisWhenShutdown and others reach the client', async () => {
    const consumerGroup = unique('g');
    const { Inbox } = inbox({
      topic: unique('t'),
      consumerGroup,
      consumeTimeout: 2,
      maxReconsumeTimes: 3,
      pullBatchSize: 64,
      consumeMessageBatchMaxSize: 8,
      awaitTerminationMillisWhenShutdown: 1_500,
      consumeThreadNumber: 7,
    });
    await using app = await startApp(at(cluster), { providers: [Inbox] });
    expect(app.get(RocketMQListenerRegistry).get(consumerGroup).consumer!.options).toMatchObject({
      consumeTimeoutMs: 120_000,
      maxReconsumeTimes: 3,
      pullBatchSize: 64,
      consumeMessageBatchMaxSize: 8,
      shutdownTimeoutMs: 1_500,
      concurrency: 7,
    });
  });
});

describe('a method with the decorator twice', () => {
  it('listens to both topics', async () => {
    const [one, two] = [unique('t'), unique('t')];
    const got: string[] = [];

    @Injectable()
    class Both {
      @RocketMQMessageListener({ topic: one, consumerGroup: unique('g') })
      @RocketMQMessageListener({ topic: two, consumerGroup: unique('g') })
      on(text: string): void {
        got.push(text);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Both] });
    await app.get(RocketMQTemplate).send(one, 'one');
    await app.get(RocketMQTemplate).send(two, 'two');
    await waitFor(() => got.length === 2, { what: 'both messages' });
    expect(got.sort()).toEqual(['one', 'two']);
  });
});

/** JSON with its characters in hexadecimal: nothing else reads it. */
const hex: PayloadSerializer & PayloadDeserializer = {
  serialize: (payload) => ({ body: Buffer.from(Buffer.from(JSON.stringify(payload)).toString('hex')) }),
  deserialize: ({ body }) => JSON.parse(Buffer.from(body.toString(), 'hex').toString()) as unknown,
};

describe('serializers', () => {
  it('of the module write and read what the application sends and gets', async () => {
    const topic = unique('t');
    const { Inbox, got } = inbox({ topic, consumerGroup: unique('g') });
    const raw = inbox({ topic, consumerGroup: unique('g'), deserializer: new JsonPayloadDeserializer() });
    const options = at(cluster, { serializer: hex, deserializer: hex });
    await using app = await startApp(options, { providers: [Inbox, raw.Inbox] });
    await app.get(RocketMQTemplate).send(topic, { id: 1 });
    await waitFor(() => got.length === 1 && raw.got.length === 1, { what: 'both messages' });
    expect(got).toEqual([{ id: 1 }]);
    expect(raw.got).toEqual([Buffer.from('{"id":1}').toString('hex')]);
  });

  it('of a listener read what others wrote for it alone', async () => {
    const topic = unique('t');
    const { Inbox, got } = inbox({ topic, consumerGroup: unique('g'), deserializer: hex });
    await using app = await startApp(at(cluster, { serializer: hex }), { providers: [Inbox] });
    await app.get(RocketMQTemplate).send(topic, ['a']);
    await waitFor(() => got.length === 1, { what: 'the message' });
    expect(got).toEqual([['a']]);
    expect(new JsonPayloadSerializer().serialize('a').body.toString()).toBe('a');
  });
});

describe('isGlobal: false', () => {
  it('gives the template to the modules that import RocketMQModule, and to no other', async () => {
    @Injectable()
    class Sender {
      constructor(readonly template: RocketMQTemplate) {}
    }

    const rocketmq = RocketMQModule.forRoot({
      ...at(cluster),
      ...quick,
      logger: new RecordingLogger(),
      isGlobal: false,
    });
    @Module({ imports: [rocketmq], providers: [Sender] })
    class Importing {}
    @Module({ providers: [Sender] })
    class Foreign {}

    await using app = await startApp([], { imports: [Importing] });
    await expect(app.get(Sender).template.send(unique('t'), 'x')).resolves.toMatchObject({ status: 'SEND_OK' });
    await expect(startApp([], { imports: [Importing, Foreign] })).rejects.toThrow(/dependencies of the Sender/);
  });
});

describe('an application without enableShutdownHooks', () => {
  const warnings = async (prepare: (app: INestApplication) => unknown): Promise<string[]> => {
    const others = process.listeners('SIGTERM');
    process.removeAllListeners('SIGTERM');
    try {
      const { Inbox } = inbox({ topic: unique('t'), consumerGroup: unique('g') });
      await using app = await startApp(at(cluster), { providers: [Inbox] }, prepare);
      return app.log.find('warn', /SIGTERM.*enableShutdownHooks/);
    } finally {
      process.removeAllListeners('SIGTERM');
      for (const other of others) process.on('SIGTERM', other);
    }
  };

  it('is told that a SIGTERM would kill its handlers', async () => {
    expect(await warnings(() => undefined)).toHaveLength(1);
    expect(await warnings((app) => app.enableShutdownHooks())).toEqual([]);
  });
});
