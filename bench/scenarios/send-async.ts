import { BrokerBench } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { loaded, p50, p99, p999, rate, ratio, sendFigures, serverCpu, THIRD } from './figures.js';

/** One thread that does not wait, up to a limit. */
export const sendAsync: Scenario<BrokerPeer> = {
  name: 'send-async',
  title: 'Send, asynchronous, 1,024 unanswered, 128 B',
  load: 'Java client, one thread, one producer: send() of 128 bytes with a callback, at most 1,024 without an answer',
  check: 'every send is acknowledged with SEND_OK; all messages are read back, count and checksum',
  peers: brokers,
  figures: {
    rate: rate(ratio(3)),
    p50: p50(),
    p99: p99(),
    p999: p999(),
    serverCpu: serverCpu(THIRD),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load('send', { mode: 'async', topic: 'bench', inflight: 1_024, size: 128 });
    await bench.verify('bench', load.result.sent);
    return sendFigures(load);
  },
};
