import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { NameServer, parseNamesrvProperties } from '@rocketnest/namesrv';
import { portOf, readConfigFile } from '../values.js';
import type { Command } from './command.js';

export const namesrvCommand: Command = {
  name: 'namesrv',
  summary: 'run a name server in the foreground',
  options: [
    ['-p, --port <PORT>', 'port to listen on, 0 picks a free one (default: listenPort of the file, else 9876)'],
    ['-c, --config-file <FILE>', "Apache's namesrv.conf: a Java properties file with Apache's keys"],
  ],
  help: `Prints "ready namesrv=HOST:PORT" when clients can use it; SIGTERM or Ctrl-C stops it.

Without kvConfigPath and configStorePath in the file, the key-value configuration is kept where Apache keeps it, in
~/namesrv/kvConfig.json, and changed options go to FILE, or ~/namesrv/namesrv.properties.
Keys of Apache without an effect here are named in a warning; unknown keys are an error.

Example: rocketnest namesrv -p 9876`,

  async start({ port, configFile }, { start, logger }) {
    const fromFile = configFile === undefined ? {} : parseNamesrvProperties(readConfigFile(configFile), logger.warn);
    const home = join(homedir(), 'namesrv');
    const namesrv = await start(
      new NameServer({
        kvConfigPath: join(home, 'kvConfig.json'),
        configStorePath: configFile === undefined ? join(home, 'namesrv.properties') : resolve(configFile),
        ...fromFile,
        ...(port !== undefined && { port: portOf('--port', port) }),
        logger,
      }),
    );
    return { namesrv: namesrv.address };
  },
};
