import { readFile } from 'node:fs/promises';
import { parseBrokerProperties } from '@rocketnest/broker';
import { startEmbeddedServers } from '@rocketnest/nestjs';
import type { Narrator } from './narrator.js';

export interface Messaging {
  readonly namesrvAddr: string;
  close(): Promise<void>;
}

/** The servers of `ROCKETMQ_NAMESRV`, or an embedded name server and broker that keep their data in `dataDir`. */
export async function openMessaging(dataDir: string, narrator: Narrator): Promise<Messaging> {
  const given = process.env['ROCKETMQ_NAMESRV'];
  if (given !== undefined) {
    narrator.say(`uses the RocketMQ cluster of name server ${given}`);
    return { namesrvAddr: given, close: async () => {} };
  }
  const settings = await readFile(new URL('../../broker.conf', import.meta.url), 'utf8');
  const servers = await startEmbeddedServers({ rootDir: dataDir, broker: parseBrokerProperties(settings) });
  narrator.say(`name server and broker run in this process, name server ${servers.namesrvAddr}`);
  return servers;
}
