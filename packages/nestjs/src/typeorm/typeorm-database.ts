import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { SqlDatabase, SqlDialectName } from '../sql/database.js';

/** An EntityManager, and what is used of it. Its transaction is the one of its query runner. */
export interface TypeOrmManager {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
  readonly queryRunner?: object | undefined;
}

/** A DataSource, and what is used of it. */
export interface TypeOrmDataSource<Manager extends TypeOrmManager> {
  readonly options: { readonly type: string };
  readonly manager: Manager;
  readonly subscribers: object[];
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
  transaction(work: (manager: NoInfer<Manager>) => Promise<unknown>): Promise<unknown>;
}

/** What TypeORM tells a subscriber. */
interface TransactionEvent {
  readonly queryRunner: { readonly isTransactionActive: boolean };
}

const DIALECTS: Readonly<Record<string, SqlDialectName>> = {
  postgres: 'postgres',
  'aurora-postgres': 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  'aurora-mysql': 'mysql',
};

/**
 * The database behind a DataSource of TypeORM; a transaction is its EntityManager.
 * @throws ConfigurationError when it is neither PostgreSQL nor MySQL or MariaDB
 */
export function typeOrmDatabase<Manager extends TypeOrmManager>(
  dataSource: TypeOrmDataSource<Manager>,
): SqlDatabase<Manager> {
  const { type } = dataSource.options;
  const dialect = Object.hasOwn(DIALECTS, type) ? DIALECTS[type] : undefined;
  if (dialect === undefined) {
    throw new ConfigurationError(
      `typeOrmDatabase takes a DataSource of type ${Object.keys(DIALECTS).join(', ')}, got ${show(type)}.`,
    );
  }
  const commits = new CommitSubscriber();
  return {
    dialect,
    query: (sql, parameters) => dataSource.query(sql, parameters),
    queryIn: (manager) => (sql, parameters) => manager.query(sql, parameters),
    transaction: async <R>(work: (manager: Manager) => Promise<R>) => (await dataSource.transaction(work)) as R,
    onCommit: (manager, listener) => {
      if (!dataSource.subscribers.includes(commits)) dataSource.subscribers.push(commits);
      return commits.add(manager, listener);
    },
  };
}

/** Hears of the end of every transaction of its DataSource, as TypeORM's EntitySubscriberInterface has it. */
class CommitSubscriber {
  readonly #listeners = new WeakMap<object, Set<() => void>>();

  /** @param session a manager, or a query runner: both have queries, and people have either */
  add(session: TypeOrmManager, listener: () => void): boolean {
    const runner = 'isTransactionActive' in session ? session : session.queryRunner;
    // A manager outside of transactions has no runner.
    if ((runner as Partial<TransactionEvent['queryRunner']> | undefined)?.isTransactionActive !== true) return false;
    const listeners = this.#listeners.get(runner!) ?? new Set();
    this.#listeners.set(runner!, listeners.add(listener));
    return true;
  }

  afterTransactionCommit({ queryRunner }: TransactionEvent): void {
    // Still active: that was a savepoint.
    if (queryRunner.isTransactionActive) return;
    const listeners = this.#listeners.get(queryRunner);
    this.#listeners.delete(queryRunner);
    for (const listener of listeners ?? []) listener();
  }

  afterTransactionRollback({ queryRunner }: TransactionEvent): void {
    if (!queryRunner.isTransactionActive) this.#listeners.delete(queryRunner);
  }
}
