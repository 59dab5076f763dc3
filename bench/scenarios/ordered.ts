import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { loaded, p50, p99, p999, rate, ratio, sendFigures, serverCpu } from './figures.js';

/** Messages of a key, one after the other, through a consumer that keeps the order. */
export const ordered: Scenario<BrokerPeer> = {
  name: 'ordered',
  title: 'Ordered, 1,024 keys on 8 queues, 128 B',
  load: 'Java client: 16 threads send 128 bytes to the queue of a key, an orderly consumer takes them; the next of a key is sent when the one before has arrived. Rate and latency are of arrivals, from the send',
  check: 'all that was acknowledged arrives, count and checksum, each key in its order',
  peers: brokers,
  figures: { rate: rate(ratio(2)), p50: p50(), p99: p99(), p999: p999(), serverCpu: serverCpu(), loaded: loaded() },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const values = { topic: 'bench', queues: 8, keys: 1_024, threads: 16, size: 128 };
    const load = await bench.load<DriverResult & { disordered: number }>('ordered', values);
    const { sent, received, disordered } = load.result;
    expectTally(received, sent, 'received');
    if (disordered > 0) throw new Error(`${disordered} messages came out of their order`);
    return sendFigures(load);
  },
};
