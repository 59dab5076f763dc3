import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { SqlDatabase, SqlDialectName, SqlQuery } from '../sql/database.js';

/** A Knex instance or transaction, and what is used of it. */
export interface KnexSession {
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<unknown>;
}

/** A Knex transaction. */
interface KnexTransaction extends KnexSession {
  /** Resolves when it is committed. */
  readonly executionPromise?: Promise<unknown> | undefined;
  /** Of a savepoint. */
  readonly parentTransaction?: KnexTransaction | undefined;
}

/** A Knex instance. */
export interface KnexLike<Tx extends KnexSession> extends KnexSession {
  readonly client: { readonly dialect?: string };
  transaction(work: (tx: Tx) => Promise<unknown>): Promise<unknown>;
}

const DIALECTS: Readonly<Record<string, SqlDialectName>> = {
  postgresql: 'postgres',
  mysql: 'mysql',
};

/**
 * The database behind a Knex instance; a transaction is Knex's.
 * @throws ConfigurationError when it is neither PostgreSQL nor MySQL or MariaDB
 */
export function knexDatabase<Tx extends KnexSession>(knex: KnexLike<Tx>): SqlDatabase<Tx> {
  const name = knex.client.dialect ?? '';
  const dialect = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined;
  if (dialect === undefined) {
    throw new ConfigurationError(
      `knexDatabase takes a Knex instance of the clients pg or mysql2, got one of the dialect ${show(name)}.`,
    );
  }
  const queryIn = (session: KnexSession): SqlQuery => queryOf(session, dialect);
  return {
    dialect,
    query: queryIn(knex),
    queryIn,
    transaction: async <R>(work: (tx: Tx) => Promise<R>) => (await knex.transaction(work)) as R,
    onCommit: (tx, listener) => {
      let outermost: KnexTransaction = tx;
      while (outermost.parentTransaction !== undefined) outermost = outermost.parentTransaction;
      outermost.executionPromise?.then(listener, () => undefined);
      return outermost.executionPromise !== undefined;
    },
  };
}

/** Knex writes `?` for every database, and gives back what the driver does. */
function queryOf(session: KnexSession, dialect: SqlDialectName): SqlQuery {
  if (dialect === 'mysql') return async (sql, parameters) => ((await session.raw(sql, parameters)) as [unknown])[0];
  return async (sql, parameters) => {
    const bindings: unknown[] = [];
    const text = sql.replace(/\$(\d+)/g, (_, number) => {
      bindings.push(parameters[Number(number) - 1]);
      return '?';
    });
    return ((await session.raw(text, bindings)) as { readonly rows: unknown }).rows;
  };
}
