import { freePort } from '../../../test/support/ports.js';
import { accepts } from '../../../test/support/probe.js';
import { lacksProgram } from './programs.js';
import { launch, type ServerKind, temporaryDirectory } from './server.js';

/** With JetStream, whose streams are files; core NATS stores nothing. */
export const nats: ServerKind = {
  missing: () => lacksProgram('nats-server'),
  async start() {
    const directory = await temporaryDirectory('nats');
    const port = await freePort();
    const args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', directory];
    const { child, stop } = await launch('nats-server', directory, { command: 'nats-server', args }, () =>
      accepts(`127.0.0.1:${port}`),
    );
    return { settings: { server: `nats://127.0.0.1:${port}` }, pids: [child.pid], stop };
  },
};
