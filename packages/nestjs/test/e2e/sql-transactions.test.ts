import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pgDatabase } from '../../src/sql/index.js';
import { RocketMQTransactionsModule } from '../../src/transactions/index.js';
import { describeTransactions } from '../transactions/contract.js';
import { at, startApp } from './app.js';
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

describe('transactional messages with Postgres', () => {
  describeTransactions(
    () => pgDatabase(db),
    () => cluster,
  );

  it('need a producer group, and say so at start-up', async () => {
    const imports = [RocketMQTransactionsModule.forRoot({ database: pgDatabase(db) })];
    await expect(startApp(at(cluster), { imports })).rejects.toThrow(/Set producer: \{ group: 'my-service' \}/);
  });
});
