import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';

/** Runs one statement; resolves to the rows of a SELECT. What it resolves to for other statements does not matter. */
export type SqlQuery = (sql: string, parameters: unknown[]) => Promise<unknown>;

/** `mysql` is MariaDB's, too. */
export type SqlDialectName = 'postgres' | 'mysql';

/**
 * The application's database as the outbox and transactional messages need it. `typeOrmDatabase`, `knexDatabase`, `pgDatabase`,
 * `mysqlDatabase` and `sqlDatabase` make one.
 */
export interface SqlDatabase<Tx = SqlQuery> {
  readonly dialect: SqlDialectName;
  /** Runs a statement outside of the application's transactions. Parameters are `$1` or `?`, as the dialect has them. */
  readonly query: SqlQuery;
  /** Runs statements inside `tx`, an open transaction of the application. */
  queryIn(tx: Tx): SqlQuery;
  /** Runs `work` in a new transaction, which is committed when it resolves and rolled back when it rejects. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** Has `listener` called after `tx` is committed. False: nothing tells about that transaction's end. */
  onCommit(tx: Tx, listener: () => void): boolean;
}

export interface SqlDatabaseOptions<Tx extends SqlQuery = SqlQuery> {
  readonly dialect: SqlDialectName;
  /** Runs a statement outside of transactions. */
  readonly query: SqlQuery;
  /** Runs `work` in a transaction. Needed by transactional messages; the outbox does without. */
  readonly transaction?: (work: (tx: Tx) => Promise<unknown>) => Promise<unknown>;
}

/**
 * A database behind functions: a transaction is a function that runs statements in it.
 *
 * ```ts
 * sqlDatabase({
 *   dialect: 'postgres',
 *   query: async (sql, parameters) => (await db.query(sql, parameters)).rows,
 *   transaction: (work) => db.transaction((tx) => work(async (sql, parameters) => (await tx.query(sql, parameters)).rows)),
 * })
 * ```
 *
 * @throws ConfigurationError naming the bad option
 */
export function sqlDatabase<Tx extends SqlQuery = SqlQuery>(options: SqlDatabaseOptions<Tx>): SqlDatabase<Tx> {
  const { dialect, query, transaction } = options;
  checkQuery('sqlDatabase', dialect, query);
  const commits = new CommitListeners();
  return {
    dialect,
    query,
    queryIn: (tx) => tx,
    onCommit: (tx, listener) => commits.add(tx, listener),
    transaction: async <R>(work: (tx: Tx) => Promise<R>): Promise<R> => {
      if (transaction === undefined) {
        throw new ConfigurationError('sqlDatabase was given no `transaction`. Give it one: (work) => a promise.');
      }
      return commits.around(async (opened) => (await transaction((tx) => work(opened(tx)))) as R);
    },
  };
}

/** Tells those who ask when a transaction that was opened through `around` is committed. */
export class CommitListeners {
  readonly #open = new WeakMap<object, Set<() => void>>();

  /** @param run opens a transaction, says so with `opened`, and resolves when it is committed */
  async around<R>(run: (opened: <Tx extends object>(tx: Tx) => Tx) => Promise<R>): Promise<R> {
    const listeners = new Set<() => void>();
    const result = await run((tx) => {
      this.#open.set(tx, listeners);
      return tx;
    });
    for (const listener of listeners) listener();
    return result;
  }

  /** Whether the listener will be called. */
  add(tx: object, listener: () => void): boolean {
    return this.#open.get(tx)?.add(listener) !== undefined;
  }
}

/** @throws ConfigurationError unless `result` is what a SELECT finds */
export function rowsOf(result: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(result) && result.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))) {
    return result;
  }
  throw new ConfigurationError(
    'query must resolve to the array of rows that a SELECT finds, and it resolved to something else. docs/nestjs/transactions.md has what each driver needs.',
  );
}

/** @throws ConfigurationError for another dialect, or when `query` is no function */
export function checkQuery(owner: string, dialect: unknown, query: unknown): void {
  if (dialect !== 'postgres' && dialect !== 'mysql') {
    throw new ConfigurationError(`${owner}: dialect must be 'postgres' or 'mysql', got ${show(dialect)}.`);
  }
  if (typeof query !== 'function') {
    throw new ConfigurationError(`${owner}: query must be a function (sql, parameters) => rows, got ${show(query)}.`);
  }
}

/** @throws ConfigurationError for a name that would have to be quoted */
export function checkTable(owner: string, table: unknown): string {
  if (typeof table === 'string' && /^(?:[a-z_]\w*\.)?[a-z_]\w*$/i.test(table)) return table;
  throw new ConfigurationError(
    `${owner}: table must be letters, digits and underscores, perhaps with a schema ('app.handled'), got ${show(table)}.`,
  );
}
