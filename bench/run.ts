// npm run bench [-- --peers apache,rocketnest --rounds 3 --seconds 10 --threads 64 --size 128 --flush ASYNC_FLUSH --out FILE.json]
// The official Java client's synchronous send against our servers and Apache's, alternating, each started fresh.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { APACHE_VERSION, prepareApache } from '../scripts/apache.mjs';
import type { Target } from '../test/support/servers.js';
import { median } from './process-figures.js';
import { type SendSyncFigures, type SendSyncOptions, sendSync } from './send-sync.js';

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: 'apache,rocketnest' },
    rounds: { type: 'string', default: '3' },
    warmup: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    threads: { type: 'string', default: '64' },
    size: { type: 'string', default: '128' },
    flush: { type: 'string', default: 'ASYNC_FLUSH' },
    out: { type: 'string' },
  },
});

const rounds = Number(values.rounds);
const options: SendSyncOptions = {
  threads: Number(values.threads),
  bodyBytes: Number(values.size),
  warmupSeconds: Number(values.warmup),
  seconds: Number(values.seconds),
  flush: values.flush as SendSyncOptions['flush'],
};
const PEERS = values.peers.split(',') as Target[];

/** Row of the printed table: figure, unit, digits, and whether more is better. */
const ROWS: readonly [keyof SendSyncFigures, string, number, 'more' | 'less'][] = [
  ['rate', 'sends/s', 0, 'more'],
  ['p50Ms', 'latency p50, ms', 2, 'less'],
  ['p99Ms', 'latency p99, ms', 2, 'less'],
  ['p999Ms', 'latency p99.9, ms', 2, 'less'],
  ['cpuSecondsPerMillion', 'server CPU s per million', 1, 'less'],
  ['idleMiB', 'RSS idle, MiB', 0, 'less'],
  ['loadedMiB', 'RSS loaded, MiB', 0, 'less'],
  ['firstAckMs', 'start to first acknowledged send, ms', 0, 'less'],
  ['stopMs', 'stop on SIGTERM, ms', 0, 'less'],
];

prepareApache(); // The Java client of the load, too.
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.log(
  `${options.threads} threads, ${options.bodyBytes}-byte bodies, ${options.flush}; ${rounds} rounds of ${options.seconds} s after ${options.warmupSeconds} s warm-up`,
);
console.log(`${machine}; Apache RocketMQ ${APACHE_VERSION} (-Xmx1g)\n`);

const figures: Record<Target, SendSyncFigures[]> = { apache: [], rocketnest: [] };
for (let round = 1; round <= rounds; round++) {
  for (const peer of PEERS) {
    process.stdout.write(`round ${round}/${rounds} ${peer} ... `);
    const run = await sendSync(peer, options);
    figures[peer].push(run);
    console.log(`${run.rate.toFixed(0)} sends/s`);
  }
}

const table = ROWS.map(([key, label, digits, better]) => {
  const of = (peer: Target) => figures[peer].map((run) => run[key]);
  const cell = (peer: Target) =>
    PEERS.includes(peer)
      ? `${median(of(peer)).toFixed(digits)} (${Math.min(...of(peer)).toFixed(digits)}–${Math.max(...of(peer)).toFixed(digits)})`
      : '-';
  const ratio = median(of('rocketnest')) / median(of('apache'));
  return {
    figure: label,
    apache: cell('apache'),
    rocketnest: cell('rocketnest'),
    ratio: PEERS.length > 1 ? `${ratio.toFixed(2)} (${better} is better)` : '-',
  };
});
console.log('\nMedian (lowest–highest); ratio = rocketnest / apache of the medians');
console.table(table);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ machine, options, figures }, null, 2)}\n`);
