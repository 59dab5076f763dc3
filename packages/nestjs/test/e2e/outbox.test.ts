import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { pgDatabase } from '../../src/sql/index.js';
import { describeOutbox } from '../outbox/contract.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
let db: PGlite;
beforeAll(async () => {
  [cluster, db] = await Promise.all([startCluster(), PGlite.create()]);
});
afterAll(async () => {
  await cluster.close();
  await db.close();
});

describe('an outbox in Postgres', () => {
  describeOutbox(
    () => pgDatabase(db),
    () => cluster,
  );
});
