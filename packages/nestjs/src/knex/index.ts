export { type KnexLike, type KnexSession, knexDatabase } from './knex-database.js';
