import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Admin } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import {
  RocketMQConnection,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  type TopicDeclaration,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { startCluster } from './cluster.js';

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

const settings = async (topic: string) => {
  const [config] = (await admin.topics.config(topic)).items;
  return { queues: config?.writeQueueNums, type: config?.attributes?.['message.type'] };
};

describe('declared topics', () => {
  it('are created before a consumer starts or a message is sent', async () => {
    const name = unique('t');
    const got: string[] = [];

    @Injectable()
    class Inbox {
      @RocketMQMessageListener({ topic: name, consumerGroup: unique('g') })
      on(text: string): void {
        got.push(text);
      }
    }
    await using app = await startApp(at(cluster, { topics: [{ name, type: 'FIFO', queues: 3 }] }), {
      providers: [Inbox],
    });
    expect(await settings(name)).toEqual({ queues: 3, type: 'FIFO' });
    expect(app.log.find('log', new RegExp(`Created topic ${name} \\(FIFO\\)`))).toHaveLength(1);
    await app.get(RocketMQTemplate).send(name, 'x', { shardingKey: 'k' });
    await waitFor(() => got.length === 1, { what: 'the message' });
  });

  it('stay as they are where they exist, with a warning when they differ', async () => {
    const name = unique('t');
    await admin.topics.create({ topic: name, queues: 2, messageType: 'NORMAL' });
    await using app = await startApp(
      at(cluster, {
        topics: [
          { name, queues: 4, type: 'DELAY' },
          { name: unique('off'), ensure: 'off' },
        ],
      }),
      {},
    );
    expect(await settings(name)).toEqual({ queues: 2, type: 'NORMAL' });
    expect(
      app.log.find('warn', /has type NORMAL, not DELAY and 2 queues, not 4, as declared\. It is left/),
    ).toHaveLength(1);
    expect(app.log.find('log', /Created topic/)).toEqual([]);
  });

  it('stop the application from starting when they are only verified: missing ones, with names that are near, and different ones', async () => {
    const name = unique('order');
    await admin.topics.create({ topic: name, queues: 2 });
    const topics: TopicDeclaration[] = [
      { name: `${name}s`, type: 'NORMAL' },
      { name, queues: 16 },
    ];
    await expect(startApp(at(cluster, { topics, ensureTopics: 'verify' }), {})).rejects.toThrow(
      new RegExp(
        `Topic ${name}s does not exist \\(there is ${name}\\)\\. Topic ${name} has 2 queues, not 16, as declared\\.`,
      ),
    );
    expect(await admin.topics.route(`${name}s`)).toBeNull();
  });

  it('may be declared by the modules that use them', async () => {
    const [one, two] = [unique('t'), unique('t')];

    @Module({ imports: [RocketMQModule.forFeature([{ name: one, queues: 1 }])] })
    class Orders {}

    @Module({ imports: [RocketMQModule.forFeature({ connection: 'eu', topics: [{ name: two, queues: 2 }] })] })
    class Users {}

    const options = { ...at(cluster), ...quick, logger: new RecordingLogger() };
    await using _ = await startApp(
      [RocketMQModule.forRoot(options), RocketMQModule.forRoot({ name: 'eu', ...options })],
      {
        imports: [Orders, Users],
      },
    );
    expect([await settings(one), await settings(two)]).toMatchObject([{ queues: 1 }, { queues: 2 }]);
    expect(() => RocketMQModule.forFeature([{ name: one, kind: 'x' } as never])).toThrow(
      /RocketMQModule\.forFeature topics\[0\] has no option "kind"/,
    );
  });

  it('have the connection’s namespace', async () => {
    const name = unique('t');
    await using app = await startApp(at(cluster, { topics: [{ name }], client: { namespace: 'tenant' } }), {});
    expect(await admin.topics.route(`tenant%${name}`)).not.toBeNull();
    await expect(app.get(RocketMQTemplate).send(name, 'x')).resolves.toMatchObject({ queue: { topic: name } });
  });

  it('are waited for while brokers start, and not at all in the background', async () => {
    const name = unique('t');
    const dead = { namesrvAddr: '127.0.0.1:1', topics: [{ name }] };
    await using app = await startApp({ ...dead, startMode: 'background' }, {});
    await waitFor(() => app.log.find('warn', /waits for topics/).length > 0, { what: 'the warning' });
    await expect(startApp({ ...dead, startMode: 'wait', startTimeoutMs: 600 }, {})).rejects.toThrow(/cannot start/);
    expect(app.get(RocketMQConnection).enabled).toBe(true);
  });
});
