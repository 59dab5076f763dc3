import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { DriverResult, Tally } from '../harness/driver.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, HALF, loaded, ratio, serverCpu } from './figures.js';

/** Every message to every group. */
export const fanOut: Scenario<BrokerPeer> = {
  name: 'fan-out',
  title: 'Fan-out of a burst to 10 groups, 128 B',
  load: 'Java client: ten groups of one push consumer each wait; 100,000 messages of 128 bytes are sent in batches of 32, after 20,000 to warm up. The rate is of deliveries, from the first send to the last delivery',
  check: 'every group gets every message once, count and checksum',
  peers: brokers,
  figures: {
    rate: figure('rate', 'deliveries a second', 'higher', 0, ratio(1.5)),
    serverCpu: { ...serverCpu(HALF), label: 'server CPU per million deliveries' },
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load<DriverResult & { groups: readonly Tally[] }>('fanout', {
      topic: 'bench',
      queues: 8,
      groups: 10,
      messages: sized(run, 100_000, 5_000),
      warmupMessages: sized(run, 20_000, 1_000),
      size: 128,
      batch: 32,
      consumeBatch: 32,
    });
    const { sent, groups } = load.result;
    for (const [i, group] of groups.entries()) expectTally(group, sent, `received by group ${i}`);
    return { rate: load.rate, serverCpu: load.serverCpuPerMillion, loaded: load.memory.residentMiB };
  },
};
