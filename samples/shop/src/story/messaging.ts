import { readFile } from 'node:fs/promises';
import { parseBrokerProperties } from '@rocketnest/broker';
import { Admin } from '@rocketnest/client';
import { startEmbeddedServers } from '@rocketnest/nestjs';
import type { Narrator } from './narrator.js';

export interface Messaging {
  readonly namesrvAddr: string;
  /** Whether all brokers filter by SQL92 (`enablePropertyFilter`), which Apache's do only when they are told to. */
  readonly hasSql92: boolean;
  close(): Promise<void>;
}

/** The servers of `ROCKETMQ_NAMESRV`, or an embedded name server and broker that keep their data in `dataDir`. */
export async function openMessaging(dataDir: string, narrator: Narrator): Promise<Messaging> {
  const given = process.env['ROCKETMQ_NAMESRV'];
  if (given !== undefined) {
    narrator.say(`uses the RocketMQ cluster of name server ${given}`);
    return { namesrvAddr: given, hasSql92: await filtersBySql92(given), close: async () => {} };
  }
  const settings = await readFile(new URL('../../broker.conf', import.meta.url), 'utf8');
  const servers = await startEmbeddedServers({ rootDir: dataDir, broker: parseBrokerProperties(settings) });
  narrator.say(`name server and broker run in this process, name server ${servers.namesrvAddr}`);
  return { ...servers, hasSql92: true };
}

async function filtersBySql92(namesrvAddr: string): Promise<boolean> {
  const admin = new Admin({ namesrvAddr });
  await admin.start();
  try {
    const { items } = await admin.brokers.config();
    return items.every(({ properties }) => properties['enablePropertyFilter'] === 'true');
  } finally {
    await admin.close();
  }
}
