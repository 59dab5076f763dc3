import type { SqlDialectName, SqlQuery } from './database.js';
import { rowsOf } from './database.js';

/** What differs between databases. Times are the database's: the clocks of processes differ. */
export interface SqlDialect {
  /** The statement's time, or later. */
  readonly now: string;
  /** `now` plus `?` milliseconds. */
  readonly later: string;
  /** `now` minus `?` milliseconds. */
  readonly earlier: string;
  readonly types: {
    readonly autoId: string;
    /** Up to 255 bytes, compared byte by byte. */
    readonly key: string;
    readonly bytes: string;
    readonly text: string;
    readonly time: string;
  };
  /** What follows the columns of CREATE TABLE. */
  readonly tableOptions: string;
  /** `INSERT …` that does nothing where the key `id` exists: stands behind the values. */
  readonly unlessKnown: string;
  /** Milliseconds from a time in the past until now. */
  msSince(time: string): string;
  /** The statement with the database's marks in the place of `?`. */
  statement(sql: string): string;
}

export const SQL_DIALECTS: Readonly<Record<SqlDialectName, SqlDialect>> = {
  postgres: {
    now: 'clock_timestamp()',
    later: "clock_timestamp() + ? * interval '1 millisecond'",
    earlier: "clock_timestamp() - ? * interval '1 millisecond'",
    types: {
      autoId: 'bigserial PRIMARY KEY',
      key: 'varchar(255)',
      bytes: 'bytea',
      text: 'text',
      time: 'timestamptz',
    },
    tableOptions: '',
    unlessKnown: 'ON CONFLICT (id) DO NOTHING',
    msSince: (time) => `EXTRACT(EPOCH FROM (clock_timestamp() - ${time})) * 1000`,
    statement: (sql) => {
      let mark = 0;
      return sql.replace(/\?/g, () => `$${++mark}`);
    },
  },
  mysql: {
    now: 'UTC_TIMESTAMP(3)',
    later: 'UTC_TIMESTAMP(3) + INTERVAL ? * 1000 MICROSECOND',
    earlier: 'UTC_TIMESTAMP(3) - INTERVAL ? * 1000 MICROSECOND',
    types: {
      autoId: 'bigint NOT NULL AUTO_INCREMENT PRIMARY KEY',
      // Text would be compared without regard to case and to spaces at its end.
      key: 'varbinary(255)',
      bytes: 'longblob',
      text: 'longtext',
      time: 'datetime(3)',
    },
    tableOptions: ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
    unlessKnown: 'ON DUPLICATE KEY UPDATE id = id',
    msSince: (time) => `TIMESTAMPDIFF(MICROSECOND, ${time}, UTC_TIMESTAMP(3)) / 1000`,
    statement: (sql) => sql,
  },
};

/** `?, ?, ?` */
export const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/**
 * Several instances that start at once may all find that there is no table: all but one of them fail, and find it the second time.
 */
export async function createTables(query: SqlQuery, schema: readonly string[]): Promise<void> {
  const create = async () => {
    for (const statement of schema) await query(statement, []);
  };
  await create().catch(create);
}

/** Rows that are deleted by one statement: a long one would hold locks that others wait for. */
const PURGE_BATCH = 1_000;

/** Deletes the rows that meet a condition. */
export async function deleteInBatches(
  query: SqlQuery,
  dialect: SqlDialect,
  { table, where, parameters }: { readonly table: string; readonly where: string; readonly parameters: unknown[] },
): Promise<void> {
  for (;;) {
    const found = dialect.statement(`SELECT id FROM ${table} WHERE ${where} LIMIT ${PURGE_BATCH}`);
    const ids = rowsOf(await query(found, [...parameters])).map(({ id }) => id);
    if (ids.length === 0) return;
    await query(dialect.statement(`DELETE FROM ${table} WHERE id IN (${marks(ids)})`), ids);
    if (ids.length < PURGE_BATCH) return;
  }
}
