import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../../../test/support/child.js';
import { freePort } from '../../../test/support/ports.js';
import { accepts } from '../../../test/support/probe.js';
import { jarsOf, lacksMaven, prepareJars } from './jars.js';
import { launch, type Server, type ServerKind, temporaryDirectory } from './server.js';

const PARTITIONS = 8;
const FORMAT_TIMEOUT_MS = 60_000;
/** Any 16 bytes as base64url. */
const CLUSTER_ID = 'cm9ja2V0bmVzdC1iZW5jaA';

/**
 * Broker and controller in one process (KRaft), with the heap that Kafka's own script gives it.
 * @param everyMessage whether each message is on disk before it is acknowledged; Kafka's default leaves that to the kernel
 */
export const kafka = (everyMessage: boolean): ServerKind => ({
  missing: lacksMaven,
  prepare: () => prepareJars('kafka'),
  start: () => start(everyMessage ? ['log.flush.interval.messages=1'] : []),
});

async function start(flush: readonly string[]): Promise<Server> {
  const classPath = jarsOf('kafka');
  const directory = await temporaryDirectory('kafka');
  const [port, controllerPort] = [await freePort(), await freePort()];
  const properties = join(directory, 'server.properties');
  await writeFile(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      `log.dirs=${join(directory, 'data')}`,
      `num.partitions=${PARTITIONS}`,
      'offsets.topic.replication.factor=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'group.initial.rebalance.delay.ms=0', // Tests would wait 3 s for further members.
      ...flush,
      '',
    ].join('\n'),
  );
  await mkdir(join(directory, 'data'));
  const java = (heap: string, ...args: string[]) => ({
    command: 'java',
    args: [`-Xmx${heap}`, `-Xms${heap}`, '-XX:+UseG1GC', '-cp', classPath, ...args],
  });
  const format = new Child(
    'Kafka storage',
    java('128m', 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties),
  );
  const exit = await format.waitForExit(FORMAT_TIMEOUT_MS);
  if (exit !== 'code 0') throw format.error(`ended with ${exit}`);
  const { child, stop } = await launch('Kafka', directory, java('1g', 'kafka.Kafka', properties), () =>
    accepts(`127.0.0.1:${port}`),
  );
  return { settings: { broker: `127.0.0.1:${port}`, partitions: PARTITIONS }, pids: [child.pid], stop };
}
