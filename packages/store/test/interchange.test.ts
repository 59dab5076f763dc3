import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type MessageExt, readStored } from '@rocketnest/protocol';
import { dumpCommitLog, type MessageStore } from '../src/index.js';
import { goldenFile, goldenStore, unpack } from './support/golden.js';
import { closeStores, openStore, putAll, readQueue, removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const javaAddress = (address: string): string => (address === '2001:db8::1' ? '2001:db8:0:0:0:0:0:1' : address);

/** The store's content in the shape of the recording. */
async function read(store: MessageStore, keys: readonly string[]): Promise<object[]> {
  const lines: object[] = [{ maxPhy: store.maxCommitLogOffset, minPhy: store.minCommitLogOffset }];
  const queues = [...store.queues()].sort((a, b) =>
    a.topic === b.topic ? a.queueId - b.queueId : a.topic < b.topic ? -1 : 1,
  );
  for (const { topic, queueId } of queues) {
    lines.push({ topic, queueId, min: store.minOffset(topic, queueId), max: store.maxOffset(topic, queueId) });
    for (const one of await readQueue(store, topic, queueId)) {
      const [entry] = await store.consumeQueueEntries(topic, queueId, one.queueOffset, 1);
      lines.push({
        t: topic,
        q: queueId,
        o: one.queueOffset,
        p: one.commitLogOffset,
        body: one.body.toString(),
        tags: one.properties['TAGS'],
        keys: one.properties['KEYS'],
        flag: one.flag,
        tc: entry!.tagsCode,
        ts: one.storeTimestamp,
        born: javaAddress(one.bornHost.address),
      });
    }
  }
  for (const key of keys) {
    const [topic, word, type] = key.split(':') as [string, string, string?];
    const found = await store.queryByKey(topic, word, 64, 0, Date.now(), type);
    lines.push({ key, found: found.messages.map((stored) => readStored.commitLogOffset(stored, 0)) });
  }
  return lines;
}

describe('a store written by Apache RocketMQ 5.5.0', () => {
  it.each(['clean', 'crashed'] as const)('(%s) is read message for message as Apache reads it', async (name) => {
    const golden = goldenStore(name);
    const directory = temporaryDirectory();
    unpack(golden, directory);
    const store = await openStore(directory);
    const keys = golden.expected.flatMap(({ key }) => (typeof key === 'string' ? [key] : []));
    expect(keys.length).toBe(4);
    expect(await read(store, keys)).toEqual(golden.expected);
  });

  it('can be continued', async () => {
    const directory = temporaryDirectory();
    const golden = goldenStore('clean');
    unpack(golden, directory);
    const { max } = golden.expected.find((line) => line['topic'] === 'Topic0' && line['queueId'] === 0) as {
      max: number;
    };
    const store = await openStore(directory);
    const [result] = await putAll(store, [{ ...asPut(allMessages(directory)[0]!), topic: 'Topic0', queueId: 0 }]);
    expect(result!.queueOffset).toBe(max);
    expect((await readQueue(store, 'Topic0', 0)).length).toBe(max + 1);
  });

  it('is the same, byte for byte, when we write the same messages at the same times', async () => {
    const golden = goldenStore('clean');
    const theirs = temporaryDirectory();
    unpack(golden, theirs);
    const messages = allMessages(theirs);
    expect(messages.length).toBe(150);
    const ours = temporaryDirectory();
    let now = 0;
    const store = await openStore(ours, { clock: { now: () => now } });
    for (const one of messages) {
      now = one.storeTimestamp;
      await putAll(store, [asPut(one)]);
    }
    await store.close();
    const kept = (path: string): boolean => /^(commitlog|consumequeue)\//.test(path);
    for (const path of Object.keys(golden.files).filter(kept)) {
      // Apache leaves a file it created ahead; ours may not exist yet.
      const expected = goldenFile(golden, path);
      if (expected.every((byte) => byte === 0)) continue;
      expect({ path, same: readFileSync(`${ours}/${path}`).equals(expected) }).toEqual({ path, same: true });
    }
    // Index files are named by the time they were created at.
    const theirIndex = Object.keys(golden.files)
      .filter((path) => path.startsWith('index/'))
      .sort();
    const ourIndex = readdirSync(`${ours}/index`).sort();
    expect(ourIndex.length).toBe(theirIndex.length);
    theirIndex.forEach((path, i) => {
      expect({ path, same: readFileSync(`${ours}/index/${ourIndex[i]}`).equals(goldenFile(golden, path)) }).toEqual({
        path,
        same: true,
      });
    });
  });
});

function allMessages(directory: string): MessageExt[] {
  return readdirSync(`${directory}/commitlog`)
    .sort()
    .flatMap((name) => [...dumpCommitLog(`${directory}/commitlog/${name}`)])
    .flatMap((item) => (item.kind === 'message' ? [item.message] : []));
}

const asPut = (one: MessageExt): Parameters<MessageStore['putAsync']>[0] => ({ ...one });
