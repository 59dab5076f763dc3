import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@rocketnest/client';
import type { SqlDialectName, SqlQuery } from '../sql/database.js';
import { checkQuery, checkTable } from '../sql/database.js';
import type { SqlStatements } from './sql-statements.js';
import { statementsFor } from './sql-statements.js';
import type { IdempotencyAnswer, IdempotencyTimes } from './store.js';
import { IdempotencyStore } from './store.js';

export interface SqlIdempotencyOptions {
  /** `mysql` is MariaDB's, too. */
  readonly dialect: SqlDialectName;
  /**
   * Runs a statement outside of any transaction. By the database's driver:
   *
   * ```ts
   * query: async (sql, parameters) => (await pool.query(sql, parameters)).rows // pg, PGlite
   * query: async (sql, parameters) => (await pool.query(sql, parameters))[0] // mysql2/promise
   * query: (sql, parameters) => dataSource.query(sql, parameters) // TypeORM
   * ```
   */
  readonly query: SqlQuery;
  /** Default `rocketmq_idempotency`. Letters, digits and underscores; a schema may stand before it: `app.handled`. */
  readonly table?: string;
}

/** Keys in a table with a primary key, which lets one of several inserts win. Works on PostgreSQL, MySQL and MariaDB. */
export class SqlIdempotencyStore extends IdempotencyStore {
  readonly #query: SqlQuery;
  readonly #sql: SqlStatements;

  /** @throws ConfigurationError on an unknown dialect, or a table name that would have to be quoted */
  constructor({ dialect, query, table = 'rocketmq_idempotency' }: SqlIdempotencyOptions) {
    super();
    checkQuery('SqlIdempotencyStore', dialect, query);
    this.#sql = statementsFor(dialect, checkTable('SqlIdempotencyStore', table));
    this.#query = query;
  }

  /** The table's definition, for migrations. */
  get schema(): string {
    return this.#sql.createTable;
  }

  /** Creates the table unless it exists. */
  async createTable(): Promise<void> {
    await this.#query(this.#sql.createTable, []);
  }

  /** Deletes what has expired. Nothing else does: call it now and then, from one process. */
  async purge(): Promise<void> {
    await this.#query(this.#sql.purge, []);
  }

  async begin(key: string, { lockMs, ttlMs }: IdempotencyTimes): Promise<IdempotencyAnswer> {
    const [run, sql, owner] = [this.#query, this.#sql, randomUUID()];
    await run(sql.claim, [key, owner, lockMs]);
    const [row] = rowsOf(await run(sql.read, [key]));
    if (row?.owner !== owner) return row?.done ? 'done' : 'busy';
    return {
      confirm: async () => void (await run(sql.confirm, [ttlMs, key, owner])),
      release: async () => void (await run(sql.release, [key, owner])),
      extend: async () => void (await run(sql.extend, [lockMs, key, owner])),
    };
  }
}

interface Row {
  readonly owner: string;
  readonly done: unknown;
}

function rowsOf(result: unknown): readonly Row[] {
  if (Array.isArray(result) && (result.length === 0 || typeof (result[0] as Partial<Row>).owner === 'string')) {
    return result as Row[];
  }
  throw new ConfigurationError(
    'SqlIdempotencyStore: query must resolve to the array of rows that a SELECT finds, and it resolved to something else. See SqlIdempotencyOptions.query for what each driver needs.',
  );
}
