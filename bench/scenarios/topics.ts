import { BrokerBench, LONG_WARM_UP } from '../harness/broker-bench.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, loaded, p99, rate, serverCpu, value } from './figures.js';

/** Topics created in one request. */
const CHUNK = 500;

/** Many topics, all of them in use. */
export const manyTopics: Scenario<BrokerPeer> = {
  name: 'topics',
  title: '10,000 topics: send, 64 threads, 128 B',
  load: 'Java client, 64 threads: send() of 128 bytes and wait, to one topic of 8 queues; then 10,000 topics of one queue are created, 500 in each request, and the same is sent to all of them in turn; both after four times the usual warm-up',
  check: 'every send is acknowledged with SEND_OK; all messages of all topics are read back, count and checksum',
  peers: brokers,
  figures: {
    rate: rate(),
    share: figure('rate, as a share of that with one topic', '', 'higher', 2, value(0.9)),
    p99: p99(),
    serverCpu: serverCpu(),
    createdMs: figure('creating the topics', 'ms', 'lower', 0),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    const topics = sized(run, 10_000, 200);
    const values = { mode: 'sync', threads: 64, size: 128, warmup: LONG_WARM_UP * run.warmupSeconds };
    await bench.createTopics('bench_one');
    const one = await bench.load('send', { topic: 'bench_one', ...values });

    run.step(`creating ${topics} topics`);
    const names = Array.from({ length: topics }, (_, i) => `bench-${i}`);
    const startedAt = performance.now();
    for (let i = 0; i < topics; i += CHUNK) await bench.createTopicsOf(1, names.slice(i, i + CHUNK));
    const createdMs = performance.now() - startedAt;
    const many = await bench.load('send', { topic: 'bench', topics, ...values });
    await bench.verify('bench_one', one.result.sent);
    await bench.verify('bench', many.result.sent, topics);
    return {
      rate: many.rate,
      share: many.rate / one.rate,
      p99: many.result.latency.p99,
      serverCpu: many.serverCpuPerMillion,
      createdMs,
      loaded: many.memory.residentMiB,
    };
  },
};
