import { Redis } from 'ioredis';
import { freePort } from '../../../test/support/ports.js';
import { lacksProgram } from './programs.js';
import { launch, type ServerKind, temporaryDirectory } from './server.js';

const HOST = '127.0.0.1';

/** @param appendfsync `everysec` and `always` log every write; null keeps everything in memory only */
export const redis = (appendfsync: 'everysec' | 'always' | null): ServerKind => ({
  missing: () => lacksProgram('redis-server'),
  async start() {
    const directory = await temporaryDirectory('redis');
    const port = await freePort();
    const log = appendfsync === null ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', appendfsync];
    const args = ['--bind', HOST, '--port', String(port), '--dir', directory, '--save', '', ...log];
    const { child, stop } = await launch('redis-server', directory, { command: 'redis-server', args }, async () => {
      const client = new Redis({ host: HOST, port, lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => undefined);
      try {
        await client.connect();
        return (await client.ping()) === 'PONG';
      } finally {
        client.disconnect();
      }
    });
    return { settings: { host: HOST, port, concurrency: 100 }, pids: [child.pid], stop };
  },
});
