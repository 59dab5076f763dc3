import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { BrokerBench } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, p50, p99, p999 } from './figures.js';

const MiB = 2 ** 20;

/** What readers of old messages do to senders. */
export const coldReads: Scenario<BrokerPeer> = {
  name: 'cold-reads',
  title: 'Sends while 8 readers read old messages',
  load: 'A store of 2 GiB in messages of 1 KiB, forgotten by the page cache (needs root; else it stays warm). Java client: one message of 128 bytes sent each 0.5 ms (2,000/s), without readers, then with 8 that pull from the beginning as fast as they can; latency from the moment a message should have been sent to its answer',
  check: 'every send is acknowledged; all messages sent are read back, count and checksum',
  peers: brokers,
  figures: {
    p99: { ...p99(), label: 'send latency p99 while readers read' },
    p50: { ...p50(), label: 'send latency p50 while readers read' },
    p999: { ...p999(), label: 'send latency p99.9 while readers read' },
    alone: { ...p99(), label: 'send latency p99 without readers' },
    read: figure('read', 'MiB a second', 'higher', 0),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench_cold', 'bench_alone', 'bench');
    const messages = sized(run, 2 * 1_024 * 1_024, 32 * 1_024);
    await bench.load('fill', { topic: 'bench_cold', messages, size: 1_024, batch: 32 });
    const values = { coldTopic: 'bench_cold', rate: 2_000, size: 128 };
    const alone = await bench.load('cold', { topic: 'bench_alone', readers: 0, ...values });
    forgetFiles();
    const loaded = await bench.load<DriverResult & { readBytes: number }>('cold', {
      topic: 'bench',
      readers: 8,
      ...values,
    });
    await bench.verify('bench_alone', alone.result.sent);
    await bench.verify('bench', loaded.result.sent);
    const { p50, p99, p999 } = loaded.result.latency;
    const { readBytes, seconds } = loaded.result;
    return { p50, p99, p999, alone: alone.result.latency.p99, read: readBytes / MiB / seconds };
  },
};

/** Makes the kernel drop what it holds of files; does nothing without the right to. */
function forgetFiles(): void {
  spawnSync('sync');
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '1');
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
