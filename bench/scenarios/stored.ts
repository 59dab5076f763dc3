import { BrokerBench, LONG_WARM_UP } from '../harness/broker-bench.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, p99, rate, serverCpu, value } from './figures.js';

const GiB = 2 ** 30;
const BODY = 1_024;

/** Whether a full store is slower than an empty one. */
export const fullStore: Scenario<BrokerPeer> = {
  name: 'stored-20gb',
  title: '20 GiB stored: send, 64 threads, 128 B',
  load: 'Java client, 64 threads: send() of 128 bytes and wait, to an empty broker; then 20 GiB of bodies of 1 KiB are written in batches of 32, and the same is sent again; both after four times the usual warm-up',
  check: 'every send is acknowledged with SEND_OK; what the 64 threads sent is read back, count and checksum',
  peers: brokers,
  long: true,
  figures: {
    share: figure('rate, as a share of that with nothing stored', '', 'higher', 2, value(0.9)),
    rate: rate(),
    p99: p99(),
    serverCpu: serverCpu(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run, { diskGiB: 28 });
    await bench.createTopics('bench_empty', 'bench_stored', 'bench');
    const values = { mode: 'sync', threads: 64, size: 128, warmup: LONG_WARM_UP * run.warmupSeconds };
    const empty = await bench.load('send', { topic: 'bench_empty', ...values });
    const messages = sized(run, (20 * GiB) / BODY, 65_536);
    await bench.load('fill', { topic: 'bench_stored', messages, size: BODY, batch: 32 });
    const full = await bench.load('send', { topic: 'bench', ...values });
    await bench.verify('bench_empty', empty.result.sent);
    await bench.verify('bench', full.result.sent);
    return {
      share: full.rate / empty.rate,
      rate: full.rate,
      p99: full.result.latency.p99,
      serverCpu: full.serverCpuPerMillion,
    };
  },
};
