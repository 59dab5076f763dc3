import { join } from 'node:path';
import { NameServer } from '@rocketnest/namesrv';
import { untilRegistered } from '../registered.js';
import { portOf, wordOf, writableDirectory } from '../values.js';
import type { Command } from './command.js';

const DEFAULT_DATA = './rocketnest-data';
const DEFAULT_HOST = '127.0.0.1';
const BROKER_NAME = 'broker-a';

export const startCommand: Command = {
  name: 'start',
  summary: 'run a name server and a broker in the foreground',
  options: [
    ['--data <DIR>', `data directory, created when missing (default: ${DEFAULT_DATA})`],
    ['--namesrv-port <PORT>', 'port of the name server, 0 picks a free one (default: 9876)'],
    ['--broker-port <PORT>', 'port of the broker, 0 picks a free one (default: 10911)'],
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

Examples: rocketnest start
          rocketnest start --data /var/lib/rocketnest --flush SYNC_FLUSH --host 10.0.0.5`,

  async start(values, { start, logger, io }) {
    // Here, so that a name server by itself does without the memory of a broker.
    const { Broker } = await import('@rocketnest/broker');
    const host = values['host'] ?? DEFAULT_HOST;
    const flushDiskType = wordOf('--flush', values['flush'] ?? 'ASYNC_FLUSH', ['ASYNC_FLUSH', 'SYNC_FLUSH']);
    const ports = {
      namesrv: portOf('--namesrv-port', values['namesrvPort'] ?? '9876'),
      broker: portOf('--broker-port', values['brokerPort'] ?? '10911'),
    };
    const data = writableDirectory(values['data'] ?? DEFAULT_DATA, 'choose another with --data');

    const namesrv = await start(
      new NameServer({
        host,
        port: ports.namesrv,
        kvConfigPath: join(data, 'namesrv', 'kvConfig.json'),
        configStorePath: join(data, 'namesrv', 'namesrv.properties'),
        logger,
      }),
    );
    const broker = await start(
      new Broker({
        brokerName: BROKER_NAME,
        bindAddress: host,
        // Listening on all addresses: the broker picks the one to announce.
        ...(host !== '0.0.0.0' && host !== '::' && { brokerIP1: host }),
        listenPort: ports.broker,
        namesrvAddr: namesrv.address,
        storePathRootDir: data,
        flushDiskType,
        logger,
      }),
    );
    const { brokerClusterName: clusterName, brokerName } = broker.options;
    await untilRegistered({ clusterName, brokerName, address: broker.address }, [namesrv.address], logger, io.stop);
    return { namesrv: namesrv.address, broker: broker.address };
  },
};
