import { describe, expect, it } from '@jest/globals';
import {
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQConnection, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { onlyOnOurs, startCluster, startOwnCluster } from './cluster.js';

/** A promise to be settled from outside. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

describe('shutdown', () => {
  it('waits for running handlers before anything else is torn down, and keeps what they consumed', async () => {
    await using cluster = await startCluster();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const events: string[] = [];
    const { open, opened } = gate();

    @Injectable()
    class Database implements OnModuleDestroy {
      isOpen = true;

      onModuleDestroy(): void {
        this.isOpen = false;
        events.push('database closed');
      }
    }

    @Injectable()
    class Listener implements OnModuleDestroy, OnApplicationShutdown {
      constructor(
        private readonly database: Database,
        private readonly template: RocketMQTemplate,
      ) {}

      @RocketMQMessageListener({ topic, consumerGroup, concurrency: 1 })
      async on(text: string): Promise<void> {
        events.push(`${text} starts`);
        await opened;
        await this.template.send(`${topic}-done`, text);
        events.push(`${text} ends, database ${this.database.isOpen ? 'open' : 'closed'}`);
      }

      onModuleDestroy(): void {
        events.push('listener destroyed');
      }

      async onApplicationShutdown(): Promise<void> {
        events.push('listener shut down');
      }
    }

    // The database's module is imported last, so Nest's own order would close it first of all.
    @Module({ providers: [Database], exports: [Database] })
    class DatabaseModule {}

    const first = await startApp(at(cluster), { imports: [DatabaseModule], providers: [Listener] });
    // One queue, so that 'a' comes first.
    for (const text of ['a', 'b']) await first.get(RocketMQTemplate).send(topic, text, { shardingKey: 'one' });
    await waitFor(() => events.length === 1, { what: 'the first handler' });

    const closing = first.close();
    await waitFor(() => first.get(RocketMQConnection).producer !== undefined && events.length === 1, {
      what: 'shutdown to wait',
    });
    open();
    await closing;
    expect(events.slice(0, 2)).toEqual(['a starts', 'a ends, database open']);
    expect(events.slice(2)).toEqual(
      expect.arrayContaining(['database closed', 'listener destroyed', 'listener shut down']),
    );
    expect(events).not.toContain('b starts');

    // 'a' is not delivered again, 'b' is not lost.
    const got: string[] = [];

    @Injectable()
    class Successor {
      @RocketMQMessageListener({ topic, consumerGroup })
      on(text: string): void {
        got.push(text);
      }
    }
    await using _ = await startApp(at(cluster), { providers: [Successor] });
    await waitFor(() => got.length > 0, { what: 'the second message' });
    expect(got).toEqual(['b']);
  });

  it('gives up after shutdownTimeoutMs, names the message, and it comes again elsewhere', async () => {
    await using cluster = await startCluster();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];
    const { open, opened } = gate();

    @Injectable()
    class Stuck {
      @RocketMQMessageListener({ topic, consumerGroup })
      async on(text: string): Promise<void> {
        got.push(`stuck ${text}`);
        await opened;
      }
    }

    @Injectable()
    class Successor {
      @RocketMQMessageListener({ topic, consumerGroup })
      on(text: string): void {
        got.push(`successor ${text}`);
      }
    }

    const first = await startApp(at(cluster, { shutdownTimeoutMs: 50 }), { providers: [Stuck] });
    const { msgId } = await first.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => got.length === 1, { what: 'the handler' });
    await first.close();
    expect(
      first.log.find('warn', new RegExp(msgId)).length + first.log.find('error', new RegExp(msgId)).length,
    ).toBeGreaterThan(0);

    await using _ = await startApp(at(cluster), { providers: [Successor] });
    await waitFor(() => got.length === 2, { what: 'the second delivery' });
    expect(got).toEqual(['stuck a', 'successor a']);
    open();
  });
});

/** Why a test is not for a broker that runs already. */
const LATER = 'it starts the servers after the application';

describe('start-up', () => {
  it('can send from onModuleInit, and consumes only when every module is up', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');
    const events: string[] = [];

    @Injectable()
    class Early implements OnModuleInit, OnApplicationBootstrap {
      constructor(private readonly template: RocketMQTemplate) {}

      async onModuleInit(): Promise<void> {
        await this.template.send(topic, 'x');
        events.push('sent');
      }

      async onApplicationBootstrap(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        events.push('bootstrapped');
      }

      @RocketMQMessageListener({ topic, consumerGroup: unique('g'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      on(text: string): void {
        events.push(`got ${text}`);
      }
    }

    await using _ = await startApp(at(cluster), { providers: [Early] });
    await waitFor(() => events.length === 3, { what: 'the message' });
    expect(events).toEqual(['sent', 'bootstrapped', 'got x']);
  });

  onlyOnOurs(LATER)('waits for a name server in wait mode', async () => {
    const probe = await startOwnCluster();
    const { port } = probe.namesrv;
    await probe.close();
    const starting = startApp({ namesrvAddr: `127.0.0.1:${port}`, startMode: 'wait', startTimeoutMs: 20_000 }, {});
    await using cluster = await startOwnCluster({ namesrv: { host: '127.0.0.1', port } });
    await using app = await starting;
    await expect(app.get(RocketMQTemplate).send(unique('t'), 'x')).resolves.toMatchObject({ status: 'SEND_OK' });
    expect(cluster.namesrvAddr).toBe(`127.0.0.1:${port}`);
  });

  onlyOnOurs(LATER)('starts without a name server in background mode, and consumes once there is one', async () => {
    const probe = await startOwnCluster();
    const { port } = probe.namesrv;
    await probe.close();
    const topic = unique('t');
    const got: string[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(text: string): void {
        got.push(text);
      }
    }

    await using app = await startApp(
      { namesrvAddr: `127.0.0.1:${port}`, startMode: 'background' },
      { providers: [Listener] },
    );
    await expect(app.get(RocketMQTemplate).send(topic, 'x')).rejects.toThrow(/No name server answers/);
    await using _ = await startOwnCluster({ namesrv: { host: '127.0.0.1', port } });
    await waitFor(() => app.log.find('log', /^log Mapped/).length === 1, { what: 'the listener to start' });
    await waitFor(
      async () => {
        await app.get(RocketMQTemplate).send(topic, 'x');
        return true;
      },
      { what: 'a send to succeed' },
    );
    await waitFor(() => got.length > 0, { what: 'the message' });
  });
});

describe('embedded: true', () => {
  it('needs no cluster: name server and broker live and die with the application', async () => {
    const topic = unique('t');
    const got: unknown[] = [];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
      on(payload: unknown): void {
        got.push(payload);
      }
    }

    const app = await startApp({ embedded: true }, { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, { a: 1 });
    await waitFor(() => got.length === 1, { what: 'the message' });
    expect(got).toEqual([{ a: 1 }]);
    const address = app.get(RocketMQConnection).namesrvAddr;
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    await app.close();
    await expect(startApp({ namesrvAddr: address }, {})).rejects.toThrow(/No name server answers/);
    expect(() => app.get(RocketMQConnection).namesrvAddr).toThrow(/embedded name server .* is not running/);
  });

  it('refuses a broker option that does not exist', async () => {
    await expect(startApp({ embedded: { broker: { listenProt: 1 } } }, {})).rejects.toThrow(/listenProt/);
  });
});

describe('two applications in one process', () => {
  it('do not know of each other', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');
    const got: string[] = [];
    const start = (name: string) => {
      @Injectable()
      class Listener {
        @RocketMQMessageListener({ topic, consumerGroup: unique(name) })
        on(text: string): void {
          got.push(`${name} ${text}`);
        }
      }

      @Module({
        imports: [
          RocketMQModule.forRoot({ namesrvAddr: cluster.namesrvAddr, ...quick, logger: new RecordingLogger() }),
        ],
        providers: [Listener],
      })
      class AppModule {}
      return NestFactory.createApplicationContext(AppModule, { logger: false });
    };
    const [one, two] = await Promise.all([start('one'), start('two')]);
    await one.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => got.length === 2, { what: 'both' });
    expect(got.sort()).toEqual(['one a', 'two a']);
    await one.close();
    await two.get(RocketMQTemplate).send(topic, 'b');
    await waitFor(() => got.length === 3, { what: 'the one that is left' });
    expect(got[2]).toBe('two b');
    await two.close();
  });
});

describe('forRootAsync', () => {
  it('takes a factory and a class', async () => {
    await using cluster = await startCluster();
    const byFactory = RocketMQModule.forRootAsync({ useFactory: async () => ({ namesrvAddr: cluster.namesrvAddr }) });

    @Injectable()
    class Options {
      createRocketMQOptions() {
        return { namesrvAddr: cluster.namesrvAddr };
      }
    }
    for (const module of [byFactory, RocketMQModule.forRootAsync({ useClass: Options })]) {
      await using app = await startApp([module], {});
      await expect(app.get(RocketMQTemplate).send(unique('t'), 'x')).resolves.toMatchObject({ status: 'SEND_OK' });
    }
  });
});
