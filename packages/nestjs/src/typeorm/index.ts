export { type TypeOrmDataSource, type TypeOrmManager, typeOrmDatabase } from './typeorm-database.js';
