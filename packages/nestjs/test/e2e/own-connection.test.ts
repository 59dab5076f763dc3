import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestMicroservice, Injectable, Module, type OnModuleDestroy, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  type ClientProxy,
  ClientsModule,
  EventPattern,
  MessagePattern,
} from '@nestjs/microservices';
import { Producer, type PushConsumer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { lastValueFrom } from 'rxjs';
import {
  ClientRocketMQ,
  ConsumeResult,
  OnRocketMQEvent,
  RocketMQConnection,
  type RocketMQEvents,
  RocketMQHealthIndicator,
  RocketMQListenerRegistry,
  RocketMQModule,
  RocketMQStatusService,
  RocketMQTemplate,
  ServerRocketMQ,
  type ServerRocketMQOptions,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { onlyOnOurs, startCluster, startOwnCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

let log: RecordingLogger;
let events: string[];
beforeEach(() => {
  log = new RecordingLogger();
  events = [];
});

/** A transport with a connection of its own. */
const serverOf = (consumerGroup: string, more: Partial<ServerRocketMQOptions> = {}) =>
  new ServerRocketMQ({ namesrvAddr: cluster.namesrvAddr, ...quick, logger: log, consumerGroup, ...more });

/** A handler that ends when it is let go, and a database that the modules close. */
function slowHandlers(topic: string) {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));

  @Injectable()
  class Database implements OnModuleDestroy {
    @OnRocketMQEvent('discard')
    on({ connection, reason }: RocketMQEvents['discard']): void {
      events.push(`${connection} discarded: ${reason}`);
    }

    onModuleDestroy(): void {
      events.push('database closed');
    }
  }

  @Controller()
  class Handlers {
    @EventPattern<unknown>(topic)
    async on(text: string): Promise<unknown> {
      events.push(`${text} starts`);
      if (text === 'test') return ConsumeResult.discard('a test');
      if (text === 'slow') await opened;
      events.push(`${text} ends`);
      return undefined;
    }
  }
  return { Handlers, Database, open: () => open() };
}

describe('a microservice without RocketMQModule', () => {
  let app: INestMicroservice | undefined;
  let producer: Producer;
  beforeAll(async () => {
    producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), sendTimeoutMs: 15_000 });
    await producer.start();
  });
  afterAll(() => producer.close());
  afterEach(() => app?.close());

  async function listening(module: new () => object, strategy: ServerRocketMQ): Promise<INestMicroservice> {
    app = await NestFactory.createMicroservice(module, { strategy, logger: false });
    await app.listen();
    return app;
  }

  it('handles events and requests, tells its status, and finishes its handlers before it closes', async () => {
    const topic = unique('t');
    const { Handlers, open } = slowHandlers(`${topic}:event`);

    @Controller()
    class Prices {
      @MessagePattern(`${topic}:price`)
      price(article: string): number {
        return article.length;
      }
    }

    @Module({ controllers: [Handlers, Prices] })
    class AppModule {}

    const statuses: string[] = [];
    const strategy = serverOf(unique('g'));
    strategy.status.subscribe((status) => statuses.push(status));
    const running = await listening(AppModule, strategy);
    expect(running.unwrap<PushConsumer>().group).toBe(strategy.unwrap<PushConsumer>().group);

    await producer.send({ topic, tags: 'event', body: 'slow' });
    const reply = await producer.request({ topic, tags: 'price', body: 'A-7' }, { timeoutMs: 20_000 });
    expect(reply.body.toString()).toBe('3');
    await waitFor(() => events.includes('slow starts'), { what: 'the handler' });
    const closing = running.close();
    // The one that answered may still wait for the broker to say that the reply is delivered.
    await waitFor(() => log.find('log', /[12] running handlers have 30000 ms to finish/).length === 1, {
      what: 'the drain to begin',
    });
    expect(events).toEqual(['slow starts']);
    open();
    await closing;
    app = undefined;
    expect(events).toEqual(['slow starts', 'slow ends']);
    expect(log.find('log', /[12] handlers finished in \d+ ms, offsets are committed/)).toHaveLength(1);
    expect(statuses).toEqual(['running', 'stopped']);
  });

  it('gives up waiting at its deadline: the message is named, not acknowledged, and comes again', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const first = slowHandlers(topic);

    @Module({ controllers: [first.Handlers] })
    class AppModule {}

    await listening(AppModule, serverOf(group, { shutdownTimeoutMs: 100 }));
    const { msgId } = await producer.send({ topic, body: 'slow' });
    await waitFor(() => events.length === 1, { what: 'the handler' });
    await app!.close();
    app = undefined;
    expect(log.find('warn', /1 of 1 handlers did not finish within 100 ms/)).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes(msgId))).not.toEqual([]);
    first.open();

    const second = slowHandlers(topic);
    second.open();

    @Module({ controllers: [second.Handlers] })
    class Successor {}

    await listening(Successor, serverOf(group, { consumer: { consumeFrom: 'FIRST_OFFSET' } }));
    await waitFor(() => events.filter((event) => event === 'slow ends').length === 2, { what: 'the second delivery' });
  });

  it('handles each message with its own request-scoped controller', async () => {
    const topic = unique('t');
    let made = 0;

    @Controller({ scope: Scope.REQUEST })
    class Scoped {
      private readonly number = ++made;

      @EventPattern<unknown>(topic)
      on(text: string): void {
        events.push(`${text} ${this.number}`);
      }
    }

    @Module({ controllers: [Scoped] })
    class AppModule {}

    await listening(AppModule, serverOf(unique('g'), { consumer: { consumeMode: 'ORDERLY' } }));
    for (const body of ['a', 'b']) await producer.send({ topic, body }, { shardingKey: 'one' });
    await waitFor(() => events.length === 2, { what: 'both messages' });
    expect(events).toEqual(['a 1', 'b 2']);
  });

  it('may be made from the module’s connection, by a factory', async () => {
    const topic = unique('t');
    const { Handlers } = slowHandlers(topic);

    @Module({
      imports: [RocketMQModule.forRoot({ namesrvAddr: cluster.namesrvAddr, ...quick, logger: log })],
      controllers: [Handlers],
    })
    class AppModule {}

    const consumerGroup = unique('g');
    app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
      logger: false,
      inject: [RocketMQConnection],
      useFactory: (connection: RocketMQConnection) => ({ strategy: new ServerRocketMQ({ connection, consumerGroup }) }),
    });
    await app.listen();
    await app.get(RocketMQTemplate).send(topic, 'quick');
    await waitFor(() => events.length === 2, { what: 'the handler' });
    expect((await app.get(RocketMQHealthIndicator).check()).groups).toMatchObject({
      [consumerGroup]: { state: 'running' },
    });
  });

  it('has errors that say whose options are wrong', () => {
    expect(() => serverOf('')).toThrow(/ServerRocketMQ needs a consumerGroup/);
    expect(() => serverOf('g', { embedded: true })).toThrow(
      /^ServerRocketMQ has namesrvAddr and embedded\. Give one of/,
    );
    expect(() => new ClientRocketMQ({ namesrvAddr: 'nowhere' })).toThrow(/^ClientRocketMQ\.namesrvAddr must be/);
  });
});

describe('in an application with RocketMQModule', () => {
  it('is part of health and status, and its handlers finish before anything is torn down', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const { Handlers, Database, open } = slowHandlers(topic);
    const clients = ClientsModule.register([
      { name: 'EVENTS', customClass: ClientRocketMQ, options: { namesrvAddr: cluster.namesrvAddr, logger: log } },
    ]);
    await using app = await startApp(
      at(cluster),
      { controllers: [Handlers], providers: [Database], imports: [clients] },
      async (nest) => {
        nest.connectMicroservice({ strategy: serverOf(group, { name: 'orders' }) });
        await nest.startAllMicroservices();
      },
    );
    const health = app.get(RocketMQHealthIndicator);
    expect(await health.check()).toMatchObject({
      status: 'up',
      connections: { default: 'connected', orders: 'connected' },
      groups: { [`orders/${group}`]: { state: 'running' } },
    });
    // A client connects with its first message; before, nothing is wrong with it.
    const client = app.get<ClientProxy>('EVENTS');
    await lastValueFrom(client.emit(topic, 'test'));
    await waitFor(() => events.length === 2, { what: 'the event' });
    expect(events.splice(0)).toEqual(['test starts', 'orders discarded: a test']);
    await lastValueFrom(client.emit(topic, 'slow'));
    await waitFor(() => events.length === 1, { what: 'the handler' });
    expect((await health.check()).connections).toMatchObject({ ClientRocketMQ: 'connected' });
    const { groups } = await app.get(RocketMQStatusService).read();
    expect(groups).toMatchObject([{ connection: 'orders', group, runningHandlers: 1 }]);
    expect(app.get(RocketMQListenerRegistry).list()).toEqual([]);

    const closing = app.close();
    await waitFor(() => log.find('log', /1 running handlers have/).length === 1, { what: 'shutdown to begin' });
    expect(events).toEqual(['slow starts']);
    open();
    await closing;
    expect(events).toEqual(['slow starts', 'slow ends', 'database closed']);
  });

  onlyOnOurs('they are stopped')('is down in health when its servers are gone', async () => {
    const own = await startOwnCluster();
    const { Handlers } = slowHandlers(unique('t'));
    const server = new ServerRocketMQ({ namesrvAddr: own.namesrvAddr, ...quick, logger: log, consumerGroup: 'g' });
    await using app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      nest.connectMicroservice({ strategy: server });
      await nest.startAllMicroservices();
    });
    const health = app.get(RocketMQHealthIndicator);
    expect((await health.check()).connections).toEqual({ default: 'connected', 'transport-g': 'connected' });
    await own.close();
    await waitFor(async () => (await health.check()).status === 'down', { what: 'the loss' });
    const { problems, connections } = await health.check();
    expect(connections['default']).toBe('connected');
    expect(problems.join()).toMatch(/connection 'transport-g' is reconnecting/);
  });
});

describe('ClientRocketMQ', () => {
  onlyOnOurs('the port is chosen')(
    'connects when its servers have come, though they were not there before',
    async () => {
      const probe = await startOwnCluster();
      const { namesrvAddr } = probe;
      await probe.close();
      const client = new ClientRocketMQ({ namesrvAddr, ...quick, logger: log });
      const topic = unique('t');
      await expect(lastValueFrom(client.emit(topic, 'a'))).rejects.toThrow(/cannot start: No name server answers/);

      await using _ = await startOwnCluster({ namesrv: { port: Number(namesrvAddr.split(':')[1]) } });
      await waitFor(
        () =>
          lastValueFrom(client.emit(topic, 'a')).then(
            () => true,
            () => false,
          ),
        { what: 'a send that works' },
      );
      await client.close();
    },
  );

  it('is closed with the application, and the template is not', async () => {
    const clients = ClientsModule.register([
      { name: 'EVENTS', customClass: ClientRocketMQ, options: { namesrvAddr: cluster.namesrvAddr, logger: log } },
    ]);
    const app = await startApp(at(cluster), { imports: [clients] });
    const client = app.get<ClientRocketMQ>('EVENTS');
    await lastValueFrom(client.emit(unique('t'), 'a'));
    await app.get(RocketMQTemplate).send(unique('t'), 'a');
    const producer = client.unwrap<Producer>();
    expect(producer.running).toBe(true);
    await app.close();
    expect(producer.running).toBe(false);
  });
});
