import { BrokerBench } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, ratio } from './figures.js';

/** Name server and broker on an empty disk, and off again. */
export const coldStart: Scenario<BrokerPeer> = {
  name: 'cold-start',
  title: 'Start and stop',
  load: 'Name server and broker are started at the same time on an empty directory; a Node client sends until a send is acknowledged; then SIGTERM to the broker and, when it is gone, to the name server',
  check: 'the send is acknowledged with SEND_OK; both processes end by themselves',
  peers: brokers,
  figures: {
    firstAckMs: figure('start to first acknowledged send', 'ms', 'lower', 0, ratio(0.1)),
    stopMs: figure('stop on SIGTERM', 'ms', 'lower', 0, ratio(0.1)),
    cpu: figure('CPU until then', 's', 'lower', 2),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    const cpu = bench.cpuSeconds();
    return { firstAckMs: bench.firstAckMs, stopMs: await bench.stop(), cpu };
  },
};
