import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ConfigurationError } from '@rocketnest/client';
import { startCluster, TcpProxy, unique, waitFor } from '@rocketnest/testing';
import { IdempotencyStore, Idempotent, MemoryIdempotencyStore } from '../../src/idempotency/index.js';
import { RocketMQMessageListener, RocketMQModule } from '../../src/index.js';
import {
  getRocketMQOutboxToken,
  type PgSession,
  pgDatabase,
  RocketMQOutbox,
  RocketMQOutboxModule,
  type RocketMQOutboxOptions,
  type SqlDatabase,
} from '../../src/outbox/index.js';
import { RocketMQFakeConnection, RocketMQTestingModule } from '../../src/testing/index.js';
import { at, quick, startApp } from '../e2e/app.js';
import { inboxOf, startWithOutbox } from './contract.js';

const MAX_MESSAGE_BYTES = 2_000;

let cluster: Awaited<ReturnType<typeof startCluster>>;
let db: PGlite;
beforeAll(async () => {
  [cluster, db] = await Promise.all([startCluster({ broker: { maxMessageSize: MAX_MESSAGE_BYTES } }), PGlite.create()]);
});
afterAll(async () => {
  await cluster.close();
  await db.close();
});

const fresh = (options: Partial<RocketMQOutboxOptions<PgSession>> = {}) => ({
  database: pgDatabase(db),
  table: unique('outbox').replaceAll('-', '_'),
  createTable: true,
  ...options,
});

/** The broker has a limit that the client does not know. */
const tooLarge = { text: 'x'.repeat(MAX_MESSAGE_BYTES) };

describe('a message that is refused', () => {
  it('holds up those behind it of its sharding key and no others, and is put aside in the end', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: 20, maxAttempts: 2 });
    await using app = await startWithOutbox(cluster, options, [Inbox]);
    const { outbox } = app;
    await options.database.transaction(async (tx) => {
      await outbox.add(tx, topic, 'before', { shardingKey: 'a' });
      await outbox.add(tx, `${topic}:big`, tooLarge, { shardingKey: 'a', keys: 'k7' });
      await outbox.add(tx, topic, 'behind', { shardingKey: 'a' });
      await outbox.add(tx, topic, 'other key', { shardingKey: 'b' });
      await outbox.add(tx, topic, 'no key');
    });
    await reach(3);
    expect(payloads().sort()).toEqual(['before', 'no key', 'other key']);
    await waitFor(async () => (await outbox.status()).failing === 1, { what: 'the first refusal' });
    expect(await outbox.status()).toMatchObject({ waiting: 2, failing: 1, parked: 0 });
    await reach(4);
    expect(payloads()[3]).toBe('behind');
    expect(await outbox.status()).toMatchObject({ failing: 0, parked: 1 });
    expect(await outbox.parked()).toEqual([
      {
        id: '2',
        messageId: expect.stringMatching(/^[0-9A-F]{32}$/),
        topic,
        tag: 'big',
        keys: 'k7',
        attempts: 2,
        error: expect.stringMatching(/^ResponseError: Send to topic .*MESSAGE_ILLEGAL/),
        ageMs: expect.any(Number),
      },
    ]);
    expect(app.log.find('warn', /was refused \(attempt 1 of 2\)/)).toHaveLength(1);
    expect(app.log.find('error', /puts message \w+ to topic .* aside after 2 attempts/)).toHaveLength(1);
  });

  it('is sent once more, or deleted, when somebody says so', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: 20, maxAttempts: 1 });
    await using app = await startWithOutbox(cluster, options, [Inbox]);
    const { outbox } = app;
    await options.database.transaction(async (tx) => {
      for (let i = 0; i < 3; i++) await outbox.add(tx, topic, tooLarge);
    });
    const parked = (count: number) =>
      waitFor(async () => (await outbox.status()).parked === count, { what: `${count} messages put aside` });
    await parked(3);
    const [first, second, third] = await outbox.parked();
    await outbox.retryParked([first!.id]);
    await waitFor(() => app.log.find('error', /aside after 1 attempts/).length === 4, { what: 'the next refusal' });
    await parked(3);
    await outbox.discardParked([first!.id, second!.id]);
    expect((await outbox.parked()).map(({ id }) => id)).toEqual([third!.id]);
    // What was wrong is repaired.
    await db.query(`UPDATE ${options.table} SET body = $1`, [Buffer.from('"repaired"')]);
    await outbox.retryParked();
    await reach(1);
    expect(payloads()).toEqual(['repaired']);
    expect(await outbox.parked()).toEqual([]);
  });

  it('is refused when it is added, if it can be known, and the transaction with it', async () => {
    const options = fresh();
    await using app = await startWithOutbox(cluster, options);
    const adding = (add: (tx: PgSession) => Promise<unknown>) => options.database.transaction(add);
    const { outbox } = app;
    for (const [add, error] of [
      [(tx) => outbox.add(tx, '', 'x'), /A destination is/],
      [(tx) => outbox.add(tx, 'no such character: ü', 'x'), /topic|Topic/],
      [(tx) => outbox.add(tx, 't', ''), /empty/],
      [(tx) => outbox.add(tx, 't', undefined as never), /no JSON form/],
      [(tx) => outbox.add(tx, 't', 'x', { headers: { TAGS: 'a' } }), /used by RocketMQ itself/],
      [(tx) => outbox.add(tx, 't', 'x', { delay: 'soon' }), /A delay is/],
      [(tx) => outbox.add(tx, 't', 'x', { delayLevel: 1, delay: '1s' }), /delay/],
    ] as [(tx: PgSession) => Promise<unknown>, RegExp][]) {
      const refused = adding(add);
      await expect(refused).rejects.toThrow(ConfigurationError);
      await expect(refused).rejects.toThrow(error);
    }
    expect((await outbox.status()).waiting).toBe(0);
  });
});

describe('an outage', () => {
  it('of the broker loses nothing and puts nothing aside, however long it lasts', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    await using _reader = await startApp(at(cluster), { providers: [Inbox] });
    await using proxy = await TcpProxy.start(cluster.brokers[0]!.port);
    const { address } = proxy;
    const options = fresh({ pollInterval: 20, maxAttempts: 1, maxBackoff: '100ms', concurrency: 4 });
    await using app = await startApp(
      at(cluster, {
        client: {
          ...quick.client,
          addressMap: (given: string) => (given.endsWith(`:${cluster.brokers[0]!.port}`) ? address : given),
        },
        producer: { sendTimeoutMs: 200 },
      }),
      { imports: [RocketMQOutboxModule.forRoot(options)] },
    );
    const outbox = app.get<RocketMQOutbox<PgSession>>(RocketMQOutbox as never);
    proxy.mode = 'stall';
    await options.database.transaction(async (tx) => {
      for (let i = 0; i < 20; i++) await outbox.add(tx, topic, i, { shardingKey: 'k', delay: '1ms' });
      for (let i = 20; i < 40; i++) await outbox.add(tx, topic, i);
    });
    await waitFor(async () => (await outbox.status()).failing >= 5, { what: 'failures', timeoutMs: 30_000 });
    expect(await outbox.status()).toMatchObject({ waiting: 40, parked: 0 });
    proxy.mode = 'forward';
    const ids = () => new Set(arrivals.map(({ context }) => context.getMessageId()));
    await waitFor(() => ids().size === 40, { what: 'all messages', timeoutMs: 45_000 });
    await reach(40);
    await waitFor(async () => (await outbox.status()).waiting === 0, { what: 'an empty table' });
    expect(await outbox.status()).toMatchObject({ waiting: 0, parked: 0 });
    expect(app.log.find('log', /messages are sent again/).length).toBeGreaterThan(0);
  });

  it('of the database is told once, and its end', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    let isDown = false;
    const real = pgDatabase(db);
    const database: SqlDatabase<PgSession> = {
      ...real,
      query: (sql, parameters) => (isDown ? Promise.reject(new Error('refused')) : real.query(sql, parameters)),
    };
    const options = fresh({ database, pollInterval: 10, maxBackoff: 20 });
    await using app = await startWithOutbox(cluster, options, [Inbox]);
    isDown = true;
    await waitFor(() => app.log.find('error', /the database cannot be used/).length > 0, { what: 'the error' });
    await real.transaction((tx) => app.outbox.add(tx, topic, 'x'));
    await expect(app.outbox.status()).rejects.toThrow('refused');
    isDown = false;
    await reach(1);
    expect(payloads()).toEqual(['x']);
    expect(app.log.find('error', /the database cannot be used/)).toHaveLength(1);
    expect(app.log.find('log', /the database answers again/)).toHaveLength(1);
  });
});

describe('a message that was sent and not marked', () => {
  it('is sent again with the same id, by which @Idempotent knows it', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const handled: unknown[] = [];

    @Injectable()
    class Points {
      @RocketMQMessageListener({ topic, consumerGroup: unique('g'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      @Idempotent()
      on(payload: unknown): void {
        handled.push(payload);
      }
    }

    let isFailing = true;
    const real = pgDatabase(db);
    const database: SqlDatabase<PgSession> = {
      ...real,
      query: (sql, parameters) =>
        isFailing && sql.startsWith('DELETE') ? Promise.reject(new Error('reset')) : real.query(sql, parameters),
    };
    const options = fresh({ database, pollInterval: 50, lease: 1_000 });
    await using app = await startApp(at(cluster), {
      imports: [RocketMQOutboxModule.forRoot(options)],
      providers: [Inbox, Points, { provide: IdempotencyStore, useClass: MemoryIdempotencyStore }],
    });
    const outbox = app.get<RocketMQOutbox<PgSession>>(RocketMQOutbox as never);
    const id = await real.transaction((tx) => outbox.add(tx, topic, 'x'));
    await reach(2);
    isFailing = false;
    await waitFor(async () => (await outbox.status()).waiting === 0, { what: 'the mark' });
    expect(new Set(arrivals.map(({ context }) => context.getMessageId()))).toEqual(new Set([id]));
    await real.transaction((tx) => outbox.add(tx, topic, 'y'));
    await waitFor(() => handled.includes('y'), { what: 'the next message' });
    expect(handled).toEqual(['x', 'y']);
    expect(
      app.log.find('warn', /cannot mark messages as sent, they may be sent again: Error: reset/).length,
    ).toBeGreaterThan(0);
  });
});

describe('the relay', () => {
  it('gives back at shutdown what it did not send, for others to send at once', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh({ lease: '1h', concurrency: 4 });
    await using reader = await startWithOutbox(cluster, { ...options, relay: false }, [Inbox]);
    const total = 400;
    await options.database.transaction(async (tx) => {
      for (let i = 0; i < total; i++) await reader.outbox.add(tx, topic, i, { shardingKey: `k${i % 3}` });
    });
    {
      await using _first = await startWithOutbox(cluster, options);
      await reach(10);
    }
    const { waiting } = await reader.outbox.status();
    expect(waiting).toBeGreaterThan(0);
    await using _second = await startWithOutbox(cluster, options);
    await reach(total);
    await waitFor(async () => (await reader.outbox.status()).waiting === 0, { what: 'an empty table' });
    expect(arrivals).toHaveLength(total);
    for (const key of [0, 1, 2]) {
      const own = arrivals.map(({ payload }) => Number(payload)).filter((i) => i % 3 === key);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  it('stops after the handlers and before the database', async () => {
    const topic = unique('t');
    const steps: string[] = [];
    let handlerRuns: () => void;
    const running = new Promise<void>((resolve) => {
      handlerRuns = resolve;
    });
    const real = pgDatabase(db);
    let isClosed = false;
    const database: SqlDatabase<PgSession> = {
      ...real,
      query: (sql, parameters) => {
        if (isClosed) steps.push('a query after the end');
        return real.query(sql, parameters);
      },
    };
    const options = fresh({ database, pollInterval: 5 });

    @Injectable()
    class Database implements OnModuleDestroy {
      onModuleDestroy(): void {
        isClosed = true;
        steps.push('database closed');
      }
    }

    @Injectable()
    class Handler implements OnModuleDestroy {
      constructor(private readonly outbox: RocketMQOutbox<PgSession>) {}

      @RocketMQMessageListener({ topic, consumerGroup: unique('g'), consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      async on(): Promise<void> {
        handlerRuns();
        await waitFor(() => closing, { what: 'the shutdown' });
        await real.transaction((tx) => this.outbox.add(tx, topic, 'from the handler'));
        steps.push('handler ended');
      }

      onModuleDestroy(): void {
        steps.push('modules end');
      }
    }
    let closing = false;
    const app = await startApp(at(cluster), {
      imports: [RocketMQOutboxModule.forRoot(options)],
      providers: [Handler, Database],
    });
    await real.transaction((tx) => app.get<RocketMQOutbox<PgSession>>(RocketMQOutbox as never).add(tx, topic, 'first'));
    await running;
    closing = true;
    await app.close();
    expect(steps[0]).toBe('handler ended');
    expect(steps).toHaveLength(3);
    expect(steps).not.toContain('a query after the end');
  });

  it('finds transactions that it is not told about, soon after their commit', async () => {
    const topic = unique('t');
    const { Inbox, reach } = inboxOf(topic);
    await using app = await startWithOutbox(cluster, fresh({ pollInterval: '1h' }), [Inbox]);
    for (let i = 1; i <= 5; i++) {
      await db.transaction(async (tx) => {
        await app.outbox.add(tx, topic, i);
        // As long as a transaction of some statements takes.
        for (let j = 0; j < 20; j++) await tx.query('SELECT 1');
      });
      await reach(i);
    }
  });

  it('waits with a delay that counts from add, not from the time of sending', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh();
    await using idle = await startWithOutbox(cluster, { ...options, relay: false }, [Inbox]);
    const addedAt = Date.now();
    await options.database.transaction((tx) => idle.outbox.add(tx, topic, 'later', { delay: '4s' }));
    await waitFor(async () => (await idle.outbox.status()).oldestWaitingMs > 1_500, { what: 'time to pass' });
    await using _app = await startWithOutbox(cluster, options);
    await reach(1);
    const dueAt = Number(arrivals[0]!.context.getMessage().properties['TIMER_DELIVER_MS']);
    expect(dueAt).toBeGreaterThanOrEqual(addedAt + 4_000);
    expect(dueAt).toBeLessThan(addedAt + 5_000);
  });
});

describe('RocketMQOutboxModule', () => {
  it('has one outbox for each name, with a table of its own', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const name = unique('eu').replaceAll('-', '_');
    const database = pgDatabase(db);
    await using app = await startApp(
      [RocketMQModule.forRoot(at(cluster, quick)), RocketMQModule.forRoot({ ...at(cluster, quick), name })],
      {
        imports: [
          RocketMQOutboxModule.forRoot({ database, createTable: true }),
          RocketMQOutboxModule.forRootAsync({
            name,
            connection: name,
            useFactory: () => ({ database, createTable: true }),
          }),
        ],
        providers: [Inbox],
      },
    );
    const [one, other] = [undefined, name].map((of) =>
      app.get<RocketMQOutbox<PgSession>>(getRocketMQOutboxToken(of) as never),
    );
    expect(one!.schema.join()).toContain('IF NOT EXISTS rocketmq_outbox (');
    expect(other!.schema.join()).toContain(`IF NOT EXISTS rocketmq_outbox_${name} (`);
    await database.transaction(async (tx) => {
      await one!.add(tx, topic, 'one');
      await other!.add(tx, topic, 'other');
    });
    await reach(2);
    expect(payloads().sort()).toEqual(['one', 'other']);
  });

  it('sends through the fake, too', async () => {
    const options = fresh();
    await using app = await startApp([RocketMQTestingModule.fake()], {
      imports: [RocketMQOutboxModule.forRoot(options)],
    });
    const fake = app.get(RocketMQFakeConnection);
    const outbox = app.get<RocketMQOutbox<PgSession>>(RocketMQOutbox as never);
    const id = await options.database.transaction((tx) => outbox.add(tx, 'order:paid', { id: 7 }, { keys: 'k' }));
    await waitFor(() => fake.sent('order').length === 1, { what: 'the message' });
    const [sent] = fake.sent('order');
    expect(sent).toMatchObject({ tag: 'paid', keys: ['k'], payload: { id: 7 } });
    expect(sent!.message.msgId).toBe(id);
  });

  it('keeps messages of a process whose connection is disabled, for others to send', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: 20 });
    await using disabled = await startApp(
      [RocketMQModule.forRoot({ namesrvAddr: cluster.namesrvAddr, enabled: false })],
      { imports: [RocketMQOutboxModule.forRoot(options)] },
    );
    const outbox = disabled.get<RocketMQOutbox<PgSession>>(RocketMQOutbox as never);
    await options.database.transaction((tx) => outbox.add(tx, topic, 'x'));
    expect((await outbox.status()).waiting).toBe(1);
    await using _app = await startWithOutbox(cluster, options, [Inbox]);
    await reach(1);
    expect(payloads()).toEqual(['x']);
  });

  it.each([
    [{}, /Outbox 'default'\.database is missing/],
    [{ database: {} }, /database must be an object with query\(\), queryIn\(\), transaction\(\), onCommit\(\)/],
    [{ table: 'x; DROP TABLE y' }, /table must be letters/],
    [{ lease: '10ms' }, /lease must be a second or more/],
    [{ pollInterval: 'often' }, /pollInterval must be milliseconds or text/],
    [{ concurrency: 0 }, /concurrency must be an integer from 1 to 1000/],
    [{ retries: 3 }, /has no option "retries"/],
  ])('refuses the options %p', async (options, error) => {
    const database = 'database' in options || Object.keys(options).length === 0 ? {} : { database: pgDatabase(db) };
    const imports = [RocketMQOutboxModule.forRoot({ ...database, ...options } as never)];
    await expect(startApp(at(cluster), { imports })).rejects.toThrow(error);
  });
});
