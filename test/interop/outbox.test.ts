// The outbox and transactional messages on the database servers and toolkits that people run.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster, unique } from '@rocketnest/testing';
import { type Knex, knex } from 'knex';
import { createPool, type Pool as MysqlPool } from 'mysql2/promise';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { knexDatabase } from '../../packages/nestjs/src/knex/index.js';
import { mysqlDatabase, pgDatabase, type SqlDatabase, sqlDatabase } from '../../packages/nestjs/src/sql/index.js';
import { typeOrmDatabase } from '../../packages/nestjs/src/typeorm/index.js';
import { describeOutbox, inboxOf, startWithOutbox } from '../../packages/nestjs/test/outbox/contract.js';
import { describeLateCommits, describeTransactions } from '../../packages/nestjs/test/transactions/contract.js';
import { type DatabaseServer, startMariaDb, startPostgres } from '../support/databases.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let postgres: DatabaseServer;
let mariadb: DatabaseServer;

beforeAll(async () => {
  [cluster, postgres, mariadb] = await Promise.all([
    startCluster({ broker: { transactionCheckInterval: 200, transactionTimeOut: 200, transactionCheckMax: 150 } }),
    startPostgres(),
    startMariaDb(),
  ]);
});
afterAll(async () => {
  await cluster?.close();
  await postgres?.close();
  await mariadb?.close();
});

interface Toolkit<Tx> {
  readonly database: SqlDatabase<Tx>;
  close(): Promise<unknown>;
}

function describeToolkit<Tx>(name: string, connect: () => Promise<Toolkit<Tx>> | Toolkit<Tx>): void {
  describe(name, () => {
    let toolkit: Toolkit<Tx>;
    beforeAll(async () => {
      toolkit = await connect();
    });
    afterAll(() => toolkit?.close());
    const open = () => toolkit.database;

    describe('outbox', () => {
      describeOutbox(open, () => cluster);
    });

    describe('transactional messages', () => {
      describeTransactions(open, () => cluster);
      describeLateCommits(open, () => cluster);
    });
  });
}

const postgresAt = () => ({ host: postgres.socket, user: 'postgres', database: 'postgres' });

function connectPg(): Toolkit<unknown> {
  const pool = new pg.Pool({ ...postgresAt(), max: 20 });
  return { database: pgDatabase(pool), close: () => pool.end() };
}

function connectMysql2(): Toolkit<unknown> & { readonly pool: MysqlPool } {
  const pool = createPool({ socketPath: mariadb.socket, user: 'root', database: 'test', connectionLimit: 20 });
  return { pool, database: mysqlDatabase(pool), close: () => pool.end() };
}

/** Statements that the server prepares are another protocol. */
function connectPreparedMysql2(): Toolkit<unknown> {
  const { pool, database, close } = connectMysql2();
  const prepared = sqlDatabase({
    dialect: 'mysql',
    query: async (sql, parameters) => (await pool.execute(sql, parameters as string[]))[0],
    transaction: (work) =>
      database.transaction((connection) =>
        work(async (sql, parameters) => (await (connection as MysqlPool).execute(sql, parameters as string[]))[0]),
      ),
  });
  return { database: prepared as SqlDatabase<unknown>, close };
}

async function connectTypeOrm(options: ConstructorParameters<typeof DataSource>[0]): Promise<Toolkit<EntityManager>> {
  const dataSource = await new DataSource(options).initialize();
  return { database: typeOrmDatabase(dataSource), close: () => dataSource.destroy() };
}

function connectKnex(config: Knex.Config): Toolkit<Knex.Transaction> {
  const instance = knex({ ...config, pool: { min: 0, max: 20 } });
  return { database: knexDatabase(instance), close: () => instance.destroy() };
}

describe('PostgreSQL', () => {
  describeToolkit('with pg', connectPg);
  describeToolkit('with TypeORM', () =>
    connectTypeOrm({ type: 'postgres', ...postgresAt(), username: 'postgres', poolSize: 20 }),
  );
  describeToolkit('with Knex', () => connectKnex({ client: 'pg', connection: postgresAt() }));
});

describe('MariaDB', () => {
  describeToolkit('with mysql2', connectMysql2);
  describeToolkit('with prepared statements of mysql2', connectPreparedMysql2);
  describeToolkit('with TypeORM', () =>
    connectTypeOrm({
      type: 'mysql',
      socketPath: mariadb.socket,
      username: 'root',
      database: 'test',
      poolSize: 20,
    }),
  );
  describeToolkit('with Knex', () =>
    connectKnex({ client: 'mysql2', connection: { socketPath: mariadb.socket, user: 'root', database: 'test' } }),
  );
});

describe('the transactions of a toolkit', () => {
  it('of TypeORM: managers, query runners, and savepoints wake the relay when all is committed', async () => {
    const dataSource = await new DataSource({ type: 'postgres', ...postgresAt(), username: 'postgres' }).initialize();
    try {
      const topic = unique('t');
      const { Inbox, payloads, reach } = inboxOf(topic);
      const database = typeOrmDatabase(dataSource);
      const table = unique('outbox').replaceAll('-', '_');
      const options = { database, table, createTable: true, pollInterval: '1h' } as const;
      await using app = await startWithOutbox(cluster, options, [Inbox]);
      await dataSource.transaction((manager) => app.outbox.add(manager, topic, 'manager'));
      await reach(1);
      const runner = dataSource.createQueryRunner();
      await runner.startTransaction();
      await app.outbox.add(runner.manager, topic, 'runner');
      await runner.commitTransaction();
      await runner.release();
      await reach(2);
      await dataSource.transaction(async (outer) => {
        await outer.transaction((inner) => app.outbox.add(inner, topic, 'savepoint'));
        await expect(
          outer.transaction(async (inner) => {
            await app.outbox.add(inner, topic, 'rolled back');
            throw new Error('no');
          }),
        ).rejects.toThrow('no');
      });
      await reach(3);
      await app.outbox.add(dataSource.manager, topic, 'no transaction');
      await reach(4);
      expect(payloads()).toEqual(['manager', 'runner', 'savepoint', 'no transaction']);
    } finally {
      await dataSource.destroy();
    }
  });

  it('of Knex: those with a callback, without one, and savepoints wake the relay when all is committed', async () => {
    const db = knex({ client: 'pg', connection: postgresAt() });
    try {
      const topic = unique('t');
      const { Inbox, payloads, reach } = inboxOf(topic);
      const database = knexDatabase(db);
      const table = unique('outbox').replaceAll('-', '_');
      const options = { database, table, createTable: true, pollInterval: '1h' } as const;
      await using app = await startWithOutbox(cluster, options, [Inbox]);
      await db.transaction((tx) => app.outbox.add(tx, topic, 'callback'));
      await reach(1);
      const tx = await db.transaction();
      await app.outbox.add(tx, topic, 'none');
      await tx.commit();
      await reach(2);
      await db.transaction(async (outer) => {
        await outer.transaction((inner) => app.outbox.add(inner, topic, 'savepoint'));
      });
      await reach(3);
      expect(payloads()).toEqual(['callback', 'none', 'savepoint']);
    } finally {
      await db.destroy();
    }
  });

  it('of other databases are refused by name', async () => {
    const sqlite = { options: { type: 'better-sqlite3' } } as never;
    expect(() => typeOrmDatabase(sqlite)).toThrow(/of type postgres, .*, got 'better-sqlite3'/);
    expect(() => knexDatabase({ client: { dialect: 'sqlite3' } } as never)).toThrow(/one of the dialect 'sqlite3'/);
  });
});
