import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { type RocketMQContext, RocketMQMessageListener } from '../../src/index.js';
import {
  RocketMQOutbox,
  RocketMQOutboxModule,
  type RocketMQOutboxOptions,
  type SqlDatabase,
} from '../../src/outbox/index.js';
import { OutboxTable } from '../../src/outbox/outbox-table.js';
import { at, startApp, type TestApp } from '../e2e/app.js';

export interface Arrival {
  readonly payload: unknown;
  readonly context: RocketMQContext;
  readonly at: number;
}

/** Collects what arrives at a topic. */
export function inboxOf(topic: string) {
  const arrivals: Arrival[] = [];

  @Injectable()
  class Inbox {
    @RocketMQMessageListener({
      topic,
      consumerGroup: unique('g'),
      consumeMode: 'ORDERLY',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    on(payload: unknown, context: RocketMQContext): void {
      arrivals.push({ payload, context, at: Date.now() });
    }
  }
  /** Of each message, however often it came: a broker that asks while a transaction ends may publish it twice. */
  const distinct = () => [
    ...new Map(arrivals.map(({ payload, context }) => [context.getMessageId(), payload])).values(),
  ];
  const reach = (count: number) =>
    waitFor(() => arrivals.length >= count, {
      what: `${count} messages, ${topic}`,
      timeoutMs: 45_000,
    });
  return { Inbox, arrivals, payloads: () => arrivals.map(({ payload }) => payload), distinct, reach };
}

/** An application with an outbox, and the outbox. */
export async function startWithOutbox<Tx>(
  cluster: { readonly namesrvAddr: string },
  options: RocketMQOutboxOptions<Tx>,
  providers: readonly (new () => unknown)[] = [],
): Promise<TestApp & { readonly outbox: RocketMQOutbox<Tx> }> {
  const app = await startApp(at(cluster), {
    imports: [RocketMQOutboxModule.forRoot(options)],
    providers: [...providers],
  });
  return { ...app, outbox: app.get<RocketMQOutbox<Tx>>(RocketMQOutbox as never) };
}

/**
 * What an outbox does on every database.
 * @param open the database under test
 */
export function describeOutbox<Tx>(open: () => SqlDatabase<Tx>, cluster: () => { readonly namesrvAddr: string }): void {
  const fresh = (options: Partial<RocketMQOutboxOptions<Tx>> = {}): RocketMQOutboxOptions<Tx> => ({
    database: open(),
    table: unique('outbox').replaceAll('-', '_'),
    createTable: true,
    ...options,
  });

  it('sends what a transaction added once it is committed, and nothing of one that was rolled back', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const options = fresh();
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    const { outbox } = app;
    const boom = new Error('out of stock');
    const failing = options.database.transaction(async (tx) => {
      await outbox.add(tx, topic, 'rolled back');
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
    await options.database.transaction(async (tx) => {
      await outbox.add(tx, topic, 'committed');
    });
    await reach(1);
    expect(payloads()).toEqual(['committed']);
    await waitFor(async () => (await outbox.status()).waiting === 0, { what: 'an empty table' });
    expect(await outbox.status()).toEqual({ waiting: 0, oldestWaitingMs: 0, failing: 0, parked: 0 });
  });

  it('loses no time: a commit wakes the relay', async () => {
    const topic = unique('t');
    const { Inbox, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: '1h' });
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    for (let i = 1; i <= 3; i++) {
      await options.database.transaction((tx) => app.outbox.add(tx, topic, i));
      await reach(i);
    }
  });

  it('keeps whatever is said about a message, and its id', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh();
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    const { outbox } = app;
    const body = { text: 'héllo 世界 😀 \0 \' " ? $1', list: [1, null] };
    const id = await options.database.transaction((tx) =>
      outbox.add(tx, `${topic}:paid`, body, {
        keys: ['k1', '订单'],
        headers: { locale: 'zh-中文', 'trace?': '$1 ?' },
        shardingKey: 'user 7',
      }),
    );
    await reach(1);
    const { payload, context } = arrivals[0]!;
    expect(payload).toEqual(body);
    expect(context.getTag()).toBe('paid');
    expect(context.getKeys()).toEqual(['k1', '订单']);
    expect(context.getHeaders()).toMatchObject({
      locale: 'zh-中文',
      'trace?': '$1 ?',
      contentType: 'application/json',
    });
    expect(context.getMessage().properties['__SHARDINGKEY']).toBe('user 7');
    expect(context.getMessageId()).toBe(id);
  });

  it('keeps bytes as they are', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh();
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await options.database.transaction((tx) => app.outbox.add(tx, topic, bytes));
    await reach(1);
    expect(arrivals[0]!.context.getMessage().body.equals(bytes)).toBe(true);
  });

  it('sends in the order of the rows: all of them with a concurrency of 1', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh({ concurrency: 1 });
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    await options.database.transaction(async (tx) => {
      for (let i = 0; i < 30; i++) await app.outbox.add(tx, topic, i);
    });
    await reach(30);
    const offset = ({ context }: Arrival): number => context.getMessage().commitLogOffset;
    const stored = [...arrivals].sort((one, other) => offset(one) - offset(other));
    expect(stored.map(({ payload }) => payload)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  it('has several relays share the work: every message once, those of a sharding key in order', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: 20, concurrency: 4 });
    const [keys, rounds] = [8, 15];
    await using reader = await startWithOutbox(cluster(), { ...options, relay: false }, [Inbox]);
    const apps = await Promise.all(Array.from({ length: 3 }, () => startWithOutbox(cluster(), options)));
    try {
      for (let round = 0; round < rounds; round++) {
        const { outbox } = apps[round % apps.length]!;
        await options.database.transaction(async (tx) => {
          for (let key = 0; key < keys; key++) {
            await outbox.add(tx, topic, { key, round }, { shardingKey: `k${key}` });
            await outbox.add(tx, topic, { round });
          }
        });
      }
      await reach(2 * keys * rounds);
      await waitFor(async () => (await reader.outbox.status()).waiting === 0, { what: 'an empty table' });
      expect(new Set(arrivals.map(({ context }) => context.getMessageId())).size).toBe(2 * keys * rounds);
      expect(arrivals).toHaveLength(2 * keys * rounds);
      for (let key = 0; key < keys; key++) {
        const own = arrivals
          .map(({ payload }) => payload as { key?: number; round: number })
          .filter((p) => p.key === key);
        expect(own.map(({ round }) => round)).toEqual(Array.from({ length: rounds }, (_, round) => round));
      }
    } finally {
      await Promise.all(apps.map((app) => app.close()));
    }
  });

  it('sends what a relay had claimed that died, once its lease has ended, and in order', async () => {
    const topic = unique('t');
    const { Inbox, payloads, reach } = inboxOf(topic);
    const options = fresh({ pollInterval: 50 });
    await using adder = await startWithOutbox(cluster(), { ...options, relay: false }, [Inbox]);
    await options.database.transaction(async (tx) => {
      for (let i = 0; i < 3; i++) await adder.outbox.add(tx, topic, i, { shardingKey: 'k' });
    });
    const dead = new OutboxTable(options.database, options.table!);
    const claimed = await dead.claim({ owner: 'a'.repeat(36), leaseMs: 2_000, lanes: 5, rows: 2 });
    expect(claimed.rows).toHaveLength(2);
    await using app = await startWithOutbox(cluster(), options);
    await options.database.transaction((tx) => app.outbox.add(tx, topic, 'another'));
    await reach(1);
    // The third row waits for those before it, which the dead relay holds.
    expect(payloads()).toEqual(['another']);
    await reach(4);
    expect(payloads()).toEqual(['another', 0, 1, 2]);
  });

  it('tells what waits, and keeps sent rows as long as it is told to', async () => {
    const topic = unique('t');
    const { Inbox, reach } = inboxOf(topic);
    const options = fresh({ keepSent: '1h' });
    const { database, table } = options;
    const states = async () =>
      (await database.query(`SELECT state FROM ${table} ORDER BY id`, [])) as readonly { state: string }[];
    {
      await using idle = await startWithOutbox(cluster(), { ...options, relay: false });
      await database.transaction((tx) => idle.outbox.add(tx, topic, 1));
      await database.transaction((tx) => idle.outbox.add(tx, topic, 2));
      await waitFor(async () => (await idle.outbox.status()).oldestWaitingMs >= 20, { what: 'time to pass' });
      expect(await idle.outbox.status()).toMatchObject({ waiting: 2, failing: 0, parked: 0 });
    }
    await using app = await startWithOutbox(cluster(), options, [Inbox]);
    await reach(2);
    await waitFor(async () => (await states()).every(({ state }) => state === 'sent'), { what: 'marks' });
    expect(await states()).toHaveLength(2);
    expect((await app.outbox.status()).waiting).toBe(0);
    const rows = new OutboxTable(database, table!);
    await rows.purgeSent(3_600_000);
    expect(await states()).toHaveLength(2);
    await waitFor(
      async () => {
        await rows.purgeSent(1);
        return (await states()).length === 0;
      },
      { what: 'the purge' },
    );
  });

  it('creates its table once, however many ask at the same time', async () => {
    const { database, table } = fresh();
    const creators = Array.from({ length: 4 }, () => new OutboxTable(database, table!).createTable());
    await Promise.all(creators);
    await new OutboxTable(database, table!).createTable();
    expect(await database.query(`SELECT id FROM ${table}`, [])).toEqual([]);
  });
}
