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

function messages(): OutMessage[] {
  return Array.from({ length: MESSAGES }, (_, i) => ({
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

  it(`gives back all ${MESSAGES} messages, consumer offsets, topics and keys, and takes new messages`, async () => {
    const sent = messages();
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
    for (const topic of TOPICS) {
      await using consumer = await client.consume({ namesrvAddr, group: 'readers', topic });
      const ofTopic = sent.filter((message) => message.topic === topic);
      const received = await receivedMessages(consumer, ofTopic.length);
      expect(receivedContent(received)).toEqual(sentContent(ofTopic));
      const positions = received.map(({ queueId, queueOffset }) => `${queueId}:${queueOffset}`);
      expect(new Set(positions).size).toBe(ofTopic.length);
    }

    const [found] = await client.queryByKey(namesrvAddr, TOPICS[1]!, 'key-4321');
    expect(found?.body.toString()).toBe(sent[4321]!.body.toString());

    // The group goes on where it was: of a topic that it has consumed it gets the new messages only.
    const later = [{ topic: 'Early', body: Buffer.from('after the change'), keys: 'later' }];
    await client.send('sync', { namesrvAddr, group: 'writers' }, later);
    await using continuing = await client.consume({ namesrvAddr, group: 'continuing', topic: 'Early' });
    expect(receivedContent(await receivedMessages(continuing, 1))).toEqual(sentContent(later));
  });
});
