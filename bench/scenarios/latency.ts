import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, HALF, p50, p99, p999, serverCpu } from './figures.js';

/** From the moment a message should have been sent to its handler. */
export const latency: Scenario<BrokerPeer> = {
  name: 'latency',
  title: 'End to end at 1,000 messages a second, 128 B',
  load: 'Java client: one message of 128 bytes each millisecond, whatever the broker does, to a push consumer in the same process; the latency is from the moment a message should have been sent to its handler',
  check: 'every send is acknowledged and arrives once, count and checksum',
  peers: brokers,
  figures: {
    p50: p50(HALF),
    p99: p99(HALF),
    p999: p999(HALF),
    max: figure('latency, longest', 'ms', 'lower', 1),
    serverCpu: serverCpu(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load('latency', { topic: 'bench', queues: 8, rate: 1_000, size: 128 });
    const { sent, received, latency } = load.result;
    expectTally(received, sent, 'received');
    const { p50, p99, p999, max } = latency;
    return { p50, p99, p999, max, serverCpu: load.serverCpuPerMillion };
  },
};
