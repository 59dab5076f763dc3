import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { startCluster } from '@rocketnest/testing';

/** Uses every component once, on a cluster and where there is none, closes them, and says what is still open. */
const script = `
import { Admin, LitePullConsumer, Producer, PullConsumer, PushConsumer, TransactionProducer } from '@rocketnest/client';
const namesrvAddr = process.argv[1];
const topic = 'exit';
const admin = new Admin({ namesrvAddr });
await admin.start();
await admin.topics.create({ topic, queues: 2 });
const producer = new Producer({ namesrvAddr, group: 'exit-p', traceEnable: true });
await producer.start();
await producer.send({ topic, body: 'x' });
const transactions = new TransactionProducer({ namesrvAddr, group: 'exit-tx', checker: () => 'COMMIT' });
await transactions.start();
await transactions.sendInTransaction({ topic, body: 'y' }, () => {});
const push = new PushConsumer({ namesrvAddr, group: 'exit-push', consumeFrom: 'FIRST_OFFSET' });
const consumed = new Promise((resolve) => push.subscribe(topic).listen(() => resolve()));
await push.start();
await consumed;
const lite = new LitePullConsumer({ namesrvAddr, group: 'exit-lite', consumeFrom: 'FIRST_OFFSET' });
lite.subscribe(topic);
await lite.start();
await lite.poll();
const pull = new PullConsumer({ namesrvAddr, group: 'exit-pull' });
await pull.start();
const nowhere = new Producer({ namesrvAddr: '127.0.0.1:1', group: 'exit-nowhere' });
await nowhere.start();
await nowhere.send({ topic, body: 'z' }).catch(() => {});
for (const one of [nowhere, pull, lite, push, transactions, producer, admin]) await one.close();
await new Promise((resolve) => setImmediate(resolve));
const open = process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY|Immediate)/.test(name));
console.log(JSON.stringify(open));
`;

it('a process whose clients are closed has nothing open, and ends by itself', async () => {
  await using cluster = await startCluster();
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const args = ['--input-type=module', '-e', script, cluster.namesrvAddr];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 50_000 });
  expect(JSON.parse(stdout)).toEqual([]);
});
