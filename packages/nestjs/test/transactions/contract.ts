import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ClosedError, TimeoutError, type TransactionState } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQTemplate } from '../../src/index.js';
import {
  RocketMQTransactions,
  RocketMQTransactionsModule,
  type RocketMQTransactionsOptions,
  type SqlDatabase,
} from '../../src/transactions/index.js';
import { TransactionLog } from '../../src/transactions/transaction-log.js';
import { at, quick, startApp, type TestApp } from '../e2e/app.js';
import { inboxOf } from '../outbox/contract.js';

/** The name of the listener that a process of the last version sent its messages with: it must not change. */
const LISTENER = 'rocketnest-sql';

export async function startWithTransactions<Tx>(
  cluster: { readonly namesrvAddr: string },
  group: string,
  options: RocketMQTransactionsOptions<Tx>,
  providers: readonly (new () => unknown)[] = [],
): Promise<TestApp & { readonly transactions: RocketMQTransactions<Tx> }> {
  const app = await startApp(at(cluster, { producer: { ...quick.producer, group } }), {
    imports: [RocketMQTransactionsModule.forRoot(options)],
    providers: [...providers],
  });
  return { ...app, transactions: app.get<RocketMQTransactions<Tx>>(RocketMQTransactions as never) };
}

/**
 * What transactional messages do on every database.
 * @param open the database under test
 */
export function describeTransactions<Tx>(
  open: () => SqlDatabase<Tx>,
  cluster: () => { readonly namesrvAddr: string },
): void {
  const fresh = (options: Partial<RocketMQTransactionsOptions<Tx>> = {}) => ({
    database: open(),
    table: unique('tx').replaceAll('-', '_'),
    createTable: true,
    ...options,
  });
  const orders = unique('orders').replaceAll('-', '_');
  const insert = (tx: Tx, id: number) => open().queryIn(tx)(`INSERT INTO ${orders} (id) VALUES (${id})`, []);
  const known = async (id: number) => (await rows(`SELECT id FROM ${orders} WHERE id = ${id}`)).length === 1;
  const rows = async (sql: string) => (await open().query(sql, [])) as readonly Record<string, unknown>[];
  beforeAll(() => open().query(`CREATE TABLE ${orders} (id integer PRIMARY KEY)`, []));
  // For a test that is run again.
  beforeEach(() => open().query(`DELETE FROM ${orders}`, []));

  it('makes the message visible when the local transaction is committed, and gives its value', async () => {
    const topic = unique('t');
    const { Inbox, arrivals, distinct, reach } = inboxOf(topic);
    const options = fresh();
    await using app = await startWithTransactions(cluster(), unique('service'), options, [Inbox]);
    const result = await app.transactions.send(
      `${topic}:created`,
      { id: 1 },
      async (tx, transactionId) => {
        await insert(tx, 1);
        expect(distinct()).toEqual([]);
        return `order of ${transactionId}`;
      },
      { keys: 'o1' },
    );
    expect(result).toMatchObject({ state: 'COMMIT', value: `order of ${result.transactionId}` });
    await reach(1);
    expect(distinct()).toEqual([{ id: 1 }]);
    expect(arrivals[0]!.context.getKeys()).toEqual(['o1']);
    expect(arrivals[0]!.context.getTag()).toBe('created');
    expect(await known(1)).toBe(true);
    expect(await rows(`SELECT state FROM ${options.table}`)).toEqual([{ state: 'committed' }]);
    expect(app.log.find('warn', /answers for/)).toEqual([]);
  });

  it('discards the message and rolls back when the local transaction throws', async () => {
    const topic = unique('t');
    const { Inbox, distinct, reach } = inboxOf(topic);
    const options = fresh();
    await using app = await startWithTransactions(cluster(), unique('service'), options, [Inbox]);
    const boom = new Error('out of stock');
    const failing = app.transactions.send(topic, { id: 10 }, async (tx) => {
      await insert(tx, 10);
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
    await app.transactions.send(topic, { id: 11 }, (tx) => insert(tx, 11));
    await reach(1);
    expect(distinct()).toEqual([{ id: 11 }]);
    expect([await known(10), await known(11)]).toEqual([false, true]);
    expect(await rows(`SELECT state FROM ${options.table}`)).toEqual([{ state: 'committed' }]);
  });

  it('answers the broker from the table: what is written was committed, what is not, by its time, can never be', async () => {
    const topic = unique('t');
    const { Inbox, distinct, reach } = inboxOf(topic);
    const options = fresh({ timeout: 500 });
    const log = new TransactionLog(options.database, options.table);
    await using app = await startWithTransactions(cluster(), unique('service'), options, [Inbox]);
    // What a process leaves that dies between its commit and the broker's hearing of it, and one that dies before.
    const template = app.get(RocketMQTemplate);
    const dieBeforeCommit = await template.sendInTransaction(topic, 'lost', () => 'UNKNOWN', { listener: LISTENER });
    await template.sendInTransaction(
      topic,
      'found',
      async (_, id): Promise<TransactionState> => {
        await options.database.transaction((tx) => log.commit(options.database.queryIn(tx), id));
        return 'UNKNOWN';
      },
      { listener: LISTENER },
    );
    await reach(1);
    const lost = dieBeforeCommit.transactionId;
    await waitFor(async () => (await log.read(lost)) === 'expired', { what: 'the outcome of the lost one' });
    // Nobody can commit it any more.
    const late = options.database.transaction((tx) => log.commit(options.database.queryIn(tx), lost));
    await expect(late).rejects.toThrow(/duplicate/i);
    expect(distinct()).toEqual(['found']);
  });

  it('commits the message when the commit succeeded and only its answer was lost', async () => {
    const topic = unique('t');
    const { Inbox, distinct, reach } = inboxOf(topic);
    const options = fresh();
    const real = options.database;
    const database: SqlDatabase<Tx> = {
      ...real,
      async transaction(work) {
        await real.transaction(work);
        throw new Error('connection reset');
      },
    };
    await using app = await startWithTransactions(cluster(), unique('service'), { ...options, database }, [Inbox]);
    const result = await app.transactions.send(topic, { id: 20 }, async (tx) => {
      await insert(tx, 20);
      return 'value';
    });
    expect(result).toMatchObject({ state: 'COMMIT', value: 'value' });
    await reach(1);
    expect(distinct()).toEqual([{ id: 20 }]);
    expect(await known(20)).toBe(true);
  });

  it('discards the message when the commit failed, and says with what', async () => {
    const topic = unique('t');
    const { Inbox, distinct, reach } = inboxOf(topic);
    const options = fresh();
    const real = options.database;
    const reset = new Error('connection reset');
    let isFailing = true;
    const database: SqlDatabase<Tx> = {
      ...real,
      transaction: (work) =>
        real.transaction(async (tx) => {
          const value = await work(tx);
          if (isFailing) throw reset;
          return value;
        }),
    };
    await using app = await startWithTransactions(cluster(), unique('service'), { ...options, database }, [Inbox]);
    await expect(app.transactions.send(topic, { id: 30 }, (tx) => insert(tx, 30))).rejects.toBe(reset);
    expect(await known(30)).toBe(false);
    expect(await rows(`SELECT state FROM ${options.table}`)).toEqual([{ state: 'failed' }]);
    isFailing = false;
    await app.transactions.send(topic, { id: 31 }, (tx) => insert(tx, 31));
    await reach(1);
    expect(distinct()).toEqual([{ id: 31 }]);
  });

  it('leaves it to the broker’s question when the database is gone at the end', async () => {
    const topic = unique('t');
    const { Inbox, distinct, reach } = inboxOf(topic);
    const options = fresh();
    const real = options.database;
    let isGone = false;
    const gone = new ClosedError('the database is gone');
    const database: SqlDatabase<Tx> = {
      ...real,
      query: (sql, parameters) => (isGone ? Promise.reject(gone) : real.query(sql, parameters)),
      async transaction(work) {
        await real.transaction(work);
        isGone = true;
        throw gone;
      },
    };
    await using app = await startWithTransactions(cluster(), unique('service'), { ...options, database }, [Inbox]);
    await expect(app.transactions.send(topic, { id: 40 }, (tx) => insert(tx, 40))).rejects.toBe(gone);
    expect(app.log.find('warn', /the outcome of \w+ is not known/)).toHaveLength(1);
    isGone = false;
    await reach(1);
    expect(distinct()).toEqual([{ id: 40 }]);
  });

  it('forgets outcomes that are old enough', async () => {
    const options = fresh({ keep: '1h' });
    await using app = await startWithTransactions(cluster(), unique('service'), options);
    await app.transactions.send(unique('t'), 'x', async () => undefined);
    await app.transactions.purge();
    expect(await rows(`SELECT state FROM ${options.table}`)).toHaveLength(1);
    const log = new TransactionLog(options.database, options.table);
    await waitFor(
      async () => {
        await log.purge(1);
        return (await rows(`SELECT state FROM ${options.table}`)).length === 0;
      },
      { what: 'the purge' },
    );
  });
}

/** What takes several transactions at the same time, which PGlite has not. */
export function describeLateCommits<Tx>(
  open: () => SqlDatabase<Tx>,
  cluster: () => { readonly namesrvAddr: string },
): void {
  it('rolls back a local transaction that is still running when the broker was told that it failed', async () => {
    const [topic, group] = [unique('t'), unique('service')];
    const { Inbox, distinct, reach } = inboxOf(topic);
    const database = open();
    const options = { database, table: unique('tx').replaceAll('-', '_'), createTable: true, timeout: 300 };
    await using slow = await startWithTransactions(cluster(), group, options, [Inbox]);
    // The broker asks any process of the group; the slow one would know that it runs.
    await using _other = await startWithTransactions(cluster(), group, options);
    const log = new TransactionLog(database, options.table);
    const late = slow.transactions.send(topic, 'late', async (_, id) => {
      await waitFor(async () => (await log.read(id)) === 'expired', { what: 'the broker to ask', timeoutMs: 40_000 });
    });
    await expect(late).rejects.toThrow(TimeoutError);
    await expect(late).rejects.toThrow(/took longer than 300 ms and was rolled back/);
    await slow.transactions.send(topic, 'quick', async () => undefined);
    await reach(1);
    expect(distinct()).toEqual(['quick']);
  });

  it('is not asked to give up while it commits: who wants to know waits', async () => {
    const database = open();
    const log = new TransactionLog(database, unique('tx').replaceAll('-', '_'));
    await log.createTable();
    let asked: Promise<unknown> = Promise.resolve();
    let isAnswered = false;
    await database.transaction(async (tx) => {
      await log.commit(database.queryIn(tx), 'id');
      asked = log.settle('id', 'expired').finally(() => {
        isAnswered = true;
      });
      // Far longer than the answer would take that did not wait.
      for (let i = 0; i < 20; i++) await log.read('another');
      expect(isAnswered).toBe(false);
    });
    expect(await asked).toBe('committed');
  });
}
