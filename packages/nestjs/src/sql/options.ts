import { ConfigurationError } from '@rocketnest/client';
import type { CheckTable } from '../checks.js';
import { checkOptions, must } from '../checks.js';
import { parseDuration } from '../duration.js';
import type { SqlDatabase } from './database.js';
import { checkTable } from './database.js';

/** What everything that keeps a table in the application's database is told. */
export interface SqlTableOptions<Tx> {
  /** Made by `typeOrmDatabase`, `knexDatabase`, `pgDatabase`, `mysqlDatabase` or `sqlDatabase`. */
  readonly database: SqlDatabase<Tx>;
  /** A schema may stand before it. */
  readonly table?: string;
  /** Create the table at start-up unless it is there. Default false: a migration does, with `schema`. */
  readonly createTable?: boolean;
}

/** Milliseconds, or text that `parseDuration` reads. */
export const aDuration = must.be("milliseconds or text like '90s', '15m', '1d'", (value) => {
  try {
    return (typeof value === 'string' || typeof value === 'number') && parseDuration(value) >= 0;
  } catch {
    return false;
  }
});

const rows: CheckTable = {
  database: must.beObjectWith('query', 'queryIn', 'transaction', 'onCommit'),
  table: must.beText,
  createTable: must.beBoolean,
};

/**
 * @param path how the options were given, for error messages
 * @param more rows of the options beyond those of `SqlTableOptions`
 * @throws ConfigurationError naming the path of the bad key
 */
export function checkTableOptions<Tx>(
  path: string,
  options: SqlTableOptions<Tx>,
  more: CheckTable,
  defaultTable: string,
): Required<SqlTableOptions<Tx>> {
  checkOptions(path, options, { ...rows, ...more });
  const { database, createTable = false } = options;
  if (database === undefined) {
    throw new ConfigurationError(`${path}.database is missing. Give it typeOrmDatabase(dataSource), or the like.`);
  }
  return { database, createTable, table: checkTable(path, options.table ?? defaultTable) };
}
