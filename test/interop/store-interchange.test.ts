import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@rocketnest/testing';
import { java } from '../support/java.js';
import { type OutMessage, receivedContent, receivedMessages, sentContent } from '../support/peer.js';
import { Servers, type Target } from '../support/servers.js';

const TOPICS = ['Orders', 'Payments', 'Shipments', 'Returns'];
const MESSAGES = 10_000;
const CONSUMED_BEFORE = 100;
const KILLED_AFTER = 1_000;
/** Every test changes servers within level 2, so that its messages are due from the reader; level 3 is not due in any test. */
const broker = { messageDelayLevel: '1s 15s 2h', transactionTimeOut: 1_000 };
/** A writer must not ask for what the reader shall ask for, nor the reader give up before there is a producer to answer. */
const writing = { ...broker, transactionCheckInterval: 600_000 };
const reading = { ...broker, transactionCheckInterval: 1_000, transactionCheckMax: 10_000 };

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

  /**
   * Leaves unfinished work behind: delayed messages, one of which has been delivered, and undecided transactions.
   * Returns what is to come from the reader, by topic.
   */
  async function leaveUnfinished(namesrvAddr: string): Promise<Readonly<Record<string, readonly OutMessage[]>>> {
    const group = 'unfinished';
    const delayed = (body: string, delayLevel: number) => ({
      topic: 'Delayed',
      body: Buffer.from(body),
      tags: 'TagA',
      keys: `delayed-${body}`,
      delayLevel,
    });
    const due = [delayed('one', 2), delayed('two', 2)];
    await client.send('sync', { namesrvAddr, group }, [delayed('at once', 1), ...due, delayed('much later', 3)]);
    {
      await using consumer = await client.consume({ namesrvAddr, group: 'of-delayed', topic: 'Delayed' });
      await receivedMessages(consumer, 1);
    }
    const undecided = (body: string, checkOutcome: 'COMMIT' | 'ROLLBACK') =>
      ({ topic: 'Transactions', body: Buffer.from(body), tags: 'TagA', outcome: 'UNKNOWN', checkOutcome }) as const;
    const commits = [undecided('commit 1', 'COMMIT'), undecided('commit 2', 'COMMIT')];
    const decided = { topic: 'Transactions', body: Buffer.from('decided'), outcome: 'COMMIT' } as const;
    await using _ = await client.sendInTransaction({ namesrvAddr, group }, [
      decided,
      undecided('rollback', 'ROLLBACK'),
      ...commits,
    ]);
    return { Delayed: due, Transactions: [decided, ...commits] };
  }

  /** What was left behind is finished: each delayed message and each transaction, but nothing that was not due. */
  async function expectFinished(
    namesrvAddr: string,
    unfinished: Readonly<Record<string, readonly OutMessage[]>>,
    deliveredBefore: readonly string[],
  ): Promise<void> {
    const answered = { topic: 'Answers', body: Buffer.from('answering'), outcome: 'COMMIT' } as const;
    await using answering = await client.sendInTransaction({ namesrvAddr, group: 'unfinished' }, [answered]);
    for (const [topic, messages] of Object.entries(unfinished)) {
      await using consumer = await client.consume({ namesrvAddr, group: `of-${topic.toLowerCase()}`, topic });
      const expected = new Set(messages.map(({ body }) => body.toString()));
      const distinct = () => new Set(consumer.received.map(({ body }) => body.toString()));
      await waitFor(() => [...expected].every((body) => distinct().has(body)), {
        timeoutMs: 120_000,
        what: `${[...expected]} of ${topic}`,
      });
      for (const body of distinct()) expect([...expected, ...deliveredBefore]).toContain(body);
    }
    expect(answering.checked.map(({ body }) => body.toString())).toEqual(
      expect.arrayContaining(['commit 1', 'commit 2', 'rollback']),
    );
    const [found] = await client.queryByKey(namesrvAddr, 'Delayed', 'delayed-two');
    expect(found?.body.toString()).toBe('two');
  }

  it(`gives back all ${MESSAGES} messages, offsets, topics and keys, and finishes what was under way`, async () => {
    const sent = messages(MESSAGES);
    const early = sent.slice(0, CONSUMED_BEFORE).map((message) => ({ ...message, topic: 'Early' }));
    let unfinished: Awaited<ReturnType<typeof leaveUnfinished>>;
    {
      await using servers = await Servers.start(writer, { storeDir, broker: writing });
      const { namesrvAddr } = servers;
      await client.send('async', { namesrvAddr, group: 'writers' }, [...early, ...sent]);
      await using consumer = await client.consume({ namesrvAddr, group: 'continuing', topic: 'Early' });
      await receivedMessages(consumer, early.length);
      unfinished = await leaveUnfinished(namesrvAddr);
    }

    await using servers = await Servers.start(reader, { storeDir, broker: reading });
    const { namesrvAddr } = servers;
    await expectAll(namesrvAddr, sent);

    const [found] = await client.queryByKey(namesrvAddr, TOPICS[1]!, 'key-4321');
    expect(found?.body.toString()).toBe(sent[4321]!.body.toString());

    // The group goes on where it was: of a topic that it has consumed it gets the new messages only.
    const later = [{ topic: 'Early', body: Buffer.from('after the change'), keys: 'later' }];
    await client.send('sync', { namesrvAddr, group: 'writers' }, later);
    await using continuing = await client.consume({ namesrvAddr, group: 'continuing', topic: 'Early' });
    expect(receivedContent(await receivedMessages(continuing, 1))).toEqual(sentContent(later));
    await expectFinished(namesrvAddr, unfinished, []);
  });

  it('gives back every acknowledged message after kill -9 of the writer, and finishes what was under way', async () => {
    const sent = messages(KILLED_AFTER);
    let unfinished: Awaited<ReturnType<typeof leaveUnfinished>>;
    {
      await using servers = await Servers.start(writer, {
        storeDir,
        broker: { ...writing, flushDiskType: 'SYNC_FLUSH' },
      });
      const { namesrvAddr } = servers;
      await client.send('async', { namesrvAddr, group: 'writers' }, sent);
      unfinished = await leaveUnfinished(namesrvAddr);
      await servers.kill();
    }
    await using servers = await Servers.start(reader, { storeDir, broker: reading });
    const { namesrvAddr } = servers;
    await expectAll(namesrvAddr, sent);
    const [found] = await client.queryByKey(namesrvAddr, TOPICS[777 % TOPICS.length]!, 'key-777');
    expect(found?.keys).toBe('key-777');
    // Progress that was not written down yet is made again.
    await expectFinished(namesrvAddr, unfinished, ['at once']);
  });
});
