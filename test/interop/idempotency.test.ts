// The stores of @Idempotent on the servers that people run: what one sees, all see.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unique, waitFor } from '@rocketnest/testing';
import { Redis } from 'ioredis';
import { createPool, type Pool } from 'mysql2/promise';
import { createClient } from 'redis';
import {
  CombinedIdempotencyStore,
  RedisIdempotencyStore,
  SqlIdempotencyStore,
} from '../../packages/nestjs/src/idempotency/index.js';
import { claimed, describeStore } from '../../packages/nestjs/test/idempotency/contract.js';
import { type DatabaseServer, startMariaDb, startRedis } from '../support/databases.js';

const times = { lockMs: 60_000, ttlMs: 60_000 };

let redis: DatabaseServer;
let mariadb: DatabaseServer;
let ioredis: Redis;
const connectNodeRedis = (path: string) => createClient({ socket: { path, tls: false } }).connect();
let nodeRedis: Awaited<ReturnType<typeof connectNodeRedis>>;
let pool: Pool;
const query = async (sql: string, parameters: unknown[]) => (await pool.query(sql, parameters))[0];

beforeAll(async () => {
  [redis, mariadb] = await Promise.all([startRedis(), startMariaDb()]);
  ioredis = new Redis({ path: redis.socket });
  nodeRedis = await connectNodeRedis(redis.socket);
  pool = createPool({ socketPath: mariadb.socket, user: 'root', database: 'test' });
});
afterAll(async () => {
  ioredis?.disconnect();
  nodeRedis?.destroy();
  await pool?.end();
  await redis?.close();
  await mariadb?.close();
});

describe('RedisIdempotencyStore', () => {
  describe('with ioredis', () => {
    describeStore(() => new RedisIdempotencyStore(ioredis));
  });

  describe('with redis', () => {
    describeStore(() => new RedisIdempotencyStore(nodeRedis));
  });

  describe('with a function that sends commands', () => {
    describeStore(() => new RedisIdempotencyStore((command, ...args) => ioredis.call(command, ...args)));
  });

  it('knows what another client confirmed', async () => {
    const key = unique('k');
    await claimed(await new RedisIdempotencyStore(ioredis).begin(key, times)).confirm();
    expect(await new RedisIdempotencyStore(nodeRedis).begin(key, times)).toBe('done');
  });

  it('leaves nothing behind: every key has an end', async () => {
    const prefix = `${unique('p')}:`;
    const store = new RedisIdempotencyStore(ioredis, { prefix });
    await store.begin('claimed', times);
    await claimed(await store.begin('confirmed', times)).confirm();
    const extended = claimed(await store.begin('extended', times));
    await extended.extend();
    await claimed(await store.begin('released', times)).release();
    const keys = (await ioredis.keys(`${prefix}*`)).sort();
    expect(keys).toEqual(['claimed', 'confirmed', 'extended'].map((key) => prefix + key));
    for (const key of keys) expect(await ioredis.pttl(key)).toBeGreaterThan(0);
  });

  it('refuses a client that it does not know', () => {
    expect(() => new RedisIdempotencyStore({} as never)).toThrow('takes a client of ioredis or redis');
  });
});

describe('SqlIdempotencyStore on MariaDB', () => {
  const open = () => new SqlIdempotencyStore({ dialect: 'mysql', query });
  beforeAll(async () => {
    await open().createTable();
    await open().createTable();
  });

  describeStore(open);

  it('works with prepared statements', async () => {
    const prepared = new SqlIdempotencyStore({
      dialect: 'mysql',
      query: async (sql, parameters) => (await pool.execute(sql, parameters as string[]))[0],
    });
    const key = unique('k');
    const claim = claimed(await prepared.begin(key, times));
    await claim.extend();
    expect(await open().begin(key, times)).toBe('busy');
    await claim.confirm();
    expect(await prepared.begin(key, times)).toBe('done');
  });

  it('purges what has expired and nothing else', async () => {
    const store = new SqlIdempotencyStore({ dialect: 'mysql', query, table: 'test.purged' });
    await store.createTable();
    await claimed(await store.begin('old', { ...times, ttlMs: 1 })).confirm();
    await claimed(await store.begin('new', times)).confirm();
    const ids = async () =>
      ((await pool.query('SELECT id FROM purged'))[0] as { id: Buffer }[]).map(({ id }) => `${id}`);
    await waitFor(
      async () => {
        await store.purge();
        return (await ids()).length === 1;
      },
      { what: 'the old row to go' },
    );
    expect(await ids()).toEqual(['new']);
  });
});

describe('Redis in front of MariaDB', () => {
  const record = () => new SqlIdempotencyStore({ dialect: 'mysql', query });
  const open = () => new CombinedIdempotencyStore({ lock: new RedisIdempotencyStore(ioredis), record: record() });
  beforeAll(() => record().createTable());

  describeStore(open);

  it('still knows what Redis lost', async () => {
    const key = unique('k');
    await claimed(await open().begin(key, times)).confirm();
    await ioredis.flushall();
    expect(await open().begin(key, times)).toBe('done');
  });
});
