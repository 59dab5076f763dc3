import { readFile } from 'node:fs/promises';
import { parseBrokerProperties } from '@rocketnest/broker';
import { Admin } from '@rocketnest/client';
import { startEmbeddedServers } from '@rocketnest/nestjs';
import { Topics } from '../common/topics.js';
import type { Narrator } from './narrator.js';

/** Names of the topics the story needs before the first message; the dead letter topic too, so that its listener starts at once. */
const topics = [...Object.values(Topics), '%DLQ%shop-user-sms'];

export interface Messaging {
  readonly namesrvAddr: string;
  close(): Promise<void>;
}

/** The servers of `ROCKETMQ_NAMESRV`, or an embedded name server and broker that keep their data in `dataDir`. */
export async function openMessaging(dataDir: string, narrator: Narrator): Promise<Messaging> {
  const given = process.env['ROCKETMQ_NAMESRV'];
  if (given !== undefined) {
    narrator.say(`uses the RocketMQ cluster of name server ${given}`);
    await createTopics(given);
    return { namesrvAddr: given, close: async () => {} };
  }
  const settings = await readFile(new URL('../../broker.conf', import.meta.url), 'utf8');
  const servers = await startEmbeddedServers({ rootDir: dataDir, broker: parseBrokerProperties(settings) });
  narrator.say(`name server and broker run in this process, name server ${servers.namesrvAddr}`);
  await createTopics(servers.namesrvAddr);
  return servers;
}

async function createTopics(namesrvAddr: string): Promise<void> {
  const admin = new Admin({ namesrvAddr });
  await admin.start();
  try {
    for (const topic of topics) await admin.topics.create({ topic, queues: 4 });
  } finally {
    await admin.close();
  }
}
