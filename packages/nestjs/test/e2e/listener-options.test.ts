// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Admin, Producer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQListenerRegistry, RocketMQMessageListener, RocketMQTemplate } from '../../src/index.js';
import { at, quick, startApp } from './app.js';
import { startCluster, startOwnCluster } from './cluster.js';

type Options = Partial<Parameters<typeof RocketMQMessageListener>[0]>;

let cluster: Awaited<ReturnType<typeof startCluster>>;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster();
  admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
});
afterAll(async () => {
  await admin.close();
  await cluster.close();
});

/** An application with one listener. */
async function withListener(options: Options, module: Parameters<typeof at>[1] = {}) {
  const [topic, consumerGroup] = [unique('t'), unique('g')];
  const got: string[] = [];

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', ...options })
    on(text: string): void {
      got.push(text);
    }
  }

  const app = await startApp(at(cluster, module), { providers: [Listener] });
  return {
    app,
    topic,
    group: consumerGroup,
    got,
    template: app.get(RocketMQTemplate),
    container: app.get(RocketMQListenerRegistry).get(consumerGroup),
  };
}

/** Sends without the application's own connections. */
async function sendTo(namesrvAddr: string, topic: string, body: string): Promise<void> {
  const producer = new Producer({ namesrvAddr, group: unique('p'), sendTimeoutMs: 15_000 });
  await producer.start();
  await producer.send({ topic, body });
  await producer.close();
}

describe('a group with connections of its own', () => {
  it('may read from other name servers', async () => {
    await using other = await startOwnCluster();
    const { app, topic, got } = await withListener({ nameServer: () => other.namesrvAddr });
    await using _ = app;
    await sendTo(cluster.namesrvAddr, topic, 'here');
    await sendTo(other.namesrvAddr, topic, 'there');
    await waitFor(() => got.length > 0, { what: 'the message' });
    expect(got).toEqual(['there']);
  });

  it('may live in a namespace', async () => {
    const { app, topic, group, got } = await withListener({ namespace: 'tenant' });
    await using _ = app;
    await sendTo(cluster.namesrvAddr, topic, 'outside');
    await sendTo(cluster.namesrvAddr, `tenant%${topic}`, 'inside');
    await waitFor(() => got.length > 0, { what: 'the message' });
    expect(got).toEqual(['inside']);
    await waitFor(async () => (await admin.groups.topics(`tenant%${group}`)).items.length > 0, { what: 'the group' });
  });

  it('signs its requests with its own key, and says namespaceV2 in them', async () => {
    const seen: Record<string, string>[] = [];
    const client = {
      ...quick.client,
      rpcHooks: [
        {
          afterResponse: (_: string, { extFields }: { extFields: Record<string, string> }) => void seen.push(extFields),
        },
      ],
    };
    const options = { accessKey: '${key:alice}', secretKey: 'secret', namespaceV2: 'tenant' };
    const { app, topic, got, template, group } = await withListener(options, { client });
    await using _ = app;
    await template.send(topic, 'a');
    await waitFor(() => got.length === 1, { what: 'the message' });
    const its = seen.filter((fields) => fields['consumerGroup'] === group);
    expect(its.length).toBeGreaterThan(0);
    for (const fields of its) {
      expect(fields).toMatchObject({ AccessKey: 'alice', Signature: expect.stringMatching(/=$/), ns: 'tenant' });
    }
    // Those of the connection stay as they were.
    expect(seen.some((fields) => fields['AccessKey'] === undefined)).toBe(true);
  });

  it('has the instance name it asks for', async () => {
    const { app, container } = await withListener({ instanceName: 'billing-7' });
    await using _ = app;
    expect(container.consumer!.instance.clientId).toMatch(/@billing-7$/);
    await container.stop();
    await container.start();
    expect(container.state).toBe('running');
  });

  it('speaks TLS when it is told to', async () => {
    const { app, topic, got, container } = await withListener({ tlsEnable: 'true' });
    await using _ = app;
    expect(container.consumer!.instance.options.tls).toBe(true);
    await sendTo(cluster.namesrvAddr, topic, 'a');
    await waitFor(() => got.length === 1, { what: 'the message' });
  });

  it('takes empty placeholders as not set, as rocketmq-spring has them', async () => {
    const { app, container } = await withListener(
      {
        accessKey: '${rocketmq.consumer.access-key:}',
        secretKey: '${rocketmq.consumer.secret-key:}',
        customizedTraceTopic: '${rocketmq.consumer.customized-trace-topic:}',
        nameServer: '${rocketmq.name-server:}',
        namespace: '',
        tlsEnable: 'false',
        accessChannel: 'LOCAL',
      },
      { resolver: () => undefined },
    );
    await using _ = app;
    expect(container.consumer!.options).toMatchObject({ traceTopic: 'RMQ_SYS_TRACE_TOPIC', tls: false });
  });
});

describe('options of the consumer', () => {
  it('enableMsgTrace writes records that consoles find', async () => {
    const { app, topic, group, got, template } = await withListener({ enableMsgTrace: true });
    await using _ = app;
    const { msgId } = await template.send(topic, 'a');
    await waitFor(() => got.length === 1, { what: 'the message' });
    await waitFor(
      async () => (await admin.traces.byMessageId(msgId)).consumptions.some((each) => each.group === group),
      { what: 'the record', timeoutMs: 20_000 },
    );
  });

  it('clientRebalance: false lets an operator have the group pop', async () => {
    const { app, topic, group, got, template, container } = await withListener({
      clientRebalance: false,
      consumer: { popInvisibleTimeMs: 10_000, rebalanceIntervalMs: 300 },
    });
    await using _ = app;
    await template.send(topic, 'pulled');
    await waitFor(() => got.length === 1, { what: 'the first message' });
    await admin.groups.setRequestMode({ topic, group, mode: 'POP' });
    await waitFor(() => container.consumer!.assignment.some(({ queueId }) => queueId === -1), { what: 'popping' });
    await template.send(topic, 'popped');
    await waitFor(() => got.length === 2, { what: 'the second message' });
    expect(got).toEqual(['pulled', 'popped']);
  });

  it('pullInterval, consumeThreadMax, rateLimit and others reach the client', async () => {
    const { app, container } = await withListener({
      pullInterval: 7,
      consumeThreadNumber: 30,
      consumeThreadMax: '${threads:10}',
      rateLimit: 500,
      consumer: { allocate: 'AVG_BY_CIRCLE' },
    });
    await using _ = app;
    expect(container.consumer!.options).toMatchObject({
      pullIntervalMs: 7,
      concurrency: 10,
      rateLimit: 500,
      allocate: 'AVG_BY_CIRCLE',
    });
    expect(app.log.find('log', /Mapped .*concurrency 10, retries 16, at most 500 messages\/s/)).toHaveLength(1);
  });
});

describe('RocketMQListenerRegistry', () => {
  it('changes concurrency and rate while the group runs, and they stay over a stop', async () => {
    const { app, container } = await withListener({});
    await using _ = app;
    container.setConcurrency(3);
    container.setRateLimit(100);
    await container.stop();
    await container.start();
    expect(container.consumer!.options).toMatchObject({ concurrency: 3, rateLimit: 100 });
    container.setRateLimit(undefined);
    await container.stop();
    await container.start();
    expect(container.consumer!.options.rateLimit).toBeUndefined();
    expect(() => container.setConcurrency(0)).toThrow(
      /concurrency must be an integer from 1 to 1000, handlers, got 0|got 0/,
    );
    expect(() => container.setRateLimit(0)).toThrow(/rateLimit must be .* got 0/);
  });

  it('lets no more handlers run than the concurrency that was set', async () => {
    const topic = unique('t');
    const consumerGroup = unique('g');
    let running = 0;
    let most = 0;
    let done = 0;

    @Injectable()
    class Listener {
      @RocketMQMessageListener({
        topic,
        consumerGroup,
        autoStartup: false,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      })
      async on(): Promise<void> {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
        done++;
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    const template = app.get(RocketMQTemplate);
    await Promise.all(Array.from({ length: 20 }, (_, i) => template.send(topic, String(i))));
    const container = app.get(RocketMQListenerRegistry).get(consumerGroup);
    container.setConcurrency(2);
    await container.start();
    await waitFor(() => done === 20, { what: 'all messages' });
    expect(most).toBe(2);
  });
});
