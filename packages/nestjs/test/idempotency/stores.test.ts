import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import {
  CombinedIdempotencyStore,
  IdempotencyStore,
  MemoryIdempotencyStore,
  SqlIdempotencyStore,
} from '../../src/idempotency/index.js';
import { claimed, describeStore } from './contract.js';

const times = { lockMs: 60_000, ttlMs: 60_000 };

let db: PGlite;
const query = async (sql: string, parameters: unknown[]) => (await db.query(sql, parameters)).rows;
beforeAll(async () => {
  db = await PGlite.create();
  await new SqlIdempotencyStore({ dialect: 'postgres', query }).createTable();
});
afterAll(() => db.close());

describe('MemoryIdempotencyStore', () => {
  const store = new MemoryIdempotencyStore();
  describeStore(() => store);

  it('does not keep what has expired', async () => {
    let now = 0;
    const store = new MemoryIdempotencyStore({ now: () => now });
    for (let i = 0; i < 10_000; i++) {
      now = i * 100;
      await claimed(await store.begin(`k${i}`, times)).confirm();
    }
    // 600 of them are within their ttl.
    expect(store.size).toBeLessThan(2_000);
    expect(await store.begin('k9999', times)).toBe('done');
  });
});

describe('SqlIdempotencyStore on Postgres', () => {
  describeStore(() => new SqlIdempotencyStore({ dialect: 'postgres', query }));

  it('has tables of any name, schema included, and may create one twice', async () => {
    await db.exec('CREATE SCHEMA app');
    const store = new SqlIdempotencyStore({ dialect: 'postgres', query, table: 'app.handled' });
    await store.createTable();
    await store.createTable();
    await claimed(await store.begin('k', times)).confirm();
    expect((await db.query('SELECT id, done FROM app.handled')).rows).toEqual([{ id: 'k', done: true }]);
    expect(store.schema).toContain('app.handled');
  });

  it('purges what has expired and nothing else', async () => {
    const store = new SqlIdempotencyStore({ dialect: 'postgres', query, table: 'purged' });
    await store.createTable();
    await claimed(await store.begin('old', { ...times, ttlMs: 1 })).confirm();
    await claimed(await store.begin('new', times)).confirm();
    await waitFor(
      async () => {
        await store.purge();
        return (await db.query('SELECT id FROM purged')).rows.length === 1;
      },
      { what: 'the old row to go' },
    );
    expect((await db.query('SELECT id FROM purged')).rows).toEqual([{ id: 'new' }]);
  });

  it('says what is wrong with its options', async () => {
    const make = (options: object) => () =>
      new SqlIdempotencyStore({ dialect: 'postgres', query, ...options } as never);
    expect(make({ dialect: 'oracle' })).toThrow("dialect must be 'postgres' or 'mysql', got 'oracle'");
    expect(make({ query: {} })).toThrow('query must be a function');
    expect(make({ table: 'x; DROP TABLE y' })).toThrow(ConfigurationError);
    const wrong = new SqlIdempotencyStore({ dialect: 'postgres', query: (sql, values) => db.query(sql, values) });
    await expect(wrong.begin(unique('k'), times)).rejects.toThrow('must resolve to the array of rows');
  });
});

describe('CombinedIdempotencyStore', () => {
  const lock = new MemoryIdempotencyStore();
  describeStore(
    () => new CombinedIdempotencyStore({ lock, record: new SqlIdempotencyStore({ dialect: 'postgres', query }) }),
  );

  /** A store that cannot be reached. */
  class Down extends IdempotencyStore {
    asked = 0;

    begin(): Promise<never> {
      this.asked++;
      return Promise.reject(new Error('connection refused'));
    }
  }

  it('knows from the record what the lock store forgot', async () => {
    const record = new SqlIdempotencyStore({ dialect: 'postgres', query });
    const key = unique('k');
    await claimed(await new CombinedIdempotencyStore({ lock, record }).begin(key, times)).confirm();
    const fresh = new MemoryIdempotencyStore();
    const store = new CombinedIdempotencyStore({ lock: fresh, record });
    expect(await store.begin(key, times)).toBe('done');
    // From now on the lock store answers alone.
    expect(await fresh.begin(key, times)).toBe('done');
  });

  it('asks the record only about keys that the lock store does not know', async () => {
    const record = new Down();
    const lock = new MemoryIdempotencyStore();
    await claimed(await lock.begin('known', times)).confirm();
    expect(await new CombinedIdempotencyStore({ lock, record }).begin('known', times)).toBe('done');
    expect(record.asked).toBe(0);
  });

  it('works on without the lock store, and says so', async () => {
    const errors: unknown[] = [];
    const record = new SqlIdempotencyStore({ dialect: 'postgres', query });
    const store = new CombinedIdempotencyStore({
      lock: new Down(),
      record,
      onLockError: (error) => errors.push(error),
    });
    const key = unique('k');
    const claim = claimed(await store.begin(key, times));
    expect(await store.begin(key, times)).toBe('busy');
    await claim.confirm();
    expect(await store.begin(key, times)).toBe('done');
    expect(errors).toEqual(Array.from({ length: 3 }, () => new Error('connection refused')));
  });

  it('does not work without the record, and holds no lock then', async () => {
    const lock = new MemoryIdempotencyStore();
    const store = new CombinedIdempotencyStore({ lock, record: new Down() });
    await expect(store.begin('k', times)).rejects.toThrow('connection refused');
    expect(await lock.begin('k', times)).toBeInstanceOf(Object);
  });
});
