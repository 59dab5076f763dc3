import { Producer } from '@rocketnest/client';
import type { Child } from '../test/support/child.js';
import { Jvm } from '../test/support/jvm.js';
import { Servers, type Target } from '../test/support/servers.js';
import { cpuSeconds, residentMiB } from './process-figures.js';

export interface SendSyncOptions {
  readonly threads: number;
  readonly bodyBytes: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly flush: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
}

/** Figures of one run; rates in messages a second, times in ms, memory in MiB. */
export interface SendSyncFigures {
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly cpuSecondsPerMillion: number;
  readonly idleMiB: number;
  readonly loadedMiB: number;
  /** From starting the server processes to the first acknowledged send, by a Node client that waits for them. */
  readonly firstAckMs: number;
  readonly stopMs: number;
}

interface LoadResult {
  readonly sent: number;
  readonly seconds: number;
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly acknowledgedInAll: number;
  readonly storedInAll: number;
}

const TOPIC = 'bench_send_sync';

/** Starts the servers fresh, loads them with the official Java client, checks that every acknowledged message is stored. */
export async function sendSync(target: Target, options: SendSyncOptions): Promise<SendSyncFigures> {
  const startedAt = Date.now();
  const servers = await Servers.start(target, {
    // A file size that both use in production: what rolling costs is part of the figure.
    broker: { flushDiskType: options.flush, mappedFileSizeCommitLog: 1024 * 1024 * 1024 },
    jvm: 'defaults',
  });
  const pids = [servers.namesrv.pid, servers.broker.pid];
  const sum = (figure: (pid: number) => number) => pids.reduce((total, pid) => total + figure(pid), 0);
  let result: LoadResult;
  let idleMiB: number;
  let loadedMiB: number;
  let cpu: number;
  let firstAckMs: number;
  try {
    firstAckMs = (await firstAck(servers.namesrvAddr)) - startedAt;
    idleMiB = sum(residentMiB);
    await using load = await Jvm.start(
      'Java load',
      [
        '-Xmx512m',
        'dev.rocketnest.bench.SendLoad',
        `namesrv=${servers.namesrvAddr}`,
        `topic=${TOPIC}`,
        `threads=${options.threads}`,
        `size=${options.bodyBytes}`,
        `warmup=${options.warmupSeconds}`,
        `seconds=${options.seconds}`,
      ],
      {},
      'defaults',
    );
    const deadline = (options.warmupSeconds + options.seconds + 60) * 1_000;
    await eventOf(load.child, 'measuring', deadline);
    const before = sum(cpuSeconds);
    const line = await eventOf(load.child, 'result', deadline);
    cpu = sum(cpuSeconds) - before;
    loadedMiB = sum(residentMiB);
    result = JSON.parse(line) as LoadResult;
  } catch (error) {
    await servers.kill();
    throw error;
  }
  const stopFrom = Date.now();
  await servers[Symbol.asyncDispose]();
  if (result.storedInAll < result.acknowledgedInAll) {
    throw new Error(`${target}: ${result.acknowledgedInAll} sends acknowledged, only ${result.storedInAll} stored`);
  }
  if (result.failures > 0) throw new Error(`${target}: ${result.failures} sends failed`);
  return {
    rate: result.sent / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    p999Ms: result.p999Ms,
    cpuSecondsPerMillion: cpu / (result.sent / 1e6),
    idleMiB,
    loadedMiB,
    firstAckMs,
    stopMs: Date.now() - stopFrom,
  };
}

/** The line in which the load generator reports an event. */
function eventOf(load: Child, event: string, timeoutMs: number): Promise<string> {
  const line = new Promise<string>((resolve) => {
    load.onLine((text) => {
      if (text.includes(`"event":"${event}"`)) resolve(text);
    });
  });
  return load.race(line, timeoutMs, `event ${event}`);
}

/** The moment (epoch ms) of the first acknowledged send. */
async function firstAck(namesrvAddr: string): Promise<number> {
  const producer = new Producer({ namesrvAddr, group: 'bench_first_ack' });
  await producer.start();
  try {
    for (;;) {
      try {
        await producer.send({ topic: 'bench_first_ack', body: 'first' });
        return Date.now();
      } catch (error) {
        if (!(error as { retriable?: boolean }).retriable) throw error;
      }
    }
  } finally {
    await producer.close();
  }
}
