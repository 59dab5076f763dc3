import type { SqlDialectName } from '../sql/database.js';

/** What the SQL store says, in one dialect. Parameters are listed behind each statement. */
export interface SqlDialect {
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

/** Times are the database's: the clocks of processes differ. */
export const SQL_DIALECTS: Readonly<Record<SqlDialectName, (table: string) => SqlDialect>> = {
  postgres: (table) => {
    const later = (parameter: string) => `clock_timestamp() + ${parameter} * interval '1 millisecond'`;
    return {
      createTable: `CREATE TABLE IF NOT EXISTS ${table} (
  id varchar(255) PRIMARY KEY,
  owner char(36) NOT NULL,
  done boolean NOT NULL,
  expires_at timestamptz NOT NULL
)`,
      claim: `INSERT INTO ${table} AS known (id, owner, done, expires_at) VALUES ($1, $2, false, ${later('$3')})
ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, done = false, expires_at = excluded.expires_at
WHERE known.expires_at <= clock_timestamp()`,
      read: `SELECT owner, done FROM ${table} WHERE id = $1`,
      confirm: `UPDATE ${table} SET done = true, expires_at = ${later('$1')} WHERE id = $2 AND owner = $3`,
      extend: `UPDATE ${table} SET expires_at = ${later('$1')} WHERE id = $2 AND owner = $3 AND NOT done`,
      release: `DELETE FROM ${table} WHERE id = $1 AND owner = $2 AND NOT done`,
      purge: `DELETE FROM ${table} WHERE expires_at <= clock_timestamp()`,
    };
  },
  mysql: (table) => {
    const later = 'UTC_TIMESTAMP(3) + INTERVAL ? * 1000 MICROSECOND';
    const ifExpired = (column: string) =>
      `${column} = IF(expires_at <= UTC_TIMESTAMP(3), VALUES(${column}), ${column})`;
    return {
      // Binary, because text would be compared without regard to case and to spaces at its end.
      createTable: `CREATE TABLE IF NOT EXISTS ${table} (
  id varbinary(255) NOT NULL PRIMARY KEY,
  owner char(36) NOT NULL,
  done boolean NOT NULL,
  expires_at datetime(3) NOT NULL
)`,
      // Assignments see those before them: expires_at, which all of them ask for, comes last.
      claim: `INSERT INTO ${table} (id, owner, done, expires_at) VALUES (?, ?, false, ${later})
ON DUPLICATE KEY UPDATE ${ifExpired('owner')}, ${ifExpired('done')}, ${ifExpired('expires_at')}`,
      read: `SELECT owner, done FROM ${table} WHERE id = ?`,
      confirm: `UPDATE ${table} SET done = true, expires_at = ${later} WHERE id = ? AND owner = ?`,
      extend: `UPDATE ${table} SET expires_at = ${later} WHERE id = ? AND owner = ? AND NOT done`,
      release: `DELETE FROM ${table} WHERE id = ? AND owner = ? AND NOT done`,
      purge: `DELETE FROM ${table} WHERE expires_at <= UTC_TIMESTAMP(3)`,
    };
  },
};
