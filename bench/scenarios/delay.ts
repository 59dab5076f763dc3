import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, value } from './figures.js';

interface Row {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly values: Readonly<Record<string, number>>;
}

const ROWS: readonly Row[] = [
  {
    name: 'timer',
    title: 'Timers of 1.5 s',
    what: 'to be delivered 1,500 ms from now',
    values: { deliverIn: 1_500 },
  },
  {
    name: 'delay-level-1',
    title: 'Delay level 1 (1 s)',
    what: 'with delay level 1, 1 s',
    values: { delayLevel: 1, levelMillis: 1_000 },
  },
  {
    name: 'delay-level-2',
    title: 'Delay level 2 (5 s)',
    what: 'with delay level 2, 5 s',
    values: { delayLevel: 2, levelMillis: 5_000 },
  },
];

/** How far from its due time a delayed message reaches its handler. */
export const delays: readonly Scenario<BrokerPeer>[] = ROWS.map(({ name, title, what, values }) => ({
  name,
  title: `${title}: lateness`,
  load: `Java client: 500 messages of 128 bytes a second, ${what}, to a push consumer in the same process; the lateness is from the due time to the handler`,
  check: 'every send is acknowledged and arrives once, count and checksum',
  peers: brokers,
  figures: {
    p99: figure('lateness p99', 'ms', 'lower', 1, value(20)),
    p50: figure('lateness p50', 'ms', 'lower', 1),
    max: figure('lateness, longest', 'ms', 'lower', 1),
    early: figure('delivered before they were due', '', 'lower', 0, value(0)),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load<DriverResult & { early: number }>('latency', {
      topic: 'bench',
      queues: 8,
      rate: 500,
      size: 128,
      ...values,
    });
    const { sent, received, latency, early } = load.result;
    expectTally(received, sent, 'received');
    return { p50: latency.p50, p99: latency.p99, max: latency.max, early };
  },
}));
