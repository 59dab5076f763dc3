import { BrokerBench } from '../harness/broker-bench.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { loaded, p50, p99, p999, rate, ratio, sendFigures, serverCpu } from './figures.js';

/** Half message, local transaction, commit. */
export const transaction: Scenario<BrokerPeer> = {
  name: 'transaction',
  title: 'Transactions, 16 threads, 128 B',
  load: 'Java client, 16 threads, one producer: sendMessageInTransaction() of 128 bytes, whose local transaction commits at once',
  check: 'every half message is acknowledged; all messages are read back once committed, count and checksum',
  peers: brokers,
  figures: { rate: rate(ratio(2)), p50: p50(), p99: p99(), p999: p999(), serverCpu: serverCpu(), loaded: loaded() },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load('transaction', { topic: 'bench', threads: 16, size: 128 });
    await bench.verify('bench', load.result.sent);
    return sendFigures(load);
  },
};
