import type { SqlDialectName } from '../sql/database.js';
import type { SqlDialect } from '../sql/dialect.js';
import { SQL_DIALECTS } from '../sql/dialect.js';

/** What the SQL store says, in one dialect. Parameters are listed behind each statement. */
export interface SqlStatements {
  readonly createTable: string;
  /** Claims the key unless a live row has it: [id, owner, lockMs]. */
  readonly claim: string;
  /** [id] */
  readonly read: string;
  /** [ttlMs, id, owner] */
  readonly confirm: string;
  /** [lockMs, id, owner] */
  readonly extend: string;
  /** [id, owner] */
  readonly release: string;
  readonly purge: string;
}

/** What follows the row to insert, so that it takes the place of an expired one. */
const REPLACE_EXPIRED: Readonly<Record<SqlDialectName, (sql: SqlDialect) => string>> = {
  postgres: ({ now }) =>
    `ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, done = false, expires_at = excluded.expires_at
WHERE known.expires_at <= ${now}`,
  // Assignments see those before them: expires_at, which all of them ask for, comes last.
  mysql: ({ now }) => {
    const ifExpired = (column: string) => `${column} = IF(expires_at <= ${now}, VALUES(${column}), ${column})`;
    return `ON DUPLICATE KEY UPDATE ${['owner', 'done', 'expires_at'].map(ifExpired).join(', ')}`;
  },
};

/** @param table checked: it becomes part of the statements */
export function statementsFor(dialect: SqlDialectName, table: string): SqlStatements {
  const sql = SQL_DIALECTS[dialect];
  const { now, later, types } = sql;
  // MySQL knows no alias here, and needs none.
  const known = dialect === 'postgres' ? `${table} AS known` : table;
  return {
    createTable: `CREATE TABLE IF NOT EXISTS ${table} (
  id ${types.key} NOT NULL PRIMARY KEY,
  owner char(36) NOT NULL,
  done boolean NOT NULL,
  expires_at ${types.time} NOT NULL
)`,
    claim: sql.statement(
      `INSERT INTO ${known} (id, owner, done, expires_at) VALUES (?, ?, false, ${later})\n${REPLACE_EXPIRED[dialect](sql)}`,
    ),
    read: sql.statement(`SELECT owner, done FROM ${table} WHERE id = ?`),
    confirm: sql.statement(`UPDATE ${table} SET done = true, expires_at = ${later} WHERE id = ? AND owner = ?`),
    extend: sql.statement(`UPDATE ${table} SET expires_at = ${later} WHERE id = ? AND owner = ? AND NOT done`),
    release: sql.statement(`DELETE FROM ${table} WHERE id = ? AND owner = ? AND NOT done`),
    purge: sql.statement(`DELETE FROM ${table} WHERE expires_at <= ${now}`),
  };
}
