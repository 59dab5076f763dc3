export {
  type SqlDatabase,
  type SqlDatabaseOptions,
  type SqlDialectName,
  type SqlQuery,
  sqlDatabase,
} from './database.js';
export {
  type MysqlConnection,
  type MysqlPool,
  type MysqlSession,
  mysqlDatabase,
  type PgliteLike,
  type PgPool,
  type PgSession,
  pgDatabase,
} from './drivers.js';
