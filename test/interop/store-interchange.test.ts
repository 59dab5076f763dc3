import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { java } from '../support/java.js';
import { type OutMessage, receivedContent, receivedMessages, sentContent } from '../support/peer.js';
import { Servers, type Target } from '../support/servers.js';

const TOPICS = ['Orders', 'Payments', 'Shipments', 'Returns'];
const MESSAGES = 10_000;
const CONSUMED_BEFORE = 100;
const KILLED_AFTER = 1_000;

function messages(count: number): OutMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    topic: TOPICS[i % TOPICS.length]!,
    body: Buffer.from(`${i} `.repeat(1 + (i % 50))),
    tags: `Tag${i % 7}`,
    keys: `key-${i}`,
    properties: { number: `${i}`, 备注: '换' },
  }));
}

/** Who writes, then who continues on the same files. */
const directions: readonly (readonly [Target, Target])[] = [
  ['rocketnest', 'apache'],
  ['apache', 'rocketnest'],
];

describe.each(directions)('a storePathRootDir written by %s and continued by %s', (writer, reader) => {
  const client = java();
  let storeDir: string;

  beforeEach(async () => {
    storeDir = await mkdtemp(join(tmpdir(), 'rocketnest-interchange-'));
  });

  afterEach(async () => {
    await rm(storeDir, { recursive: true, force: true });
  });

  afterAll(async () => {
    await client.close();
  });

  /** Reads every topic from the start: exactly these messages, each at a place of its own. */
  async function expectAll(namesrvAddr: string, sent: readonly OutMessage[]): Promise<void> {
    for (const topic of TOPICS) {
      await using consumer = await client.consume({ namesrvAddr, group: 'readers', topic });
      const ofTopic = sent.filter((message) => message.topic === topic);
      const received = await receivedMessages(consumer, ofTopic.length);
      expect(receivedContent(received)).toEqual(sentContent(ofTopic));
      const places = received.map(({ queueId, queueOffset }) => `${queueId}:${queueOffset}`);
      expect(new Set(places).size).toBe(ofTopic.length);
    }
  }

  it(`gives back all ${MESSAGES} messages, consumer offsets, topics and keys, and takes new messages`, async () => {
    const sent = messages(MESSAGES);
    const early = sent.slice(0, CONSUMED_BEFORE).map((message) => ({ ...message, topic: 'Early' }));
    {
      await using servers = await Servers.start(writer, { storeDir });
      const { namesrvAddr } = servers;
      await client.send('async', { namesrvAddr, group: 'writers' }, [...early, ...sent]);
      await using consumer = await client.consume({ namesrvAddr, group: 'continuing', topic: 'Early' });
      await receivedMessages(consumer, early.length);
    }

    await using servers = await Servers.start(reader, { storeDir });
    const { namesrvAddr } = servers;
    await expectAll(namesrvAddr, sent);

    const [found] = await client.queryByKey(namesrvAddr, TOPICS[1]!, 'key-4321');
    expect(found?.body.toString()).toBe(sent[4321]!.body.toString());

    // The group goes on where it was: of a topic that it has consumed it gets the new messages only.
    const later = [{ topic: 'Early', body: Buffer.from('after the change'), keys: 'later' }];
    await client.send('sync', { namesrvAddr, group: 'writers' }, later);
    await using continuing = await client.consume({ namesrvAddr, group: 'continuing', topic: 'Early' });
    expect(receivedContent(await receivedMessages(continuing, 1))).toEqual(sentContent(later));
  });

  it('gives back every acknowledged message after kill -9 of the writer', async () => {
    const sent = messages(KILLED_AFTER);
    {
      await using servers = await Servers.start(writer, { storeDir, broker: { flushDiskType: 'SYNC_FLUSH' } });
      await client.send('async', { namesrvAddr: servers.namesrvAddr, group: 'writers' }, sent);
      await servers.kill();
    }
    await using servers = await Servers.start(reader, { storeDir });
    await expectAll(servers.namesrvAddr, sent);
  });
});
