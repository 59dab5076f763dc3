import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../test/support/ports.js';
import { accepts } from '../../../test/support/probe.js';
import { findProgram, lacksProgram } from './programs.js';
import { launch, type Server, type ServerKind, temporaryDirectory } from './server.js';

/** Messages that a consumer holds unacknowledged, at most. */
const PREFETCH = 250;

export const rabbitmq: ServerKind = {
  missing: () => lacksProgram('rabbitmq-server') ?? lacksProgram('epmd', 'erlang-base'),
  start,
};

async function start(): Promise<Server> {
  const directory = await temporaryDirectory('rabbitmq');
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  // Erlang would start its port mapper as a daemon, which stays; this one goes with the server.
  const epmdDirectory = await temporaryDirectory('epmd');
  const epmd = await launch(
    'epmd',
    epmdDirectory,
    { command: findProgram('epmd')!, args: ['-address', '127.0.0.1', '-port', String(epmdPort)] },
    () => accepts(`127.0.0.1:${epmdPort}`),
  );
  const conf = join(directory, 'rabbitmq.conf');
  await writeFile(conf, `listeners.tcp.1 = 127.0.0.1:${port}\nlog.file.level = warning\n`);
  await writeFile(join(directory, 'enabled_plugins'), '[].\n');
  await mkdir(join(directory, 'data'));
  const env = {
    HOME: directory, // For the cookie.
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: 'bench@localhost',
    RABBITMQ_CONFIG_FILE: conf,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_ALLOW_INPUT: '1', // One process: the script becomes the server.
  };
  try {
    const command = { command: findProgram('rabbitmq-server')!, args: [], env };
    const { child, stop } = await launch('rabbitmq-server', directory, command, () => accepts(`127.0.0.1:${port}`));
    return {
      settings: { url: `amqp://guest:guest@127.0.0.1:${port}`, prefetch: PREFETCH },
      pids: [child.pid],
      stop: async () => {
        await stop();
        await epmd.stop();
      },
    };
  } catch (error) {
    await epmd.stop();
    throw error;
  }
}
