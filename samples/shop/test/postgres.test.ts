import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { EmbeddedPostgres } from '../src/story/postgres.js';

let postgres: EmbeddedPostgres;
let one: pg.Pool;
let other: pg.Pool;

beforeAll(async () => {
  postgres = await EmbeddedPostgres.start();
  one = new pg.Pool({ connectionString: postgres.url, max: 4 });
  other = new pg.Pool({ connectionString: postgres.url, max: 4 });
  await one.query('create table numbers (n integer primary key, who text)');
}, 180_000);
afterAll(async () => {
  await one?.end();
  await other?.end();
  await postgres?.close();
});

async function count(who: string): Promise<number> {
  const { rows } = await other.query<{ count: number }>('select count(*)::int from numbers where who = $1', [who]);
  return rows[0]!.count;
}

it('serves many connections', async () => {
  const insert = (n: number) =>
    (n % 2 === 0 ? one : other).query('insert into numbers values ($1, $2)', [n, 'many connections']);
  await Promise.all(Array.from({ length: 100 }, (_, n) => insert(n)));
  expect(await count('many connections')).toBe(100);
});

it('tells a statement that fails from the others', async () => {
  await expect(one.query('insert into numbers values (1, $1)', ['twice'])).rejects.toMatchObject({ code: '23505' });
  await expect(one.query('select 1 as n; select nonsense')).rejects.toMatchObject({ code: '42703' });
  expect((await one.query('select $1::bytea as bytes', [Buffer.alloc(100_000, 7)])).rows[0]).toEqual({
    bytes: Buffer.alloc(100_000, 7),
  });
});

it('keeps what others do out of a transaction', async () => {
  const client = await one.connect();
  await client.query('begin');
  await client.query('insert into numbers values (1000, $1)', ['rolled back']);
  const meanwhile = other.query('insert into numbers values (1001, $1)', ['meanwhile']);
  await client.query('rollback');
  client.release();
  await meanwhile;
  expect(await count('rolled back')).toBe(0);
  expect(await count('meanwhile')).toBe(1);
});

it('rolls back the transaction of a connection that is lost', async () => {
  const client = new pg.Client({ connectionString: postgres.url });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin');
  await client.query('insert into numbers values (2000, $1)', ['lost']);
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await count('lost')).toBe(0);
});
