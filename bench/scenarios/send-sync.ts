import { BrokerBench } from '../harness/broker-bench.js';
import type { Goal, Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { HALF, loaded, p50, p99, p999, rate, ratio, sendFigures, serverCpu, THIRD } from './figures.js';

interface Row {
  readonly name: string;
  readonly threads: number;
  readonly size: number;
  readonly flush: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
  readonly goals?: { readonly rate?: Goal; readonly p99?: Goal; readonly serverCpu?: Goal };
}

const DOUBLE = ratio(2);

const ROWS: readonly Row[] = [
  { name: 'send-sync-1-128', threads: 1, size: 128, flush: 'ASYNC_FLUSH', goals: { rate: DOUBLE } },
  { name: 'send-sync-1-1024', threads: 1, size: 1024, flush: 'ASYNC_FLUSH' },
  { name: 'send-sync-16-128', threads: 16, size: 128, flush: 'ASYNC_FLUSH', goals: { rate: DOUBLE } },
  { name: 'send-sync-16-1024', threads: 16, size: 1024, flush: 'ASYNC_FLUSH' },
  {
    name: 'send-sync-64-128',
    threads: 64,
    size: 128,
    flush: 'ASYNC_FLUSH',
    goals: { rate: ratio(3), p99: HALF, serverCpu: THIRD },
  },
  { name: 'send-sync-64-1024', threads: 64, size: 1024, flush: 'ASYNC_FLUSH' },
  { name: 'send-sync-flush-64-128', threads: 64, size: 128, flush: 'SYNC_FLUSH', goals: { rate: DOUBLE } },
];

/** Threads that send and wait for the answer. */
export const sendSync: readonly Scenario<BrokerPeer>[] = ROWS.map(({ name, threads, size, flush, goals }) => ({
  name,
  title: `Send, ${threads} thread${threads === 1 ? '' : 's'}, ${size} B, ${flush}`,
  load: `Java client, ${threads} thread${threads === 1 ? '' : 's'}, one producer: send() of ${size} bytes and wait for the answer; flushDiskType=${flush}`,
  check: 'every send is acknowledged with SEND_OK; all messages are read back, count and checksum',
  peers: brokers,
  figures: {
    rate: rate(goals?.rate),
    p50: p50(),
    p99: p99(goals?.p99),
    p999: p999(),
    serverCpu: serverCpu(goals?.serverCpu),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run, { flush });
    await bench.createTopics('bench');
    const load = await bench.load('send', { mode: 'sync', topic: 'bench', threads, size });
    await bench.verify('bench', load.result.sent);
    return sendFigures(load);
  },
}));
