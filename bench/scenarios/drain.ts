import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { Tally } from '../harness/driver.js';
import { type Run, type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, HALF, loaded, rate, ratio, serverCpu } from './figures.js';

/** Writes a backlog and one to warm up with; the values for a driver's `drain`. */
export async function backlog(
  bench: BrokerBench,
  run: Run,
): Promise<{ values: Readonly<Record<string, string | number>>; sent: Tally }> {
  await bench.createTopics('bench', 'bench_warmup');
  const [count, warmupCount] = [sized(run, 2_000_000, 50_000), sized(run, 400_000, 10_000)];
  const fill = { size: 128, batch: 32 };
  await bench.load('fill', { topic: 'bench_warmup', messages: warmupCount, ...fill }, 'java');
  const { result } = await bench.load('fill', { topic: 'bench', messages: count, ...fill }, 'java');
  const values = { topic: 'bench', count, warmupTopic: 'bench_warmup', warmupCount, consumeBatch: 32 };
  return { values, sent: result.sent };
}

/** A consumer that finds much waiting. */
export const drain: Scenario<BrokerPeer> = {
  name: 'drain',
  title: 'Backlog drain, 2,000,000 messages, 128 B',
  load: 'Java client: 2,000,000 messages of 128 bytes wait in 8 queues; one push consumer with 20 threads takes them in batches of 32, after another backlog of 400,000 to warm up',
  check: 'every message arrives once, count and checksum',
  peers: brokers,
  figures: {
    rate: rate(ratio(1.2)),
    serverCpu: serverCpu(HALF),
    clientCpu: figure('client CPU per million messages', 's', 'lower', 1),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    const { values, sent } = await backlog(bench, run);
    const load = await bench.load('drain', values);
    expectTally(load.result.received, sent, 'received');
    return {
      rate: load.rate,
      serverCpu: load.serverCpuPerMillion,
      clientCpu: load.clientCpuPerMillion,
      loaded: load.memory.residentMiB,
    };
  },
};
