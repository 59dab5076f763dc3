import type { SqlDatabase, SqlQuery } from './database.js';
import { CommitListeners } from './database.js';

/** What a client or a transaction of pg or PGlite has. */
export interface PgSession {
  query(sql: string, parameters?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** `new Pool()` of pg. */
export interface PgPool<Client extends PgSession> extends PgSession {
  connect(): Promise<Client & { release(error?: boolean): void }>;
}

/** `PGlite.create()` of @electric-sql/pglite. */
export interface PgliteLike<Client extends PgSession> extends PgSession {
  transaction(work: (tx: Client) => Promise<unknown>): Promise<unknown>;
}

const pgQuery =
  (session: PgSession): SqlQuery =>
  async (sql, parameters) =>
    (await session.query(sql, parameters)).rows;

/** PostgreSQL through a pool of pg, or PGlite. A transaction is a client on which BEGIN was called. */
export function pgDatabase<Client extends PgSession = PgSession>(
  pool: PgPool<Client> | PgliteLike<Client>,
): SqlDatabase<PgSession> {
  const commits = new CommitListeners();
  const transaction = <R>(work: (tx: PgSession) => Promise<R>): Promise<R> =>
    commits.around(async (opened) => {
      const run = (tx: PgSession): Promise<R> => work(opened(tx));
      return (await ('connect' in pool ? onClient(pool, run) : pool.transaction(run))) as R;
    });
  return {
    dialect: 'postgres',
    query: pgQuery(pool),
    queryIn: pgQuery,
    transaction,
    onCommit: (tx, listener) => commits.add(tx, listener),
  };
}

async function onClient<R>(pool: PgPool<PgSession>, run: (tx: PgSession) => Promise<R>): Promise<R> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    await client.query('BEGIN');
    const result = await run(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/** What a connection of mysql2/promise has. */
export interface MysqlSession {
  query(sql: string, parameters?: unknown[]): Promise<readonly [unknown, unknown]>;
}

export interface MysqlConnection extends MysqlSession {
  beginTransaction(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  release(): void;
  destroy(): void;
}

/** `createPool()` of mysql2/promise. */
export interface MysqlPool extends MysqlSession {
  getConnection(): Promise<MysqlConnection>;
}

const mysqlQuery =
  (session: MysqlSession): SqlQuery =>
  async (sql, parameters) =>
    (await session.query(sql, parameters))[0];

/** MySQL or MariaDB through a pool of mysql2/promise. A transaction is a connection on which beginTransaction was called. */
export function mysqlDatabase(pool: MysqlPool): SqlDatabase<MysqlSession> {
  const commits = new CommitListeners();
  return {
    dialect: 'mysql',
    query: mysqlQuery(pool),
    queryIn: mysqlQuery,
    transaction: (work) => commits.around((opened) => onConnection(pool, (tx) => work(opened(tx)))),
    onCommit: (tx, listener) => commits.add(tx, listener),
  };
}

async function onConnection<R>(pool: MysqlPool, run: (tx: MysqlSession) => Promise<R>): Promise<R> {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    const result = await run(connection);
    await connection.commit();
    connection.release();
    return result;
  } catch (error) {
    await connection.rollback().then(
      () => connection.release(),
      () => connection.destroy(),
    );
    throw error;
  }
}
