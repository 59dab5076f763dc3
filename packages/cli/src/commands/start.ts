import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerOptionValues } from '@rocketnest/broker';
import { NameServer } from '@rocketnest/namesrv';
import { ConfigurationError } from '@rocketnest/protocol';
import { BrokerProcess } from '../broker-process.js';
import { type RegisteredBroker, registrationOf, untilRegistered } from '../registered.js';
import type { ServeContext } from '../serve.js';
import { countOf, MAX_PORT, portOf, wordOf, writableDirectory } from '../values.js';
import type { Command } from './command.js';

const DEFAULT_DATA = './rocketnest-data';
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_BROKERS = '1';
/** broker-a to broker-z. */
const MAX_BROKERS = 26;
/** Between two brokers: Apache's use the ports beside theirs, too. */
const PORT_STEP = 10;

const nameOf = (index: number): string => `broker-${String.fromCharCode('a'.charCodeAt(0) + index)}`;
/** The first has the data directory itself, so that one broker finds its data when it gets company. */
const directoryOf = (data: string, index: number): string =>
  index === 0 ? data : join(data, 'brokers', nameOf(index));

export const startCommand: Command = {
  name: 'start',
  summary: 'run a name server and one or more brokers in the foreground',
  options: [
    ['--data <DIR>', `data directory, created when missing (default: ${DEFAULT_DATA})`],
    ['--namesrv-port <PORT>', 'port of the name server, 0 picks a free one (default: 9876)'],
    [
      '--broker-port <PORT>',
      `port of the broker, 0 picks a free one (default: 10911); ${PORT_STEP} more for each further one`,
    ],
    [
      '--brokers <N>',
      `brokers of the cluster, 1 to ${MAX_BROKERS}; from 2 on each is a process, to use a core of its own (default: ${DEFAULT_BROKERS})`,
    ],
    [
      '--flush <MODE>',
      'ASYNC_FLUSH or SYNC_FLUSH: acknowledge a message before or after it is on disk (default: ASYNC_FLUSH)',
    ],
    ['--host <ADDRESS>', `address to listen on and to tell clients (default: ${DEFAULT_HOST}, this machine only)`],
  ],
  help: `Prints "ready namesrv=HOST:PORT broker=HOST:PORT" when clients can use them; SIGTERM or Ctrl-C stops both.

DIR is Apache's storePathRootDir: commitlog, consumequeue, index, config. Apache's broker started on it finds all messages, topics and
offsets, and the other way round. The name server keeps its key-value configuration in DIR/namesrv/kvConfig.json.
What an admin changes while the broker runs (mqadmin updateBrokerConfig) lasts until it stops; it is written to
DIR/config/broker.properties, for "rocketnest broker -c".

One process uses one core; brokers of a cluster share nothing, so that more of them use more cores. broker-a has
its data in DIR, broker-b in DIR/brokers/broker-b and so on; topics that are created on demand get queues on all. The ready line
names all: broker=HOST:PORT;HOST:PORT. A broker that ends by itself is started again.

Examples: rocketnest start
          rocketnest start --data /var/lib/rocketnest --flush SYNC_FLUSH --host 10.0.0.5
          rocketnest start --brokers 4`,

  async start(values, context) {
    const host = values['host'] ?? DEFAULT_HOST;
    const flushDiskType = wordOf('--flush', values['flush'] ?? 'ASYNC_FLUSH', ['ASYNC_FLUSH', 'SYNC_FLUSH']);
    const namesrvPort = portOf('--namesrv-port', values['namesrvPort'] ?? '9876');
    const count = countOf('--brokers', values['brokers'] ?? DEFAULT_BROKERS, MAX_BROKERS);
    const brokerPorts = portsOf(portOf('--broker-port', values['brokerPort'] ?? '10911'), count);
    const data = writableDirectory(values['data'] ?? DEFAULT_DATA, 'choose another with --data');
    warnOfOthers(data, count, context);

    const { logger, io } = context;
    const namesrv = await context.start(
      new NameServer({
        host,
        port: namesrvPort,
        kvConfigPath: join(data, 'namesrv', 'kvConfig.json'),
        configStorePath: join(data, 'namesrv', 'namesrv.properties'),
        logger,
      }),
    );
    const start = count === 1 ? startHere : startProcess;
    const addresses: string[] = [];
    for (const [index, listenPort] of brokerPorts.entries()) {
      const broker = await start(
        {
          brokerName: nameOf(index),
          bindAddress: host,
          // Listening on all addresses: the broker picks the one to announce.
          ...(host !== '0.0.0.0' && host !== '::' && { brokerIP1: host }),
          listenPort,
          namesrvAddr: namesrv.address,
          storePathRootDir: directoryOf(data, index),
          flushDiskType,
        },
        context,
      );
      await untilRegistered(broker, [namesrv.address], logger, io.stop);
      addresses.push(broker.address);
    }
    return { namesrv: namesrv.address, broker: addresses.join(';') };
  },
};

async function startHere(options: BrokerOptionValues, { start, logger }: ServeContext): Promise<RegisteredBroker> {
  // Here, so that a name server by itself does without the memory of a broker.
  const { Broker } = await import('@rocketnest/broker');
  const broker = await start(new Broker({ ...options, logger }));
  return registrationOf(broker);
}

async function startProcess(options: BrokerOptionValues, { start, logger, logLevel }: ServeContext) {
  const { storePathRootDir = '' } = options;
  writableDirectory(storePathRootDir, 'choose another with --data');
  return (await start(new BrokerProcess(options, logger, logLevel))).registration;
}

/** Brokers of earlier runs with more of them keep their messages, but nobody serves these now. */
function warnOfOthers(data: string, count: number, { logger }: ServeContext): void {
  const directory = join(data, 'brokers');
  const present = existsSync(directory) ? readdirSync(directory) : [];
  const served = Array.from({ length: count }, (_, index) => nameOf(index));
  const idle = present.filter((name) => !served.includes(name)).sort();
  if (idle.length === 0) return;
  logger.warn(
    `${directory} holds data of ${idle.join(', ')}, not started with --brokers ${count}: what was sent to it waits`,
  );
}

/** A port for each broker. */
function portsOf(first: number, count: number): number[] {
  const ports = Array.from({ length: count }, (_, index) => (first === 0 ? 0 : first + index * PORT_STEP));
  const excess = ports.findIndex((port) => port > MAX_PORT);
  if (excess === -1) return ports;
  throw new ConfigurationError(
    `--broker-port ${first} leaves no port for ${nameOf(excess)}: ${ports[excess]} is over ${MAX_PORT}`,
  );
}
