// kill -9 at the moments that matter: what was committed is delivered, what was rolled back is not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster, unique, waitFor } from '@rocketnest/testing';
import { createPool } from 'mysql2/promise';
import pg from 'pg';
import { OutboxTable } from '../../packages/nestjs/src/outbox/outbox-table.js';
import { mysqlDatabase, pgDatabase, type SqlDatabase } from '../../packages/nestjs/src/sql/index.js';
import { TransactionLog } from '../../packages/nestjs/src/transactions/transaction-log.js';
import { startApp } from '../../packages/nestjs/test/e2e/app.js';
import { inboxOf } from '../../packages/nestjs/test/outbox/contract.js';
import { Child } from '../support/child.js';
import { type DatabaseServer, startMariaDb, startPostgres } from '../support/databases.js';

const program = fileURLToPath(new URL('../support/outbox-program.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../packages/nestjs/dist/esm/outbox/index.js', import.meta.url));
const PATIENCE_MS = 60_000;

interface Scenario {
  readonly how: 'outbox' | 'transaction';
  readonly orders: readonly number[];
  readonly bad?: readonly number[];
  readonly relay: boolean;
  readonly stopAt?: string;
}

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  if (!existsSync(built)) throw new Error(`${built} is missing: run "npm run build" first`);
  cluster = await startCluster({
    broker: { transactionCheckInterval: 300, transactionTimeOut: 300, transactionCheckMax: 200 },
  });
});
afterAll(() => cluster?.close());

const SERVERS: Record<'postgres' | 'mysql', { start(): Promise<DatabaseServer>; connect(socket: string): Connection }> =
  {
    postgres: {
      start: startPostgres,
      connect: (socket) => {
        const pool = new pg.Pool({ host: socket, user: 'postgres', database: 'postgres' });
        return { database: pgDatabase(pool), close: () => pool.end() };
      },
    },
    mysql: {
      start: startMariaDb,
      connect: (socket) => {
        const pool = createPool({ socketPath: socket, user: 'root', database: 'test' });
        return { database: mysqlDatabase(pool), close: () => pool.end() };
      },
    },
  };

interface Connection {
  readonly database: SqlDatabase<unknown>;
  close(): Promise<void>;
}

describe.each(['postgres', 'mysql'] as const)('a service on %s that is killed', (dialect) => {
  let server: DatabaseServer;
  let connection: Connection;
  beforeAll(async () => {
    server = await SERVERS[dialect].start();
    connection = SERVERS[dialect].connect(server.socket);
  });
  afterAll(async () => {
    await connection?.close();
    await server?.close();
  });

  /** Tables, a topic and its reader, and how to start the service on them. */
  async function stage() {
    const [topic, group] = [unique('t'), unique('service')];
    const names = { orders: unique('orders'), outbox: unique('outbox'), log: unique('log') };
    const tables = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, name.replaceAll('-', '_')]));
    const { database } = connection;
    const outbox = new OutboxTable(database, tables['outbox']!);
    await outbox.createTable();
    await new TransactionLog(database, tables['log']!).createTable();
    await database.query(`CREATE TABLE ${tables['orders']} (id integer PRIMARY KEY)`, []);
    const inbox = inboxOf(topic);
    const reader = await startApp({ namesrvAddr: cluster.namesrvAddr }, { providers: [inbox.Inbox] });
    const { namesrvAddr } = cluster;
    const start = (scenario: Scenario): Child =>
      new Child('outbox-program', {
        command: process.execPath,
        args: [
          program,
          JSON.stringify({ namesrvAddr, group, socket: server.socket, dialect, topic, tables, bad: [], ...scenario }),
        ],
      });
    const committed = async () =>
      ((await database.query(`SELECT id FROM ${tables['orders']} ORDER BY id`, [])) as { id: number }[]).map(
        ({ id }) => id,
      );
    /** Each message once, as it first came. */
    const delivered = (): number[] => {
      const first = new Map<string, number>();
      for (const { payload, context } of inbox.arrivals) {
        if (!first.has(context.getMessageId())) first.set(context.getMessageId(), (payload as { id: number }).id);
      }
      return [...first.values()];
    };
    return { start, committed, delivered, outbox, arrivals: inbox.arrivals, close: () => reader.close() };
  }

  const line = (child: Child, expected: string) =>
    child.race(
      waitFor(() => child.lines.includes(expected), { what: expected, timeoutMs: PATIENCE_MS }),
      PATIENCE_MS,
      expected,
    );

  it.each([
    ['before commit', []],
    ['after commit', [1]],
    ['claim', [1]],
    ['mark', [1]],
  ])('with an outbox, at: %s', async (stopAt, expected) => {
    const { start, committed, delivered, outbox, arrivals, close } = await stage();
    try {
      const victim = start({ how: 'outbox', orders: [1], relay: true, stopAt });
      await line(victim, `at ${stopAt}`);
      await victim.kill();
      // The server finds out that its client is gone.
      await waitFor(async () => (await outbox.status()).waiting === expected.length, {
        what: 'the rows that are left',
      });
      const successor = start({ how: 'outbox', orders: [2], relay: true });
      await waitFor(() => delivered().length === expected.length + 1, { what: 'the messages', timeoutMs: PATIENCE_MS });
      await waitFor(async () => (await outbox.status()).waiting === 0, { what: 'an empty table' });
      await successor.kill();
      expect(await committed()).toEqual([...expected, 2]);
      expect(delivered().sort()).toEqual([...expected, 2]);
      // Sent and not marked: it comes again, and is the same message.
      const ofVictim = arrivals.filter(({ payload }) => (payload as { id: number }).id === 1);
      expect(ofVictim.length).toBeGreaterThanOrEqual(stopAt === 'mark' ? 2 : expected.length);
    } finally {
      await close();
    }
  });

  it.each([
    ['before commit', []],
    ['after commit', [1]],
  ])('with a transactional message, at: %s', async (stopAt, expected) => {
    const { start, committed, delivered, close } = await stage();
    try {
      const victim = start({ how: 'transaction', orders: [1], relay: false, stopAt });
      await line(victim, `at ${stopAt}`);
      await victim.kill();
      // It answers the broker's question, after the time that a local transaction may take.
      const successor = start({ how: 'transaction', orders: [2], relay: false });
      const isAnswered = () => delivered().length === expected.length + 1;
      await waitFor(isAnswered, { what: 'the messages', timeoutMs: PATIENCE_MS });
      await line(successor, 'all made');
      await successor.kill();
      expect(await committed()).toEqual([...expected, 2]);
      expect(delivered().sort()).toEqual([...expected, 2]);
    } finally {
      await close();
    }
  });

  it('again and again, wherever it happens to be', async () => {
    const { start, committed, delivered, outbox, close } = await stage();
    try {
      const relay = start({ how: 'outbox', orders: [], relay: true });
      let next = 1;
      for (let life = 0; life < 6; life++) {
        const orders = Array.from({ length: 400 }, (_, i) => next + i);
        const bad = orders.filter((id) => id % 7 === 0);
        const victim = start({ how: 'outbox', orders, bad, relay: true });
        const last = orders[20 + life * 15]!;
        await line(victim, `made ${last}`);
        await victim.kill();
        next += orders.length;
      }
      await relay.kill();
      const successor = start({ how: 'outbox', orders: [], relay: true });
      await waitFor(async () => (await outbox.status()).waiting === 0, {
        what: 'an empty table',
        timeoutMs: PATIENCE_MS,
      });
      const expected = await committed();
      await waitFor(() => delivered().length >= expected.length, { what: 'the messages', timeoutMs: PATIENCE_MS });
      await successor.kill();
      expect(expected.filter((id) => id % 7 === 0)).toEqual([]);
      expect(delivered().sort((a, b) => a - b)).toEqual(expected);
      for (const key of [0, 1, 2]) {
        const own = delivered().filter((id) => id % 3 === key);
        expect(own).toEqual([...own].sort((a, b) => a - b));
      }
    } finally {
      await close();
    }
  });
});
