import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Admin } from '@rocketnest/client';
import { Servers } from '../../../test/support/servers.js';
import { TOPIC } from '../apps/rocketnest.js';
import type { ServerKind } from './server.js';

const QUEUES = 8;

const bin = fileURLToPath(new URL('../../../packages/cli/dist/esm/bin.js', import.meta.url));

/** Name server and broker of RocketNest as two processes, with the file size that is used in production. */
export const rocketnest = (flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH'): ServerKind => ({
  missing: () => (existsSync(bin) ? null : 'the packages are not built: npm run build'),
  async start() {
    const servers = await Servers.start('rocketnest', {
      broker: { flushDiskType, mappedFileSizeCommitLog: 1024 * 1024 * 1024 },
    });
    const { namesrvAddr } = servers;
    await createTopic(namesrvAddr);
    return {
      settings: { namesrvAddr, group: 'bench' },
      pids: [servers.namesrv.pid, servers.broker.pid],
      stop: () => servers[Symbol.asyncDispose](),
    };
  },
});

async function createTopic(namesrvAddr: string): Promise<void> {
  const admin = new Admin({ namesrvAddr });
  await admin.start();
  try {
    await admin.topics.createAll([{ topic: TOPIC, queues: QUEUES }]);
  } finally {
    await admin.close();
  }
}
