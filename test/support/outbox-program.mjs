// A service that writes to a database and sends messages, for tests that kill it. Runs what was built: node outbox-program.mjs '<JSON>'
// with namesrvAddr, group, socket (of Postgres or MariaDB), dialect, topic, tables (orders, outbox, log), how ('outbox' or 'transaction'),
// orders (ids to make, one transaction each; `bad` ones roll back), relay (whether it sends) and stopAt: where it stops for ever, having
// said `at <place>`, to be killed there.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RocketMQModule } from '@rocketnest/nestjs';
import { RocketMQOutbox, RocketMQOutboxModule } from '@rocketnest/nestjs/outbox';
import { mysqlDatabase, pgDatabase } from '@rocketnest/nestjs/sql';
import { RocketMQTransactions, RocketMQTransactionsModule } from '@rocketnest/nestjs/transactions';
import { createPool } from 'mysql2/promise';
import pg from 'pg';

const { namesrvAddr, group, socket, dialect, topic, tables, how, orders, bad, relay, stopAt } = JSON.parse(
  process.argv[2],
);
const print = (line) => process.stdout.write(`${line}\n`);
const stop = (place) => {
  print(`at ${place}`);
  return new Promise(() => undefined);
};

const real =
  dialect === 'postgres'
    ? pgDatabase(new pg.Pool({ host: socket, user: 'postgres', database: 'postgres' }))
    : mysqlDatabase(createPool({ socketPath: socket, user: 'root', database: 'test' }));

/** The database, in which time stops at one of the moments that matter. */
const database = {
  ...real,
  async query(sql, parameters) {
    if (stopAt === 'mark' && sql.startsWith('DELETE')) await stop('mark');
    const result = await real.query(sql, parameters);
    const isClaim = /^(WITH free|SELECT id, message_id)/.test(sql) && result.length > 0;
    if (stopAt === 'claim' && isClaim) await stop('claim');
    return result;
  },
  async transaction(work) {
    const result = await real.transaction(async (tx) => {
      const value = await work(tx);
      if (stopAt === 'before commit') await stop('before commit');
      return value;
    });
    if (stopAt === 'after commit') await stop('after commit');
    return result;
  },
};

class AppModule {}
Module({
  imports: [
    RocketMQModule.forRoot({
      namesrvAddr,
      producer: { group },
      client: { pollNameServerIntervalMs: 50, heartbeatBrokerIntervalMs: 200 },
      logger: { log: () => {}, warn: (line) => print(`warn ${line}`), error: (line) => print(`error ${line}`) },
    }),
    RocketMQOutboxModule.forRoot({ database, table: tables.outbox, relay, lease: '1s', pollInterval: 50 }),
    RocketMQTransactionsModule.forRoot({ database, table: tables.log, timeout: '1s' }),
  ],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const [outbox, transactions] = [app.get(RocketMQOutbox), app.get(RocketMQTransactions)];

async function make(id) {
  const insert = (tx) => real.queryIn(tx)(`INSERT INTO ${tables.orders} (id) VALUES (${id})`, []);
  const fail = () => {
    if (bad.includes(id)) throw new Error('rolled back');
  };
  if (how === 'transaction') {
    await transactions.send(topic, { id }, async (tx) => {
      await insert(tx);
      fail();
    });
  } else {
    await database.transaction(async (tx) => {
      await insert(tx);
      await outbox.add(tx, topic, { id }, { shardingKey: `k${id % 3}` });
      fail();
    });
  }
}

print('ready');
for (const id of orders) {
  await make(id).catch((error) => print(`failed ${id} ${error.message}`));
  print(`made ${id}`);
}
print('all made');
