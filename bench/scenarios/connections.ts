import { BrokerBench } from '../harness/broker-bench.js';
import type { DriverResult } from '../harness/driver.js';
import { type Scenario, sized } from '../harness/scenario.js';
import { type BrokerPeer, brokers } from '../peers.js';
import { figure, p50, p99, rate, serverCpu } from './figures.js';

/** Many clients, each with a connection. */
export const manyConnections: Scenario<BrokerPeer> = {
  name: 'connections',
  title: '2,000 connections that send, 128 B',
  load: "One Node process opens 2,000 connections to the broker with @rocketnest/remoting, 64 at a time; each sends 128 bytes, waits for the answer and sends again. The process limits all peers' rates: the CPU figure compares them",
  check: 'every send is acknowledged; all messages are read back, count and checksum',
  peers: brokers,
  figures: {
    serverCpu: serverCpu(),
    rate: rate(),
    p50: p50(),
    p99: p99(),
    connectMs: figure('opening all connections', 'ms', 'lower', 0),
    perConnection: figure('RSS for each connection, under load', 'KiB', 'lower', 0),
  },
  async run(peer, run) {
    await using bench = await BrokerBench.start(peer, run);
    await bench.createTopics('bench');
    const connections = sized(run, 2_000, 200);
    const idle = bench.memory().residentMiB;
    const values = { broker: bench.servers.brokers[0]!.address, connections, topic: 'bench', queues: 8, size: 128 };
    const load = await bench.load<DriverResult & { connectMs: number }>('connections', values, 'node');
    await bench.verify('bench', load.result.sent);
    const { p50, p99 } = load.result.latency;
    return {
      serverCpu: load.serverCpuPerMillion,
      rate: load.rate,
      p50,
      p99,
      connectMs: load.result.connectMs,
      perConnection: ((load.memory.residentMiB - idle) * 1_024) / connections,
    };
  },
};
