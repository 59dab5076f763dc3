import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerBench } from '../harness/broker-bench.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, ratio } from './figures.js';

const FIFTH = ratio(1 / 5);

/** Resident memory, idle and after much was written. */
export const memory: Scenario<BrokerPeer> = {
  name: 'memory',
  title: 'Memory of name server and broker',
  load: 'Idle: 10 s after the first acknowledged send. Loaded: after the Java client has sent 2 GiB in batches of 32 messages of 1 KiB',
  check: 'every send is acknowledged; all messages are read back afterwards, count and checksum',
  peers: brokers,
  figures: {
    loaded: figure('RSS after 2 GiB written', 'MiB', 'lower', 0, FIFTH),
    idle: figure('RSS idle', 'MiB', 'lower', 0, FIFTH),
    loadedAnonymous: figure('without mapped files, after 2 GiB written', 'MiB', 'lower', 0),
    idleAnonymous: figure('without mapped files, idle', 'MiB', 'lower', 0),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    run.step('idle');
    await sleep(sized(run, 10_000, 1_000));
    const idle = bench.memory();
    const messages = sized(run, 2 * 1_024 * 1_024, 32 * 1_024);
    const load = await bench.load('fill', { topic: 'bench', messages, size: 1_024, batch: 32 });
    await bench.verify('bench', load.result.sent);
    return {
      loaded: load.memory.residentMiB,
      idle: idle.residentMiB,
      loadedAnonymous: load.memory.anonymousMiB,
      idleAnonymous: idle.anonymousMiB,
    };
  },
};
