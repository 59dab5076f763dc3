import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, clients } from '../peers.js';
import { backlog } from './drain.js';
import { clientCpu, p50, p99, p999, rate, ratio } from './figures.js';

interface SendRow {
  readonly name: string;
  readonly title: string;
  readonly how: string;
  readonly values: Readonly<Record<string, string | number>>;
}

const SENDS: readonly SendRow[] = [
  {
    name: 'client-async',
    title: 'Clients: send, 1,024 unanswered, 128 B',
    how: 'at most 1,024 without an answer (Java: callbacks, one thread; Node: promises)',
    values: { mode: 'async', inflight: 1_024 },
  },
  {
    name: 'client-sync',
    title: 'Clients: send, 16 at once, 128 B',
    how: '16 at once (Java: threads that wait; Node: promises)',
    values: { mode: 'sync', threads: 16 },
  },
];

const sends: readonly Scenario<BrokerPeer>[] = SENDS.map(({ name, title, how, values }) => ({
  name,
  title,
  load: `Each client on RocketNest's servers, one producer: send() of 128 bytes, ${how}`,
  check: 'every send is acknowledged with SEND_OK; all messages are read back, count and checksum',
  peers: clients,
  figures: { clientCpu: clientCpu(ratio(1)), rate: rate(), p50: p50(), p99: p99(), p999: p999() },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load('send', { topic: 'bench', size: 128, ...values });
    await bench.verify('bench', load.result.sent);
    const { p50, p99, p999 } = load.result.latency;
    return { clientCpu: load.clientCpuPerMillion, rate: load.rate, p50, p99, p999 };
  },
}));

const drain: Scenario<BrokerPeer> = {
  name: 'client-drain',
  title: 'Clients: backlog drain, 2,000,000 messages, 128 B',
  load: "Each client on RocketNest's servers: one push consumer, 20 handlers at once that are given up to 32 messages, takes 2,000,000 messages that wait in 8 queues, after 400,000 to warm up",
  check: 'every message arrives once, count and checksum',
  peers: clients,
  figures: { clientCpu: clientCpu(ratio(1)), rate: rate() },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    const { values, sent } = await backlog(bench, run);
    const load = await bench.load('drain', values);
    expectTally(load.result.received, sent, 'received');
    return { clientCpu: load.clientCpuPerMillion, rate: load.rate };
  },
};

/** The Node client and the Java client on the same servers: what a message costs the application. */
export const clientComparisons: readonly Scenario<BrokerPeer>[] = [...sends, drain];
