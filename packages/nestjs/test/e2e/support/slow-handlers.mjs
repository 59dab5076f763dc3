// An application with slow handlers, for tests that end it by SIGTERM. Runs what was built: node slow-handlers.mjs '<JSON>' with
// namesrvAddr, topic, group, handlerMs (how long handlers take after SIGTERM; -1: forever), shutdownTimeoutMs and format: 'cjs' loads
// everything with require(), 'esm' with import().
// Prints the version of Nest, `started N` as handlers start, `done <body>` as they end, `database closed` when its module is
// destroyed, and its log.
import { createRequire } from 'node:module';

const { namesrvAddr, topic, group, handlerMs, shutdownTimeoutMs, format } = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const load = format === 'cjs' ? require : (name) => import(name);
await load('reflect-metadata');
const { Module } = await load('@nestjs/common');
const { NestFactory } = await load('@nestjs/core');
const { RocketMQMessageListener, RocketMQModule } = await load('@rocketnest/nestjs');

const print = (line) => process.stdout.write(`${line}\n`);
print(`Nest ${require('@nestjs/core/package.json').version}`);

let terminate;
const terminated = new Promise((resolve) => {
  terminate = resolve;
});
process.once('SIGTERM', terminate);

class Database {
  isOpen = true;

  onModuleDestroy() {
    this.isOpen = false;
    print('database closed');
  }
}

const database = new Database();
let started = 0;

class Listener {
  async on(body) {
    print(`started ${++started}`);
    await terminated;
    if (handlerMs < 0) await new Promise(() => undefined);
    // Spread out, so that they do not all end in one turn.
    await new Promise((resolve) => setTimeout(resolve, handlerMs * Math.random()));
    print(`done ${body}${database.isOpen ? '' : ' without database'}`);
  }
}
RocketMQMessageListener({
  topic,
  consumerGroup: group,
  concurrency: 1000,
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
})(Listener.prototype, 'on', Object.getOwnPropertyDescriptor(Listener.prototype, 'on'));

class AppModule {}
Module({
  imports: [
    RocketMQModule.forRoot({
      namesrvAddr,
      shutdownTimeoutMs,
      client: { pollNameServerIntervalMs: 50 },
      logger: {
        log: (line) => print(`log ${line}`),
        warn: (line) => print(`warn ${line}`),
        error: (line) => print(`error ${line}`),
      },
    }),
  ],
  providers: [Listener, { provide: Database, useValue: database }],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
app.enableShutdownHooks();
print('ready');
