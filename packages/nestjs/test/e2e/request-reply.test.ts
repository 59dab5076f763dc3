import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BadRequestException, Controller, UseFilters } from '@nestjs/common';
import {
  type ClientProxy,
  ClientsModule,
  EventPattern,
  MessagePattern,
  Ctx as NestCtx,
  Payload as NestPayload,
  RpcException,
} from '@nestjs/microservices';
import { Producer, PushConsumer, replyWith } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { firstValueFrom, lastValueFrom, of, throwError, timeout, toArray } from 'rxjs';
import {
  ClientRocketMQ,
  ConsumeResult,
  RemoteReplyError,
  RequestTimeoutError,
  RocketMQConnection,
  type RocketMQContext,
  RocketMQExceptionFilter,
  RocketMQRecordBuilder,
  RocketMQTemplate,
  ServerRocketMQ,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp, type TestApp } from './app.js';
import { startCluster } from './cluster.js';

const math = unique('math');
const plain = unique('plain');
const calls: string[] = [];

@Controller()
class MathHandlers {
  @MessagePattern(`${math}:sum`)
  sum(@NestPayload() numbers: number[], @NestCtx() context: RocketMQContext): unknown {
    return { sum: numbers.reduce((a, b) => a + b, 0), tag: context.getTag(), who: context.getHeader('who') };
  }

  @MessagePattern({ topic: math, tag: 'stream' })
  stream(): unknown {
    return of(1, 2, 3);
  }

  @MessagePattern(`${math}:nothing`)
  async nothing(): Promise<void> {}

  @MessagePattern(`${math}:text`)
  text(): string {
    return '世界';
  }

  @MessagePattern(`${math}:bytes`)
  bytes(): Buffer {
    return Buffer.from([0, 255]);
  }

  @MessagePattern(`${math}:rpc`)
  rpc(): never {
    throw new RpcException({ code: 'E1', detail: [1] });
  }

  @MessagePattern(`${math}:plain`)
  plain(): never {
    calls.push('plain');
    throw new TypeError('secret');
  }

  @UseFilters(RocketMQExceptionFilter)
  @MessagePattern(`${math}:filtered`)
  filtered(): unknown {
    return throwError(() => new BadRequestException(['id is missing', 'name is empty']));
  }

  @MessagePattern(`${math}:unserializable`)
  unserializable(): unknown {
    return { n: 1n };
  }

  @MessagePattern(`${math}:later`)
  later(@NestCtx() context: RocketMQContext): unknown {
    return context.getReconsumeTimes() === 0 ? ConsumeResult.retryIn(1) : `attempt ${context.getReconsumeTimes()}`;
  }

  @MessagePattern(`${math}:never`)
  never(): Promise<never> {
    calls.push('never');
    return new Promise(() => undefined);
  }

  @EventPattern<unknown>(`${math}:event`)
  event(): void {
    calls.push('event');
  }
}

let cluster: Awaited<ReturnType<typeof startCluster>>;
let app: TestApp;
let template: RocketMQTemplate;
let client: ClientProxy;
const log = new RecordingLogger();

beforeAll(async () => {
  cluster = await startCluster();
  const options = { namesrvAddr: cluster.namesrvAddr, ...quick, logger: log, replyTimeoutMs: 20_000 };
  const clients = ClientsModule.register([{ name: 'MATH', customClass: ClientRocketMQ, options }]);
  app = await startApp(
    at(cluster, { replyTimeoutMs: 20_000, shutdownTimeoutMs: 200 }),
    { controllers: [MathHandlers], imports: [clients] },
    async (nest) => {
      const consumerGroup = unique('g');
      nest.connectMicroservice({ strategy: new ServerRocketMQ({ ...options, shutdownTimeoutMs: 200, consumerGroup }) });
      await nest.startAllMicroservices();
    },
  );
  template = app.get(RocketMQTemplate);
  client = app.get<ClientProxy>('MATH');
});
afterAll(async () => {
  await app.close();
  await cluster.close();
});
beforeEach(() => {
  calls.length = 0;
});

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`resolved to ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );

describe('request-reply over the transport', () => {
  it('answers with what the handler returned', async () => {
    const record = new RocketMQRecordBuilder([1, 2, 3]).setHeaders({ who: 'me' }).setTimeoutMs(15_000).build();
    await expect(lastValueFrom(client.send(`${math}:sum`, record))).resolves.toEqual({
      sum: 6,
      tag: 'sum',
      who: 'me',
    });
    await expect(template.request(`${math}:sum`, [4, 5])).resolves.toEqual({ sum: 9, tag: 'sum' });
  });

  it.each([
    ['the last value of a stream', 'stream', 3],
    ['null for nothing', 'nothing', null],
    ['text', 'text', '世界'],
    ['bytes', 'bytes', Buffer.from([0, 255])],
  ])('answers with %s', async (_, tag, expected) => {
    await expect(firstValueFrom(client.send({ topic: math, tag }, 'x').pipe(toArray()))).resolves.toEqual([expected]);
  });

  it('reports errors as Nest’s transports do: what the filters made of them', async () => {
    expect(await failure(lastValueFrom(client.send(`${math}:rpc`, {})))).toEqual({ code: 'E1', detail: [1] });
    expect(await failure(lastValueFrom(client.send(`${math}:plain`, {})))).toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    expect(await failure(lastValueFrom(client.send(`${math}:filtered`, {})))).toMatchObject({
      name: 'RemoteReplyError',
      remoteName: 'BadRequestException',
      remoteMessage: 'id is missing, name is empty',
      remoteCode: '400',
    });
    const error = await failure(template.request(`${math}:rpc`, {}));
    expect(error).toBeInstanceOf(RemoteReplyError);
    expect(error).toMatchObject({ remoteName: 'RpcError', remoteMessage: '{"code":"E1","detail":[1]}' });
  });

  it('does not deliver a request again that was answered with an error', async () => {
    await failure(template.request(`${math}:plain`, {}));
    // Had it been retried, the retry would come a second later, before the second of these two.
    await template.request(`${math}:later`, {});
    await template.request(`${math}:later`, {});
    expect(calls).toEqual(['plain']);
    expect(log.find('error', /Request \w+ failed in @MessagePattern\('.*:plain'\).*The requester is told/)).not.toEqual(
      [],
    );
  });

  it('answers a later delivery, if the handler asked for one', async () => {
    await expect(template.request(`${math}:later`, {})).resolves.toBe('attempt 1');
  });

  it('tells a requester that its body or the answer cannot be coded', async () => {
    const headers = { contentType: 'application/json' };
    expect(await failure(template.request(`${math}:sum`, '[1,', { headers }))).toMatchObject({
      remoteName: 'NonRetryableError',
      remoteMessage: expect.stringMatching(/is not JSON/),
    });
    expect(await failure(template.request(`${math}:unserializable`, {}))).toMatchObject({
      remoteName: 'ConfigurationError',
      remoteMessage: expect.stringMatching(/cannot be written as JSON/),
    });
  });

  it('gives up after the deadline, and says whether anybody could have answered', async () => {
    // Brokers are asked who subscribes just before the deadline, for a moment: a busy machine may not get to it, and then the error says that.
    const timedOut = async (destination: string): Promise<RequestTimeoutError> =>
      (await waitFor(
        async () => {
          const error = await failure(template.request(destination, {}, { timeoutMs: 1_500 }));
          expect(error).toBeInstanceOf(RequestTimeoutError);
          return (error as RequestTimeoutError).responders !== undefined && error;
        },
        { what: 'an answer of who subscribes' },
      )) as RequestTimeoutError;
    expect((await timedOut(`${math}:never`)).responders).toHaveLength(1);
    expect((await timedOut(unique('empty'))).responders).toEqual([]);
  });

  it('gives up when the observable is unsubscribed from, or the signal aborts', async () => {
    const late = lastValueFrom(client.send(`${math}:never`, {}).pipe(timeout(1_000)));
    expect(await failure(late)).toMatchObject({ name: 'TimeoutError' });
    const abort = new AbortController();
    const requesting = failure(template.request(`${math}:never`, {}, { signal: abort.signal }));
    await waitFor(() => calls.length === 2, { what: 'both requests' });
    abort.abort(new Error('enough'));
    expect(await requesting).toMatchObject({ message: 'enough' });
  });

  it('warns of a request to an event handler, and handles a plain message like an event', async () => {
    const event = failure(template.request(`${math}:event`, {}, { timeoutMs: 2_000 }));
    await template.send(`${math}:plain`, {});
    expect(await event).toBeInstanceOf(RequestTimeoutError);
    expect(log.find('warn', /came to @EventPattern\('.*:event'\), which does not answer/)).toHaveLength(1);
    await waitFor(() => calls.filter((call) => call === 'plain').length === 2, { what: 'the second delivery' });
  });

  it('refuses two handlers of one pattern, if one of them answers', async () => {
    @Controller()
    class Two {
      @MessagePattern('a')
      one(): void {}

      @EventPattern<unknown>('a')
      two(): void {}
    }
    const starting = startApp(at(cluster), { controllers: [Two] }, async (nest) => {
      nest.connectMicroservice({
        strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
      });
      await nest.startAllMicroservices();
    });
    await expect(starting).rejects.toThrow(/'a' has two handlers, and one of them is a @MessagePattern/);
  });
});

describe('RocketMQTemplate.request', () => {
  let producer: Producer;
  let consumer: PushConsumer;

  beforeAll(async () => {
    const { namesrvAddr } = cluster;
    producer = new Producer({ namesrvAddr, group: unique('p') });
    consumer = new PushConsumer({ namesrvAddr, group: unique('g'), rebalanceIntervalMs: 200 })
      .subscribe(plain)
      .listen(replyWith(producer, ({ body, topic, queueId }) => JSON.stringify({ echo: `${body}`, topic, queueId })));
    await producer.start();
    await producer.createTopic(plain);
    await consumer.start();
  });
  afterAll(() => Promise.all([consumer.close(), producer.close()]));

  it('reads the reply as asked', async () => {
    await expect(template.request(plain, 'x')).resolves.toMatchObject({ echo: 'x', topic: plain });
    await expect(template.request(plain, 'x', { replyType: String })).resolves.toMatch(/^\{"echo":"x"/);
    await expect(template.request(plain, 'x', { replyType: Buffer })).resolves.toBeInstanceOf(Buffer);
  });

  it('knows rocketmq-spring’s sendAndReceive', async () => {
    await expect(template.sendAndReceive(plain, 'x')).resolves.toMatchObject({ echo: 'x' });
    await expect(template.sendAndReceive(plain, 'x', String, 15_000)).resolves.toMatch(/^\{"echo"/);
    const queues = new Set<number>();
    for (let i = 0; i < 4; i++) {
      const reply = await template.sendAndReceive<{ queueId: number }>(plain, 'x', Object, 'key', 15_000);
      queues.add(reply.queueId);
    }
    expect(queues.size).toBe(1);
  });

  it('refuses a delay', async () => {
    const record = new RocketMQRecordBuilder('x').setDelay('1s').build();
    await expect(template.request(plain, record)).rejects.toThrow(/cannot be delayed/);
  });
});

describe('two applications in one process', () => {
  it('ask each other', async () => {
    const topic = unique('t');

    const handlersOf = (me: string) => {
      @Controller()
      class Handlers {
        @MessagePattern(`${topic}:${me}`)
        ask(question: string): string {
          return `${me} heard ${question}`;
        }
      }
      return Handlers;
    };
    const start = (me: string) =>
      startApp(at(cluster, { replyTimeoutMs: 20_000 }), { controllers: [handlersOf(me)] }, async (nest) => {
        nest.connectMicroservice({
          strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
        });
        await nest.startAllMicroservices();
      });
    await using a = await start('a');
    await using b = await start('b');
    await expect(a.get(RocketMQTemplate).request(`${topic}:b`, 'hello')).resolves.toBe('b heard hello');
    await expect(b.get(RocketMQTemplate).request(`${topic}:a`, 'hi')).resolves.toBe('a heard hi');
  });
});
