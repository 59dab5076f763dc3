import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  type RocketMQContext,
  RocketMQMessageListener,
  RocketMQRecordBuilder,
  RocketMQTemplate,
  type SendResult,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { startCluster } from './cluster.js';

interface Received {
  readonly payload: unknown;
  readonly context: RocketMQContext;
  readonly at: number;
}

const topic = unique('t');
let cluster: Awaited<ReturnType<typeof startCluster>>;
let app: TestApp;
let template: RocketMQTemplate;
let received: Received[];

@Injectable()
class Inbox {
  @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
  on(payload: unknown, context: RocketMQContext): void {
    received.push({ payload, context, at: Date.now() });
  }
}

/** The messages with a tag, once there are `count`. */
async function inbox(tag: string, count = 1): Promise<Received[]> {
  const found = () => received.filter(({ context }) => context.getTag() === tag);
  await waitFor(() => found().length >= count, { what: `${count} messages with tag ${tag}` });
  return found();
}

beforeAll(async () => {
  received = [];
  cluster = await startCluster();
  app = await startApp(at(cluster), { providers: [Inbox] });
  template = app.get(RocketMQTemplate);
});
afterAll(async () => {
  await app.close();
  await cluster.close();
});

describe('RocketMQTemplate', () => {
  it.each([
    ['text', 'héllo 世界'],
    ['an object', { a: [1, null, 'x'] }],
    ['a number', 42],
    ['an array', [1, 2]],
  ])('carries %s there as it was', async (_, payload) => {
    const tag = unique('tag');
    const result = await template.send(`${topic}:${tag}`, payload);
    expect(result).toMatchObject({ status: 'SEND_OK', queue: { topic } });
    expect(await inbox(tag)).toMatchObject([{ payload }]);
  });

  it('carries bytes there as they were', async () => {
    const tag = unique('tag');
    const bytes = Buffer.from([0, 255, 1, 2]);
    await template.send(`${topic}:${tag}`, bytes);
    const [message] = await inbox(tag);
    expect(message?.payload).toEqual(bytes);
  });

  it('sends one way', async () => {
    const tag = unique('tag');
    await template.sendOneway(`${topic}:${tag}`, 'x');
    expect(await inbox(tag)).toMatchObject([{ payload: 'x' }]);
  });

  it('sends messages with one sharding key to one queue', async () => {
    const tag = unique('tag');
    const results: SendResult[] = [];
    for (let i = 0; i < 8; i++) results.push(await template.send(`${topic}:${tag}`, i, { shardingKey: 'user-1' }));
    expect(new Set(results.map(({ queue }) => queue.queueId)).size).toBe(1);
    await inbox(tag, 8);
  });

  it('sends a batch, whose records have keys of their own', async () => {
    const tag = unique('tag');
    await template.sendBatch(`${topic}:${tag}`, [{ n: 1 }, new RocketMQRecordBuilder({ n: 2 }).setKeys('k2').build()]);
    const messages = await inbox(tag, 2);
    expect(messages.map(({ payload, context }) => [payload, context.getKeys()])).toEqual(
      expect.arrayContaining([
        [{ n: 1 }, []],
        [{ n: 2 }, ['k2']],
      ]),
    );
    await expect(template.sendBatch(topic, [])).rejects.toThrow(/no payloads/);
  });

  it('delays by level and by time', async () => {
    const tag = unique('tag');
    const start = Date.now();
    await template.send(`${topic}:${tag}`, 'level', { delayLevel: 1 });
    await template.send(`${topic}:${tag}`, 'time', { delay: '1500ms' });
    await template.send(`${topic}:${tag}`, 'now');
    const messages = await inbox(tag, 3);
    expect(messages.map(({ payload }) => payload)).toEqual(['now', 'level', 'time']);
    expect(messages[1]!.at - start).toBeGreaterThanOrEqual(900);
    expect(messages[2]!.at - start).toBeGreaterThanOrEqual(1_500);
  });

  it('rejects what cannot be sent', async () => {
    await expect(template.send('', 'x')).rejects.toThrow(/A destination is/);
    await expect(template.send(topic, undefined)).rejects.toThrow(/RocketMQ needs a body/);
    await expect(template.send(topic, 'x', { delay: 'soon' })).rejects.toThrow(/A delay is/);
    await expect(template.send(topic, 'x', { headers: { TAGS: 'a' } })).rejects.toThrow(
      /Property TAGS .* is used by RocketMQ itself/,
    );
    await expect(template.sendInTransaction(topic, 'x', () => undefined)).rejects.toThrow(
      /producer: \{ group: 'my-service' \}/,
    );
  });

  it('knows rocketmq-spring’s names', async () => {
    const tag = unique('tag');
    const to = `${topic}:${tag}`;
    await template.syncSend(to, 'syncSend');
    await template.syncSend(to, 'syncSend with timeout', 2000);
    await template.syncSendOrderly(to, 'syncSendOrderly', 'hash');
    await template.sendOneWay(to, 'sendOneWay');
    await template.sendOneWayOrderly(to, 'sendOneWayOrderly', 'hash');
    await template.convertAndSend(to, 'convertAndSend', { h: 1 });
    const result = await new Promise<SendResult>((onSuccess, onException) =>
      template.asyncSend(to, 'asyncSend', { onSuccess, onException }),
    );
    expect(result.status).toBe('SEND_OK');
    await new Promise<SendResult>((onSuccess, onException) =>
      template.asyncSendOrderly(to, 'asyncSendOrderly', 'hash', { onSuccess, onException }),
    );
    const error = await new Promise((resolve) =>
      template.asyncSend('', 'x', { onSuccess: resolve, onException: resolve }),
    );
    expect(error).toBeInstanceOf(Error);
    const messages = await inbox(tag, 8);
    expect(messages.map(({ payload }) => payload).sort()).toEqual([
      'asyncSend',
      'asyncSendOrderly',
      'convertAndSend',
      'sendOneWay',
      'sendOneWayOrderly',
      'syncSend',
      'syncSend with timeout',
      'syncSendOrderly',
    ]);
  });
});
