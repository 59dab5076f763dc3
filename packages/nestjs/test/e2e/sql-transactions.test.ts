import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RocketMQFakeConnection, RocketMQTestingModule } from '../../src/testing/index.js';
import {
  type PgSession,
  pgDatabase,
  RocketMQTransactions,
  RocketMQTransactionsModule,
} from '../../src/transactions/index.js';
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

  it('work with the fake, too', async () => {
    const options = { database: pgDatabase(db), createTable: true };
    const imports = [RocketMQTransactionsModule.forRoot(options)];
    await using app = await startApp([RocketMQTestingModule.fake()], { imports });
    const transactions = app.get<RocketMQTransactions<PgSession>>(RocketMQTransactions as never);
    const fake = app.get(RocketMQFakeConnection);
    const result = await transactions.send('order:paid', { id: 7 }, async () => 'value');
    expect(result.value).toBe('value');
    const failing = transactions.send('order:paid', { id: 8 }, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(fake.sent().map(({ payload }) => payload)).toEqual([{ id: 7 }]);
  });

  it('need a producer group, and say so at start-up', async () => {
    const imports = [RocketMQTransactionsModule.forRoot({ database: pgDatabase(db) })];
    await expect(startApp(at(cluster), { imports })).rejects.toThrow(/Set producer: \{ group: 'my-service' \}/);
  });
});
