import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, type Provider } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import {
  IdempotencyStore,
  Idempotent,
  type IdempotentOptions,
  MemoryIdempotencyStore,
  SqlIdempotencyStore,
} from '../../src/idempotency/index.js';
import {
  ConsumeResult,
  RocketMQConnection,
  type RocketMQContext,
  type RocketMQListenerOptions,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
  ServerRocketMQ,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

interface Order {
  readonly id: string;
  readonly step?: number;
}

/** An application with one handler, and what is sent to it: to one queue, one message after the other. */
async function withHandler(
  handle: (order: Order, context: RocketMQContext) => unknown,
  options: IdempotentOptions = {},
  listener: Partial<RocketMQListenerOptions> = {},
  providers: Provider[] = [{ provide: IdempotencyStore, useClass: MemoryIdempotencyStore }],
) {
  const topic = (listener.topic as string) ?? unique('t');
  const consumerGroup = (listener.consumerGroup as string) ?? unique('g');

  @Injectable()
  class Listener {
    @RocketMQMessageListener({
      concurrency: 1,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      ...listener,
      topic,
      consumerGroup,
    })
    @Idempotent(options)
    on(order: Order, context: RocketMQContext): unknown {
      return handle(order, context);
    }
  }

  const app = await startApp(at(cluster), { providers: [Listener, ...providers] });
  const send = (order: Order, more: { keys?: string; tag?: string } = {}) =>
    app
      .get(RocketMQTemplate)
      .send({ topic, tag: more.tag }, order, { keys: more.keys ?? order.id, shardingKey: 'one' });
  return { app, topic, group: consumerGroup, send };
}

describe('@Idempotent', () => {
  it('lets a handler run once for messages with the same keys', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => got.push(id));
    await using _ = app;
    for (const id of ['a', 'a', 'b', 'a', 'end']) await send({ id });
    await waitFor(() => got.includes('end'), { what: 'the last message' });
    expect(got).toEqual(['a', 'b', 'end']);
    expect(app.log.find('error', /./)).toEqual([]);
  });

  it('takes messages without keys for the same when their id is, which the broker keeps over deliveries', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }, context) => {
      got.push(id);
      if (id === 'fails' && context.getReconsumeTimes() === 0) throw new Error('once');
    });
    await using _ = app;
    for (const id of ['a', 'a', 'fails']) await send({ id }, { keys: '' });
    await waitFor(() => got.length === 4, { what: 'all deliveries' });
    expect(got).toEqual(['a', 'a', 'fails', 'fails']);
  });

  it('runs the handler again when it failed or asked for another delivery', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => {
      got.push(id);
      if (got.length === 1) throw new Error('once');
      return got.length === 2 ? ConsumeResult.retryIn(1) : 'done';
    });
    await using _ = app;
    await send({ id: 'a' });
    await waitFor(() => got.length === 3, { what: 'the third delivery' });
    for (const id of ['a', 'end']) await send({ id });
    await waitFor(() => got.includes('end'), { what: 'the last message' });
    expect(got).toEqual(['a', 'a', 'a', 'end']);
  });

  it('counts what a handler returns as success, whatever it looks like', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => {
      got.push(id);
      return { status: 'rejected' };
    });
    await using _ = app;
    for (const id of ['a', 'a', 'end']) await send({ id });
    await waitFor(() => got.includes('end'), { what: 'the last message' });
    expect(got).toEqual(['a', 'end']);
  });

  it('handles the same keys under another tag: that is another event', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }, context) => got.push(`${context.getTag()} ${id}`));
    await using _ = app;
    for (const tag of ['created', 'paid', 'created']) await send({ id: 'a' }, { tag });
    await send({ id: 'end' });
    await waitFor(() => got.includes('undefined end'), { what: 'the last message' });
    expect(got).toEqual(['created a', 'paid a', 'undefined end']);
  });

  it('takes the key from the payload', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id, step }) => got.push(`${id}${step}`), {
      key: (order: Order) => `${order.id}/${order.step}`,
    });
    await using _ = app;
    for (const step of [1, 2, 1, 2, 3]) await send({ id: 'a', step });
    await waitFor(() => got.includes('a3'), { what: 'the last message' });
    expect(got).toEqual(['a1', 'a2', 'a3']);
  });

  it('gives up a message whose key cannot be made', async () => {
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => got.push(id), {
      key: ({ step }: Order) => step?.toString() as string,
    });
    await using _ = app;
    await send({ id: 'a' });
    await waitFor(
      () => app.log.find('error', /must make non-empty text, and made undefined\. Moved to %DLQ%/).length === 1,
      {
        what: 'the log line',
      },
    );
    expect(got).toEqual([]);
  });

  it('keeps a message waiting while another process handles the same key', async () => {
    const db = await PGlite.create();
    const store = () =>
      new SqlIdempotencyStore({
        dialect: 'postgres',
        query: async (sql, values) => (await db.query(sql, values)).rows,
      });
    await store().createTable();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];
    let release: () => void = () => undefined;
    const handle = async ({ id, step }: Order) => {
      got.push(`${id} starts`);
      if (step === 1) await new Promise<void>((resolve) => (release = resolve));
      got.push(`${id} ends`);
    };
    const answers: string[] = [];
    /** Tells what it answered. */
    class Observed extends IdempotencyStore {
      readonly #store = store();

      override async begin(...args: Parameters<IdempotencyStore['begin']>) {
        const answer = await this.#store.begin(...args);
        answers.push(typeof answer === 'string' ? answer : 'claim');
        return answer;
      }
    }
    // Short claims: the handler outlasts them, and they are extended.
    const instance = () =>
      withHandler(handle, { lock: 200, store: new Observed() }, { topic, consumerGroup, concurrency: 5 }, []);
    const one = await instance();
    await using _one = one.app;
    await one.send({ id: 'a', step: 1 });
    await waitFor(() => got.length === 1, { what: 'the first handler' });
    await using _two = (await instance()).app;
    await one.send({ id: 'a', step: 2 });
    await waitFor(() => answers.filter((answer) => answer === 'busy').length >= 2, { what: 'the duplicate to wait' });
    release();
    await waitFor(() => answers.at(-1) === 'done', { what: 'the duplicate to be consumed' });
    expect(got).toEqual(['a starts', 'a ends']);
    expect(one.app.log.find('error', /./)).toEqual([]);
    await db.close();
  });

  it('takes duplicates out of batches, and gives each message the result that is its own', async () => {
    const got: string[][] = [];
    const { app, group, send } = await withHandler(
      (orders) => {
        const ids = (orders as unknown as Order[]).map(({ id }) => id);
        got.push(ids);
        // 'b' fails the first time.
        const first = !got.slice(0, -1).flat().includes('b');
        return ConsumeResult.each(ids.map((id) => (id === 'b' && first ? new Error('once') : undefined)));
      },
      { key: (order: Order) => order.id },
      { batch: { size: 10 }, autoStartup: false },
    );
    await using _ = app;
    for (const id of ['a', 'b', 'a', 'c', 'b', 'c', 'a']) await send({ id });
    await app.get(RocketMQListenerRegistry).get(group).start();
    const count = (wanted: string) => got.flat().filter((id) => id === wanted).length;
    await waitFor(() => count('b') === 2 && count('c') === 1, { what: 'all deliveries' });
    await send({ id: 'end' });
    await waitFor(() => count('end') === 1, { what: 'the last message' });
    expect(got[0]).toEqual(['a', 'b', 'c']);
    expect(got.flat().sort()).toEqual(['a', 'b', 'b', 'c', 'end']);
  });

  it('keeps the order of an ORDERLY batch: what follows a message that comes again is handled again, after it', async () => {
    const got: string[][] = [];
    const { app, group, send } = await withHandler(
      (orders) => {
        const ids = (orders as unknown as Order[]).map(({ id }) => id);
        got.push(ids);
        // 'b' fails the first time, 'c' and the second 'a' are behind it.
        return ConsumeResult.each(ids.map((id) => (id === 'b' && got.length === 1 ? new Error('once') : undefined)));
      },
      { key: (order: Order) => order.id },
      { batch: { size: 10 }, autoStartup: false, consumeMode: 'ORDERLY', suspendCurrentQueueTimeMillis: 10 },
    );
    await using _ = app;
    for (const id of ['a', 'b', 'c', 'a', 'd']) await send({ id });
    await app.get(RocketMQListenerRegistry).get(group).start();
    await waitFor(() => got.flat().includes('d'), { what: 'the last message' });
    // The second 'a' is claimed by its own batch: it waits, and nothing overtakes it. The next time it is a duplicate.
    expect(got).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c', 'd'],
    ]);
  });

  it('does not handle a message while the store cannot be reached', async () => {
    let down = true;
    const real = new MemoryIdempotencyStore();
    const store = {
      begin: (...args: Parameters<IdempotencyStore['begin']>) =>
        down ? Promise.reject(new Error('connection refused')) : real.begin(...args),
    };
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => got.push(id), { store }, {}, []);
    await using _ = app;
    await send({ id: 'a' });
    await waitFor(() => app.log.find('error', /connection refused\. It will be delivered again/).length === 1, {
      what: 'the log line',
    });
    expect(got).toEqual([]);
    down = false;
    await waitFor(() => got.length === 1, { what: 'the next delivery' });
  });

  it('consumes what was handled though the store fails to record it, and says so', async () => {
    const claim = {
      confirm: () => Promise.reject(new Error('disk full')),
      release: async () => {},
      extend: async () => {},
    };
    const got: string[] = [];
    const { app, send } = await withHandler(({ id }) => got.push(id), { store: { begin: async () => claim } }, {}, []);
    await using _ = app;
    for (const id of ['a', 'end']) await send({ id });
    await waitFor(() => got.includes('end'), { what: 'the last message' });
    await waitFor(() => app.nestLog.find('error', /failed to record a key; .*disk full/).length === 2, {
      what: 'the log',
    });
    expect(app.log.find('error', /./)).toEqual([]);
  });

  it('works on classes, with a store by token', async () => {
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];

    @Injectable()
    @Idempotent({ store: 'STORE' })
    @RocketMQMessageListener({ topic, consumerGroup, concurrency: 1 })
    class Listener {
      onMessage({ id }: Order): void {
        got.push(id);
      }
    }
    await using app = await startApp(at(cluster), {
      providers: [Listener, { provide: 'STORE', useClass: MemoryIdempotencyStore }],
    });
    for (const id of ['a', 'a', 'end']) {
      await app.get(RocketMQTemplate).send(topic, { id }, { keys: id, shardingKey: 'one' });
    }
    await waitFor(() => got.includes('end'), { what: 'the last message' });
    expect(got).toEqual(['a', 'end']);
  });

  it('keeps apart the handlers of one pattern of the transport', async () => {
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];

    @Controller()
    class Orders {
      @EventPattern(topic)
      @Idempotent()
      stock(@Payload() { id }: Partial<Order>): void {
        got.push(`stock ${id}`);
      }

      @EventPattern(topic)
      @Idempotent()
      mail(@Payload() { id }: Partial<Order>): void {
        got.push(`mail ${id}`);
      }
    }
    await using app = await startApp(
      at(cluster),
      { controllers: [Orders], providers: [{ provide: IdempotencyStore, useClass: MemoryIdempotencyStore }] },
      async (nest) => {
        nest.connectMicroservice({
          strategy: new ServerRocketMQ({
            connection: nest.get(RocketMQConnection),
            consumerGroup,
            consumer: { concurrency: 1 },
          }),
        });
      },
    );
    await app.app.startAllMicroservices();
    for (const id of ['a', 'a', 'end']) {
      await app.get(RocketMQTemplate).send(topic, { id }, { keys: id, shardingKey: 'one' });
    }
    await waitFor(() => got.filter((line) => line.endsWith('end')).length === 2, { what: 'the last message' });
    expect(got.sort()).toEqual(['mail a', 'mail end', 'stock a', 'stock end']);
  });

  it('stops an application without a store from starting', async () => {
    await expect(withHandler(() => undefined, {}, {}, [])).rejects.toThrow(/IdempotencyStore/);
  });

  it('refuses options that make no sense', () => {
    expect(() => Idempotent({ ttl: 'long' })).toThrow("got 'long'");
    expect(() => Idempotent({ lock: 1 })).toThrow('lock must be at least 100 ms, got 1');
    expect(() => Idempotent({ key: 'id' as never })).toThrow(
      "key must be a function (payload, context) => text, got 'id'",
    );
  });
});
