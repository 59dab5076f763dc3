// npx tsx bench/cold-reads.ts [--bytes 2147483648] [--size 1024] [--queues 8] [--rate 5000] [--seconds 5] [--drop-caches]
// What consumers that read a store from its beginning, as fast as they can, do to sends: latency of puts and delay of the event loop,
// without and with them. --drop-caches (root, Linux) makes the kernel forget the files first.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { MessageStore, type StoreMessage } from '@rocketnest/store';

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: String(2 ** 31) },
    size: { type: 'string', default: '1024' },
    queues: { type: 'string', default: '8' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '5' },
    'drop-caches': { type: 'boolean', default: false },
  },
});
const queues = Number(values.queues);
const body = Buffer.alloc(Number(values.size), 'x');
const HOST = { address: '127.0.0.1', port: 10_911 };
let sent = 0;

const message = (): StoreMessage => ({
  topic: 'T',
  queueId: sent % queues,
  body,
  flag: 0,
  properties: { UNIQ_KEY: `K${sent++}` },
  sysFlag: 0,
  bornTimestamp: Date.now(),
  bornHost: HOST,
  storeHost: HOST,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
});

const rootDir = mkdtempSync(join(tmpdir(), 'rocketnest-cold-'));
try {
  await fill();
  if (values['drop-caches']) writeFileSync('/proc/sys/vm/drop_caches', '1');
  const store = new MessageStore({ rootDir });
  await store.start();
  await measure(store, 'sends alone', 0);
  await measure(store, 'and 1 reader', 1);
  await measure(store, 'and 8 readers', 8);
  await store.close();
} finally {
  rmSync(rootDir, { recursive: true, force: true });
}

async function fill(): Promise<void> {
  const store = new MessageStore({ rootDir });
  await store.start();
  while (store.maxCommitLogOffset < Number(values.bytes)) {
    await Promise.all(Array.from({ length: 1_000 }, () => store.putAsync(message())));
  }
  await store.close();
}

/** Sends at a fixed rate for some seconds while `readers` read. */
async function measure(store: MessageStore, what: string, readers: number): Promise<void> {
  let stop = false;
  let bytesRead = 0;
  const read = async (reader: number): Promise<void> => {
    const queueId = reader % queues;
    for (let offset = 0; !stop; ) {
      const result = await store.get('T', queueId, offset, 32, 256 * 1024);
      bytesRead += result.bytes;
      offset = result.status === 'FOUND' ? result.nextBeginOffset : 0;
    }
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const latencies: number[] = [];
  const reading = Array.from({ length: readers }, (_, reader) => read(reader));
  const startedAt = performance.now();
  let due = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt;
      if (elapsed > Number(values.seconds) * 1_000) {
        clearInterval(timer);
        return resolve();
      }
      for (; due < (elapsed * Number(values.rate)) / 1_000; due++) {
        const from = performance.now();
        store.put(message(), () => latencies.push(performance.now() - from));
      }
    }, 1);
  });
  stop = true;
  await Promise.all(reading);
  delay.disable();
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => latencies[Math.floor(latencies.length * share)]!.toFixed(2);
  const ms = (ns: number): string => (ns / 1e6).toFixed(1);
  console.log(
    `${what.padEnd(14)} put p50 ${at(0.5)} p99 ${at(0.99)} p99.9 ${at(0.999)} max ${latencies.at(-1)!.toFixed(1)} ms; ` +
      `loop delay p99 ${ms(delay.percentile(99))} p99.9 ${ms(delay.percentile(99.9))} max ${ms(delay.max)} ms; ` +
      `read ${(bytesRead / 2 ** 20 / Number(values.seconds)).toFixed(0)} MiB/s, RSS ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
  );
}
