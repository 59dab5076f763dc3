import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  getRocketMQTemplateToken,
  type RocketMQContext,
  type RocketMQLocalTransactionListener,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionListener,
  type SendResult,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp, type TestApp } from './app.js';
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
const received: Received[] = [];

@Injectable()
class Inbox {
  @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
  on(payload: unknown, context: RocketMQContext): void {
    received.push({ payload, context, at: Date.now() });
  }
}

/** The messages with a tag, once there are `count`. */
async function inbox(tag: string, count: number): Promise<Received[]> {
  const found = () => received.filter(({ context }) => context.getTag() === tag);
  await waitFor(() => found().length >= count, { what: `${count} messages with tag ${tag}` });
  return found();
}

beforeAll(async () => {
  cluster = await startCluster();
  app = await startApp(at(cluster), { providers: [Inbox] });
  template = app.get(RocketMQTemplate);
});
afterAll(async () => {
  await app.close();
  await cluster.close();
});

const report = (send: (callback: Parameters<RocketMQTemplate['asyncSend']>[2]) => void): Promise<SendResult> =>
  new Promise((onSuccess, onException) => send({ onSuccess, onException }));

describe('rocketmq-spring’s methods with all of their arguments', () => {
  it.each<[string, (to: string) => Promise<unknown>]>([
    ['syncSend', (to) => template.syncSend(to, 'x', 10_000, 1)],
    ['syncSendOrderly', (to) => template.syncSendOrderly(to, 'x', 'hash', 10_000, 1)],
    ['syncSendDelayTimeSeconds', (to) => template.syncSendDelayTimeSeconds(to, 'x', 1)],
    ['syncSendDelayTimeMills', (to) => template.syncSendDelayTimeMills(to, 'x', 1_000)],
    ['syncSendDeliverTimeMills', (to) => template.syncSendDeliverTimeMills(to, 'x', Date.now() + 1_000)],
    ['asyncSend', (to) => report((callback) => template.asyncSend(to, 'x', callback, 10_000, 1))],
    ['asyncSendOrderly', (to) => report((callback) => template.asyncSendOrderly(to, 'x', 'hash', callback, 10_000, 1))],
  ])('%s delays by a second', async (_, send) => {
    const tag = unique('tag');
    const start = Date.now();
    await send(`${topic}:${tag}`);
    const [message] = await inbox(tag, 1);
    expect(message!.payload).toBe('x');
    expect(message!.at - start).toBeGreaterThanOrEqual(900);
  });

  it('convertAndSend sends the headers that it is given', async () => {
    const tag = unique('tag');
    await template.convertAndSend(`${topic}:${tag}`, { id: 1 }, { locale: 'de' });
    const [message] = await inbox(tag, 1);
    expect(message!.payload).toEqual({ id: 1 });
    expect(message!.context.getHeader('locale')).toBe('de');
  });

  it('one key, one queue, whichever …Orderly method sends it, and sendBatch for collections', async () => {
    const tag = unique('tag');
    const to = `${topic}:${tag}`;
    await template.syncSendOrderly(to, 'sync', 'user-7');
    await report((callback) => template.asyncSendOrderly(to, 'async', 'user-7', callback));
    await template.sendOneWayOrderly(to, 'one way', 'user-7');
    await template.sendBatch(to, ['first of two', 'second of two'], { shardingKey: 'user-7' });
    const messages = await inbox(tag, 5);
    expect(messages.map(({ payload }) => payload).sort()).toEqual([
      'async',
      'first of two',
      'one way',
      'second of two',
      'sync',
    ]);
    expect(new Set(messages.map(({ context }) => context.getQueue()!.queueId)).size).toBe(1);
  });

  it('getProducer gives the client’s producer, for what the template does not offer', async () => {
    const tag = unique('tag');
    const { queue } = await template.getProducer().send({ topic, tags: tag, body: 'plain' });
    expect(queue.topic).toBe(topic);
    expect((await inbox(tag, 1))[0]!.payload).toBe('plain');
  });
});

describe('the selector of a send', () => {
  it('chooses the queue', async () => {
    const tag = unique('tag');
    const chosen = await Promise.all(
      [1, 1, 0].map((queueId) =>
        template.send(`${topic}:${tag}`, 'x', {
          selector: (queues) => queues.find((queue) => queue.queueId === queueId)!,
        }),
      ),
    );
    expect(chosen.map(({ queue }) => queue.queueId)).toEqual([1, 1, 0]);
  });
});

describe('a transaction listener of another connection', () => {
  it('answers for that one alone', async () => {
    const executed: unknown[] = [];

    @Injectable()
    @RocketMQTransactionListener({ connection: 'eu', topic })
    class Orders implements RocketMQLocalTransactionListener {
      executeLocalTransaction(payload: unknown, arg: unknown): 'COMMIT' {
        executed.push([payload, arg]);
        return 'COMMIT';
      }

      checkLocalTransaction(): 'COMMIT' {
        return 'COMMIT';
      }
    }

    const connection = (name?: string) =>
      RocketMQModule.forRoot({
        ...at(cluster),
        ...quick,
        producer: { ...quick.producer, group: unique('p') },
        logger: new RecordingLogger(),
        ...(name === undefined ? {} : { name }),
      });
    await using two = await startApp([connection(), connection('eu')], { providers: [Orders] });
    const eu = two.get<RocketMQTemplate>(getRocketMQTemplateToken('eu'));
    const tag = unique('tag');
    await eu.sendMessageInTransaction(`${topic}:${tag}`, { id: 1 }, 'argument');
    expect((await inbox(tag, 1))[0]!.payload).toEqual({ id: 1 });
    expect(executed).toEqual([[{ id: 1 }, 'argument']]);
    await expect(two.get(RocketMQTemplate).sendMessageInTransaction(topic, 'x', 'argument')).rejects.toThrow(
      /RocketMQTransactionListener/,
    );
  });
});
