import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { APACHE_VERSION, prepareApache } from '../scripts/apache.mjs';
import type { Target } from '../test/support/servers.js';
import type { Peer } from './harness/scenario.js';

/** Whose client loads the servers. */
export type Language = 'java' | 'node';

/** A name server and a broker, and a client that loads them. */
export interface BrokerPeer extends Peer {
  readonly servers: Target;
  readonly client: Language;
}

const HERE = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(HERE('../lerna.json'), 'utf8')) as { version: string };

const BROKER =
  'flushDiskType as the scenario says; waitTimeMillsInSendQueue and osPageCacheBusyTimeOutMills raised, so that no send is refused for having waited';
const APACHE = `JVM with -Xmx1g and otherwise its defaults; ${BROKER}`;
const OURS = `one Node process each for name server and broker, no flags; ${BROKER}`;

/** A JDK and Maven: the official client drives all brokers. */
function javaMissing(): string | null {
  for (const command of ['java', 'javac', 'mvn']) {
    if (spawnSync(command, ['-version'], { stdio: 'ignore' }).status !== 0) {
      return `'${command}' cannot be run: install a JDK, 11 or newer, and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)`;
    }
  }
  return null;
}

function oursMissing(): string | null {
  return existsSync(HERE('../packages/cli/dist/esm/bin.js'))
    ? javaMissing()
    : 'the packages are not built: run `npm run build`';
}

/** The official client loads or reads all of them. */
const peer = (row: Omit<BrokerPeer, 'prepare'>): BrokerPeer => ({ ...row, prepare: prepareApache });

/** Those who take part in the scenarios of brokers and clients. */
export const peers = {
  apache: peer({
    name: 'apache',
    title: `Apache RocketMQ ${APACHE_VERSION}`,
    settings: APACHE,
    servers: 'apache',
    client: 'java',
    missing: javaMissing,
  }),
  rocketnest: peer({
    name: 'rocketnest',
    title: `RocketNest ${version}`,
    settings: OURS,
    servers: 'rocketnest',
    client: 'java',
    missing: oursMissing,
  }),
  javaClient: peer({
    name: 'java-client',
    title: `Java client ${APACHE_VERSION}`,
    settings: "on RocketNest's servers, set as above",
    servers: 'rocketnest',
    client: 'java',
    missing: oursMissing,
  }),
  nodeClient: peer({
    name: 'node-client',
    title: `@rocketnest/client ${version}`,
    settings: "on RocketNest's servers, set as above",
    servers: 'rocketnest',
    client: 'node',
    missing: oursMissing,
  }),
} as const;

/** The reference, and ours last. */
export const brokers = [peers.apache, peers.rocketnest] as const;
/** On the same servers, ours. */
export const clients = [peers.javaClient, peers.nodeClient] as const;
