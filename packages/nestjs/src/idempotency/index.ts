export type { SqlDialectName, SqlQuery } from '../sql/database.js';
export { type CombinedIdempotencyOptions, CombinedIdempotencyStore } from './combined-store.js';
export { Idempotent, type IdempotentOptions } from './idempotent.js';
export type { IdempotencyKey } from './keys.js';
export { MemoryIdempotencyStore } from './memory-store.js';
export {
  type RedisClient,
  type RedisCommand,
  type RedisIdempotencyOptions,
  RedisIdempotencyStore,
} from './redis-store.js';
export { type SqlIdempotencyOptions, SqlIdempotencyStore } from './sql-store.js';
export {
  type IdempotencyAnswer,
  type IdempotencyClaim,
  IdempotencyStore,
  type IdempotencyTimes,
} from './store.js';
