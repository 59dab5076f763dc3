import { resolve } from 'node:path';
import { parseAddressList } from '@rocketnest/remoting';
import { registrationOf, untilRegistered } from '../registered.js';
import { readConfigFile, writableDirectory } from '../values.js';
import type { Command } from './command.js';

export const brokerCommand: Command = {
  name: 'broker',
  summary: 'run a broker in the foreground',
  options: [
    [
      '-n, --namesrv-addr <ADDRESSES>',
      'HOST:PORT[;HOST:PORT] of the name servers (default: namesrvAddr of the file, else NAMESRV_ADDR)',
    ],
    ['-c, --config-file <FILE>', "Apache's broker.conf: a Java properties file with Apache's keys"],
  ],
  help: `Prints "ready broker=HOST:PORT" when a name server knows it, so that clients find it; a name server that is not there yet is
waited for. SIGTERM or Ctrl-C stops it.

Without a file: broker named like the host, cluster DefaultCluster, port 10911, data in ~/store, as Apache's broker.
Keys of Apache without an effect here are named in a warning; unknown keys are an error. What an admin changes while the broker runs
(mqadmin updateBrokerConfig) is written to the file; without one, to config/broker.properties in the data directory, which is read
only when it is given with -c, as Apache does.

Environment: NAMESRV_ADDR, as Apache's broker reads it.
Example: rocketnest broker -n 127.0.0.1:9876 -c broker.conf`,

  async start({ namesrvAddr, configFile }, { start, logger, io }) {
    // Here, so that a name server by itself does without the memory of a broker.
    const { Broker, readBrokerProperties } = await import('@rocketnest/broker');
    const { options, foreign } = readBrokerProperties(configFile === undefined ? '' : readConfigFile(configFile));
    for (const key of foreign.keys()) {
      logger.warn(`broker option ${key} is known to Apache RocketMQ but has no effect here`);
    }
    const addresses = namesrvAddr ?? options.namesrvAddr ?? io.env['NAMESRV_ADDR'] ?? '';
    const namesrvAddrs = addresses === '' ? [] : parseAddressList(addresses);
    const broker = new Broker({
      ...options,
      foreignOptions: foreign,
      ...(configFile !== undefined && { brokerConfigPath: resolve(configFile) }),
      namesrvAddr: namesrvAddrs.join(';'),
      logger,
    });
    writableDirectory(
      broker.options.storePathRootDir,
      'choose another with storePathRootDir in the file given with -c',
    );
    await start(broker);
    if (namesrvAddrs.length === 0)
      logger.warn('no name server is known, so clients cannot find this broker: give one with -n');
    else await untilRegistered(registrationOf(broker), namesrvAddrs, logger, io.stop);
    return { broker: broker.address };
  },
};
