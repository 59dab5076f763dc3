import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, rate, value } from './figures.js';

const HOUR = 3_600;

/** What a great many timers that are not due yet cost. */
export const waitingTimers: Scenario<BrokerPeer> = {
  name: 'timers-10m',
  title: '10 million waiting timers',
  load: 'Java client: 10,000,000 messages of 100 bytes, due between 1 and 60 hours from now, at most 1,024 without an answer; then, while they wait, 500 timers of 1.5 s a second to a push consumer',
  check: 'every send is acknowledged; the timers of 1.5 s arrive once each, count and checksum, and none of the others',
  peers: brokers,
  long: true,
  figures: {
    p99: figure('lateness p99 of 1.5 s timers meanwhile', 'ms', 'lower', 1, value(20)),
    early: figure('delivered before they were due', '', 'lower', 0, value(0)),
    rate: rate(),
    anonymous: figure('memory of the servers without mapped files, all waiting', 'MiB', 'lower', 0),
    resident: figure('RSS of the servers, all waiting', 'MiB', 'lower', 0),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run, { diskGiB: 10 });
    await bench.createTopics('bench_waiting', 'bench');
    const messages = sized(run, 10_000_000, 20_000);
    const fill = await bench.load('fill', {
      topic: 'bench_waiting',
      messages,
      size: 100,
      deliverIn: HOUR,
      spread: 59 * HOUR,
    });
    if (fill.result.sent.count !== messages) throw new Error(`${fill.result.sent.count} of ${messages} timers sent`);
    const { result } = await bench.load<DriverResult & { early: number }>('latency', {
      topic: 'bench',
      queues: 8,
      rate: 500,
      size: 128,
      deliverIn: 1_500,
    });
    expectTally(result.received, result.sent, 'received');
    const { count } = await bench.stored('bench_waiting', 0);
    if (count > 0) throw new Error(`${count} timers were delivered an hour before they were due`);
    const memory = bench.memory();
    return {
      p99: result.latency.p99,
      early: result.early,
      rate: fill.rate,
      anonymous: memory.anonymousMiB,
      resident: memory.residentMiB,
    };
  },
};
