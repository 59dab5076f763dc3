import { BrokerBench } from '../harness/broker-bench.js';
import { firstAck } from '../harness/first-ack.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, ratio } from './figures.js';

const GiB = 2 ** 30;
const BODY = 1_024;
/** Recovery may read all of the store. */
const RECOVERY_MS = 900_000;

/** A broker that died comes back. */
export const restarts: readonly Scenario<BrokerPeer>[] = [2, 10].map((size) => ({
  name: `restart-${size}gb`,
  title: `Restart after kill -9 with ${size} GiB`,
  load: `Java client: ${size} GiB of bodies of 1 KiB in batches of 32; kill -9 to the broker after the last answer; the time is from starting it again to the first acknowledged send of a Node client`,
  check: 'all messages that were acknowledged before are read back, count and checksum',
  peers: brokers,
  long: size > 2,
  figures: {
    restartMs: figure('restart to first acknowledged send', 'ms', 'lower', 0, ratio(1 / 5)),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run, { diskGiB: size * 1.3 });
    await bench.createTopics('bench');
    const messages = sized(run, (size * GiB) / BODY, 16_384 * size);
    const { result } = await bench.load('fill', { topic: 'bench', messages, size: BODY, batch: 32 });
    run.step('kill -9');
    await bench.servers.broker.kill();
    const startedAt = performance.now();
    await bench.servers.restartBroker(0, RECOVERY_MS);
    await firstAck(bench.servers.namesrvAddr);
    const restartMs = performance.now() - startedAt;
    await bench.verify('bench', result.sent);
    return { restartMs };
  },
}));
