// npx tsx bench/recovery.ts [--bytes 2147483648] [--sizes 1024,128] [--queues 8] [--dir DIR] [--profile]
// How long after a kill -9 the command line's broker takes to acknowledge its first send, on a store of the given size.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Producer } from '@rocketnest/client';
import { MessageStore, type StoreMessage } from '@rocketnest/store';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    bytes: { type: 'string', default: String(2 ** 31) },
    sizes: { type: 'string', default: '1024,128' },
    queues: { type: 'string', default: '8' },
    dir: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
});

const TOPIC = 'bench_recovery';
const HOST = { address: '127.0.0.1', port: 10_911 };
const self = fileURLToPath(import.meta.url);

if (positionals[0] === 'write') await write(positionals[1]!, Number(values.bytes), Number(values.sizes));
else for (const size of values.sizes.split(',').map(Number)) await measure(size);

/** Fills a store as a busy broker would, says when it is as large as asked for, and goes on until it is killed. */
async function write(rootDir: string, bytes: number, bodyBytes: number): Promise<void> {
  const store = new MessageStore({ rootDir });
  await store.start();
  const body = Buffer.alloc(bodyBytes, 'x');
  const queues = Number(values.queues);
  let sent = 0;
  let told = false;
  let inFlight = 0;
  const next = (): StoreMessage => ({
    topic: TOPIC,
    queueId: sent % queues,
    body,
    flag: 0,
    properties: { UNIQ_KEY: `7F000001${(sent++).toString(16).toUpperCase().padStart(24, '0')}`, WAIT: 'true' },
    sysFlag: 0,
    bornTimestamp: Date.now(),
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  });
  const pump = (): void => {
    for (; inFlight < 2_000; inFlight++) {
      store.put(next(), ({ status }) => {
        if (status !== 'PUT_OK') throw new Error(`put: ${status}`);
        inFlight--;
      });
    }
    if (!told && store.maxCommitLogOffset >= bytes) {
      told = true;
      console.log(`full ${sent}`);
    }
    setImmediate(pump);
  };
  pump();
}

async function measure(bodyBytes: number): Promise<void> {
  const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'rocketnest-recovery-'));
  try {
    const writer = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        self,
        'write',
        dir,
        `--bytes=${values.bytes}`,
        `--sizes=${bodyBytes}`,
        `--queues=${values.queues}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const written = await line(writer.stdout, /^full (\d+)/);
    writer.kill('SIGKILL');
    await new Promise((resolve) => writer.once('exit', resolve));

    const startedAt = performance.now();
    const broker = spawn(
      process.execPath,
      [
        ...(values.profile ? ['--cpu-prof', `--cpu-prof-dir=${tmpdir()}`] : []),
        join(self, '../../packages/cli/bin/rocketnest.js'),
        ...['start', '--data', dir, '--namesrv-port', '0', '--broker-port', '0'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const namesrvAddr = (await line(broker.stdout, /ready namesrv=(\S+)/))[1]!;
    const readyMs = performance.now() - startedAt;
    const producer = new Producer({ namesrvAddr, group: 'bench_recovery' });
    await producer.start();
    await producer.send({ topic: 'bench_first_ack', body: 'first' });
    const ackMs = performance.now() - startedAt;
    await producer.close();
    const stopFrom = performance.now();
    broker.kill('SIGTERM');
    await new Promise((resolve) => broker.once('exit', resolve));
    console.log(
      `${bodyBytes} B bodies: ${written[1]} messages, ${readdirSync(join(dir, 'commitlog')).length} log files; after kill -9: ` +
        `ready ${readyMs.toFixed(0)} ms, first acknowledged send ${ackMs.toFixed(0)} ms; stop ${(performance.now() - stopFrom).toFixed(0)} ms`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The first line that matches. */
function line(output: NodeJS.ReadableStream, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const lines = createInterface(output);
    lines.on('line', (text) => {
      const match = pattern.exec(text);
      if (match) resolve(match);
    });
    lines.on('close', () => reject(new Error(`the process ended without printing ${pattern}`)));
  });
}
