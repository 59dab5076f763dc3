import { BrokerBench } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { loaded, p50, p99, p999, rate, ratio, sendFigures, serverCpu, THIRD } from './figures.js';

/** Many messages in one request. */
export const sendBatch: Scenario<BrokerPeer> = {
  name: 'send-batch',
  title: 'Send, batches of 32, 128 B',
  load: 'Java client, 16 threads, one producer: send() of 32 messages of 128 bytes at once and wait for the answer',
  check: 'every send is acknowledged with SEND_OK; all messages are read back, count and checksum',
  peers: brokers,
  figures: {
    rate: rate(ratio(1.5)),
    p50: p50(),
    p99: p99(),
    p999: p999(),
    serverCpu: serverCpu(THIRD),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load('send', { mode: 'batch', topic: 'bench', threads: 16, batch: 32, size: 128 });
    await bench.verify('bench', load.result.sent);
    return sendFigures(load);
  },
};
