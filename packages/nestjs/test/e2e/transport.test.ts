import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  type CallHandler,
  Controller,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import {
  type ClientProxy,
  ClientsModule,
  EventPattern,
  Ctx as NestCtx,
  Payload as NestPayload,
  Transport,
} from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import { EMPTY, lastValueFrom, type Observable } from 'rxjs';
import {
  ClientRocketMQ,
  ConsumeResult,
  Headers,
  isRocketMQContext,
  NonRetryableError,
  ROCKETMQ_TRANSPORT,
  RocketMQConnection,
  RocketMQContext,
  RocketMQExceptionFilter,
  RocketMQRecordBuilder,
  RocketMQTemplate,
  ServerRocketMQ,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

let got: string[];
let log: RecordingLogger;
beforeEach(() => {
  got = [];
  log = new RecordingLogger();
});

/** A hybrid application whose handlers are one consumer group. */
const start = (controller: new () => object, prepare: (strategy: ServerRocketMQ) => unknown = () => undefined) =>
  startApp(at(cluster), { controllers: [controller] }, async (app) => {
    const strategy = new ServerRocketMQ({
      namesrvAddr: cluster.namesrvAddr,
      ...quick,
      logger: log,
      consumerGroup: unique('g'),
    });
    prepare(strategy);
    app.connectMicroservice({ strategy });
    await app.startAllMicroservices();
  });

describe('ServerRocketMQ', () => {
  it('routes by topic and tag, with Nest’s and our parameter decorators', async () => {
    const [topic, other] = [unique('t'), unique('t')];

    @Controller()
    class Handlers {
      @EventPattern<unknown>(`${topic}:created || paid`)
      changed(
        @NestPayload() order: { id: number },
        @NestCtx() context: RocketMQContext,
        @Headers('who') who: string,
      ): void {
        got.push(`changed ${order.id} ${context.getTag()} ${who}`);
      }

      @EventPattern<unknown>({ topic, tag: 'cancelled' })
      cancelled(order: { id: number }): void {
        got.push(`cancelled ${order.id}`);
      }

      @EventPattern<unknown>(other, ROCKETMQ_TRANSPORT)
      other(text: string): void {
        got.push(`other ${text}`);
      }

      @EventPattern<unknown>({ cmd: 'not ours' }, Transport.TCP)
      tcp(): void {
        got.push('tcp');
      }
    }

    await using app = await start(Handlers);
    const template = app.get(RocketMQTemplate);
    await template.send(`${topic}:created`, { id: 1 }, { headers: { who: 'me' } });
    await template.send(`${topic}:cancelled`, { id: 2 });
    await template.send(other, 'x');
    await waitFor(() => got.length === 3, { what: 'all events' });
    expect(got.sort()).toEqual(['cancelled 2', 'changed 1 created me', 'other x']);
    expect(log.find('log', /Mapped \{.*\} .*:created \|\| paid → @EventPattern/)).toHaveLength(1);
  });

  it('delivers again what failed, also when the failure comes late in a stream', async () => {
    const topic = unique('t');

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      async on(@NestPayload() text: string, @NestCtx() context: RocketMQContext): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        got.push(`${text} ${context.getReconsumeTimes()}`);
        if (context.getReconsumeTimes() === 0) throw new Error('db down');
      }
    }

    await using app = await start(Handlers);
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => got.length === 2, { what: 'the second delivery' });
    expect(got).toEqual(['a 0', 'a 1']);
    expect(log.find('error', /attempt 1 of 17: Internal server error\. It will be delivered again/)).toHaveLength(1);
  });

  it('takes ConsumeResult and NonRetryableError, and an empty stream as handled', async () => {
    const topic = unique('t');

    @Injectable()
    class Swallow implements NestInterceptor {
      intercept(_: ExecutionContext, __: CallHandler): Observable<never> {
        got.push('swallowed');
        return EMPTY;
      }
    }

    @Controller()
    class Handlers {
      @EventPattern<unknown>(`${topic}:retry`)
      retry(@NestCtx() context: RocketMQContext): unknown {
        got.push(`retry ${context.getReconsumeTimes()}`);
        return context.getReconsumeTimes() === 0 ? ConsumeResult.retryIn(1) : undefined;
      }

      @EventPattern<unknown>(`${topic}:never`)
      never(): void {
        got.push('never');
        throw new NonRetryableError('no such thing');
      }

      @UseInterceptors(Swallow)
      @EventPattern<unknown>(`${topic}:empty`)
      empty(): void {
        got.push('not reached');
      }
    }

    await using app = await start(Handlers);
    const template = app.get(RocketMQTemplate);
    for (const tag of ['retry', 'never', 'empty']) await template.send(`${topic}:${tag}`, 'x');
    await waitFor(() => got.length === 4, { what: 'all deliveries' });
    expect(got.sort()).toEqual(['never', 'retry 0', 'retry 1', 'swallowed']);
    await waitFor(() => log.find('error', /NonRetryableError: no such thing\. Moved to %DLQ%/).length === 1, {
      what: 'the dead letter',
    });
    expect(log.find('error', /./)).toHaveLength(1);
  });

  it('with RocketMQExceptionFilter sees what was thrown: a refused message is a dead letter at once', async () => {
    const topic = unique('t');

    @Controller()
    @UseFilters(RocketMQExceptionFilter)
    class Handlers {
      @EventPattern<unknown>(topic)
      on(
        @NestPayload({
          transform: () => {
            throw new BadRequestException('id is missing');
          },
        })
        _: unknown,
      ): void {
        got.push('not reached');
      }
    }

    await using app = await start(Handlers);
    await app.get(RocketMQTemplate).send(topic, {});
    await waitFor(() => log.find('error', /BadRequestException: id is missing\. Moved to %DLQ%/).length === 1, {
      what: 'the dead letter',
    });
    expect(got).toEqual([]);
  });

  it('runs two handlers of one pattern, and guards know where they are', async () => {
    const topic = unique('t');

    const guard = {
      canActivate: (context: ExecutionContext) => {
        got.push(`${context.getType()} ${isRocketMQContext(context)}`);
        return true;
      },
    };

    @Controller()
    @UseGuards(guard)
    class Handlers {
      @EventPattern<unknown>(topic)
      one(): void {
        got.push('one');
      }

      @EventPattern<unknown>(topic)
      two(): void {
        got.push('two');
      }
    }

    await using app = await start(Handlers);
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => got.length === 4, { what: 'both handlers' });
    expect(got.sort()).toEqual(['one', 'rpc true', 'rpc true', 'two']);
  });

  it('refuses patterns that overlap and patterns of other transports, and warns when there is none', async () => {
    const topic = unique('t');

    @Controller()
    class Overlapping {
      @EventPattern<unknown>(topic)
      all(): void {}

      @EventPattern<unknown>(`${topic}:a`)
      some(): void {}
    }
    await expect(start(Overlapping)).rejects.toThrow(
      /@EventPattern\('.*'\) .* and @EventPattern\('.*:a'\) .* are in the same consumer group/,
    );

    @Controller()
    class Foreign {
      @EventPattern<unknown>({ cmd: 'x' })
      on(): void {}
    }
    await expect(start(Foreign)).rejects.toThrow(/A pattern of RocketMQ is .* \{"cmd":"x"\}.*Transport\.TCP/);

    @Controller()
    class Nothing {}
    await using _ = await start(Nothing);
    expect(log.find('warn', /nothing is consumed/)).toHaveLength(1);
  });

  it('has Nest’s hooks around every delivery, whatever becomes of it, and its outcome does not depend on theirs', async () => {
    const topic = unique('t');

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      on(@NestCtx() context: RocketMQContext): void {
        got.push(`handled ${context.getReconsumeTimes()}`);
        if (context.getReconsumeTimes() === 0) throw new Error('db down');
      }
    }

    const see = (what: string, id: unknown, context: unknown) =>
      got.push(`${what} ${(context as RocketMQContext).getReconsumeTimes()} ${id === ROCKETMQ_TRANSPORT}`);
    await using app = await start(Handlers, (strategy) => {
      strategy.setOnProcessingStartHook((id, context, done) => {
        see('start', id, context);
        void done();
      });
      strategy.setOnProcessingEndHook((id, context) => see('end', id, context));
    });
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => got.length === 6, { what: 'the end of the second delivery' });
    const delivery = (times: number) => [`start ${times} true`, `handled ${times}`, `end ${times} true`];
    expect(got).toEqual([...delivery(0), ...delivery(1)]);
    expect(log.find('error', /attempt 1 of 17/)).toHaveLength(1);
  });

  it('can use the module’s connection, and tells its status', async () => {
    const topic = unique('t');
    const statuses: string[] = [];
    let server: ServerRocketMQ | undefined;

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      on(text: string): void {
        got.push(text);
      }
    }

    const app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      server = new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') });
      server.status.subscribe((status) => statuses.push(status));
      expect(() => server?.unwrap()).toThrow(/not listening/);
      nest.connectMicroservice({ strategy: server });
      await nest.startAllMicroservices();
    });
    expect(server?.unwrap<{ group: string }>().group).toMatch(/^g/);
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => got.length === 1, { what: 'the event' });
    await app.close();
    expect(statuses).toEqual(['running', 'stopped']);
  });
});

describe('ClientRocketMQ', () => {
  it('emits to where ServerRocketMQ listens, also records', async () => {
    const topic = unique('t');

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      on(@NestPayload() payload: { id: number }, @NestCtx() context: RocketMQContext): void {
        got.push(`${payload.id} ${context.getTag()} ${context.getKeys()} ${context.getHeader('h')}`);
      }
    }

    const clients = ClientsModule.register([
      { name: 'EVENTS', customClass: ClientRocketMQ, options: { namesrvAddr: cluster.namesrvAddr, logger: log } },
    ]);
    await using app = await startApp(at(cluster), { controllers: [Handlers], imports: [clients] }, async (nest) => {
      nest.connectMicroservice({
        strategy: new ServerRocketMQ({
          namesrvAddr: cluster.namesrvAddr,
          ...quick,
          logger: log,
          consumerGroup: unique('g'),
        }),
      });
      await nest.startAllMicroservices();
    });
    const client = app.get<ClientProxy>('EVENTS');
    await expect(lastValueFrom(client.emit(`${topic}:created`, { id: 1 }))).resolves.toMatchObject({
      status: 'SEND_OK',
    });
    const record = new RocketMQRecordBuilder({ id: 2 }).setTag('paid').setKeys('k').setHeaders({ h: 'v' }).build();
    await lastValueFrom(client.emit({ topic }, record));
    await waitFor(() => got.length === 2, { what: 'both events' });
    expect(got.sort()).toEqual(['1 created  undefined', '2 paid k v']);
  });

  it('emits whether somebody subscribes or not, one value to whoever does, and fails where nothing can be sent', async () => {
    const topic = unique('t');
    @Controller()
    class Events {
      @EventPattern<unknown>(topic)
      on(@NestPayload() data: string): void {
        got.push(data);
      }
    }
    await using _ = await start(Events);
    const client = new ClientRocketMQ({ namesrvAddr: cluster.namesrvAddr, ...quick, logger: log });
    client.emit(topic, 'unheard');
    const values: unknown[] = [];
    await new Promise<void>((complete, error) => {
      client.emit(topic, 'heard').subscribe({ next: (value) => values.push(value), complete, error });
    });
    expect(values).toEqual([expect.objectContaining({ status: 'SEND_OK' })]);
    await waitFor(() => got.length === 2, { what: 'both events' });
    expect(got.sort()).toEqual(['heard', 'unheard']);
    await expect(lastValueFrom(client.emit(topic, null))).rejects.toThrow(/invalid data or message pattern/);
    await expect(lastValueFrom(client.emit(undefined, 'x'))).rejects.toThrow(/invalid data or message pattern/);
    await expect(lastValueFrom(client.emit('', 'x'))).rejects.toThrow(/A destination is 'topic'/);
    await client.close();
  });
});
