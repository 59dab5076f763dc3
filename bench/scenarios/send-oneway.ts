import { BrokerBench, expectTally } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import type { Scenario } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, loaded, rate, ratio, serverCpu, value } from './figures.js';

/** Sends that nothing answers. */
export const sendOneway: Scenario<BrokerPeer> = {
  name: 'send-oneway',
  title: 'Send, one-way, 128 B',
  load: 'Java client, 16 threads, one producer: sendOneway() of 128 bytes, at most 8,192 sent and not yet stored (a flood is dropped by the client itself); the rate is that of messages stored, until the last is',
  check:
    'what is read back is what the broker says it stored; where nothing was dropped, the checksum is that of all sent',
  peers: brokers,
  figures: {
    rate: rate(ratio(2)),
    dropped: figure('dropped', '% of those sent', 'lower', 3, value(0)),
    serverCpu: serverCpu(),
    loaded: loaded(),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const load = await bench.load<DriverResult & { stored: number }>('oneway', {
      topic: 'bench',
      threads: 16,
      window: 8_192,
      size: 128,
    });
    const { sent, stored } = load.result;
    const read = await bench.stored('bench', stored);
    if (stored === sent.count) expectTally(read, sent, 'stored');
    else if (read.count !== stored)
      throw new Error(`the broker says it stored ${stored} messages and has ${read.count}`);
    return {
      rate: load.rate,
      dropped: (100 * (sent.count - stored)) / sent.count,
      serverCpu: load.serverCpuPerMillion,
      loaded: load.memory.residentMiB,
    };
  },
};
