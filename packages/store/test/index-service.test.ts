import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { extendHashCode, readStored } from '@rocketnest/protocol';
import type { DispatchRequest } from '../src/dispatch.js';
import { type MessageStore, nodeFiles, parseStoreOptions, silentStoreLogger } from '../src/index.js';
import { keyHash } from '../src/index-file.js';
import { IndexService } from '../src/index-service.js';
import { OpenFiles } from '../src/open-files.js';
import {
  closeStores,
  message,
  openStore,
  putAll,
  removeDirectories,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const bodiesOf = async (
  store: MessageStore,
  key: string,
  max = 32,
  begin = 0,
  end = 1e13,
  type?: string,
): Promise<string[]> =>
  (await store.queryByKey('T', key, max, begin, end, type)).messages.map((stored) =>
    readStored.body(stored, 0).toString(),
  );

describe('key hash', () => {
  it("is Java's, made positive", () => {
    expect(keyHash(extendHashCode(0, 'Topic#key'))).toBe(1_904_065_301);
    expect(keyHash(extendHashCode(extendHashCode(0, 'Topic#'), 'key'))).toBe(keyHash(extendHashCode(0, 'Topic#key')));
    expect(keyHash(-5)).toBe(5);
    expect(keyHash(-(2 ** 31))).toBe(0);
  });
});

describe('query by key', () => {
  it('finds a message by unique id, by each of its keys, and by its tags', async () => {
    const store = await openStore(temporaryDirectory());
    await putAll(store, [
      message('a', { properties: { UNIQ_KEY: 'id-a', KEYS: 'order-1 user-7', TAGS: 'new' } }),
      message('b', { properties: { UNIQ_KEY: 'id-b', KEYS: 'user-7', TAGS: 'paid' } }),
      message('c', { topic: 'Other', properties: { KEYS: 'user-7' } }),
      message('d'),
    ]);
    expect(await bodiesOf(store, 'id-a')).toEqual(['a']);
    expect(await bodiesOf(store, 'order-1')).toEqual(['a']);
    expect(await bodiesOf(store, 'user-7')).toEqual(['a', 'b']);
    expect(await bodiesOf(store, 'user')).toEqual([]);
    expect(await bodiesOf(store, 'paid', 32, 0, 1e13, 'T')).toEqual(['b']);
    expect(await bodiesOf(store, 'paid')).toEqual([]);
  });

  it('returns the newest messages, oldest first, limited by maxNum and maxMsgsNumBatch', async () => {
    const store = await openStore(temporaryDirectory(), { maxMsgsNumBatch: 5 });
    await putAll(
      store,
      texts(20).map((text) => message(text, { properties: { KEYS: 'k' } })),
    );
    expect(await bodiesOf(store, 'k', 3)).toEqual(['m17', 'm18', 'm19']);
    expect(await bodiesOf(store, 'k', 100)).toHaveLength(5);
  });

  it('is limited to the time asked for, to the second', async () => {
    let now = 0;
    const store = await openStore(temporaryDirectory(), { clock: { now: () => now } });
    for (const text of texts(10)) {
      now += 10_000;
      await putAll(store, [message(text, { properties: { KEYS: 'k' } })]);
    }
    expect(await bodiesOf(store, 'k', 32, 25_000, 55_000)).toEqual(['m2', 'm3', 'm4']);
    const found = await store.queryByKey('T', 'k', 1, 0, 1e13);
    expect(found).toMatchObject({ lastUpdateTimestamp: 100_000 });
    expect(found.lastCommitLogOffset).toBe(readStored.commitLogOffset(found.messages[0]!, 0));
  });

  it.each([
    ['in memory', false],
    ['after a restart', true],
  ])('works over many index files %s', async (_what, restart) => {
    const directory = temporaryDirectory();
    let store = await openStore(directory);
    for (let i = 0; i < 10; i++) {
      await putAll(
        store,
        texts(50, `r${i}-`).map((text) => message(text, { properties: { KEYS: `${text} all` } })),
      );
    }
    await until(() => readdirSync(`${directory}/index`).length >= 10, 'index files');
    if (restart) {
      await store.close();
      store = await openStore(directory);
    }
    for (const text of ['r0-0', 'r4-25', 'r9-49']) expect(await bodiesOf(store, text)).toEqual([text]);
    expect(await bodiesOf(store, 'all', 64)).toHaveLength(64);
    await putAll(store, [message('more', { properties: { KEYS: 'more all' } })]);
    expect(await bodiesOf(store, 'more')).toEqual(['more']);
    expect((await bodiesOf(store, 'all', 2)).at(-1)).toBe('more');
  });

  it('finds nothing, and writes no index, when it is disabled', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { messageIndexEnable: false });
    await putAll(store, [message('a', { properties: { KEYS: 'k' } })]);
    expect(await bodiesOf(store, 'k')).toEqual([]);
    await store.close();
    expect(readdirSync(directory)).not.toContain('index');
  });

  it('refuses index files of other sizes', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(store, [message('a', { properties: { KEYS: 'k' } })]);
    await store.close();
    await expect(openStore(directory, { maxIndexNum: 200 })).rejects.toThrow(
      /maxHashSlotNum and maxIndexNum it was written with/,
    );
  });
});

const request = (i: number): DispatchRequest => ({
  topic: 'T',
  queueId: 0,
  commitLogOffset: i * 100,
  size: 100,
  tagsCode: 0,
  storeTimestamp: 1_700_000_000_000 + i,
  queueOffset: i,
  messageCount: 1,
  sysFlag: 0,
  properties: { KEYS: keyOf(i) },
});

/** Keys whose hashes are all over the slots. */
const keyOf = (i: number): string => ((i * 2_654_435_761) % 2 ** 32).toString(36);

describe('an index file after a crash', () => {
  it('has its slots, its lost links and its end computed from its entries', async () => {
    const directory = temporaryDirectory();
    const slots = 50;
    const options = parseStoreOptions({ maxHashSlotNum: slots, maxIndexNum: 2_000 });
    const open = (): IndexService =>
      new IndexService(`${directory}/index`, options, nodeFiles, new OpenFiles(nodeFiles, 8), silentStoreLogger);
    const index = open();
    for (let i = 0; i < 1_000; i++) index.put(request(i));
    await index.flush(true);

    const path = `${directory}/index/${readdirSync(`${directory}/index`)[0]}`;
    const bytes = readFileSync(path);
    const entry = (number: number): number => 40 + slots * 4 + number * 20;
    bytes.fill(0, 40, 40 + slots * 4);
    for (let number = 1; number <= 1_000; number += 9) bytes.writeInt32BE(7, entry(number) + 16);
    bytes.writeInt32BE(-1, entry(951)); // What follows cannot be right.
    writeFileSync(path, bytes);

    const crashed = open();
    crashed.loadSync();
    crashed.recoverSync(90_000, false);
    const again = open();
    again.loadSync();
    for (const recovered of [crashed, again]) {
      expect(recovered.endOffset).toBe(89_900);
      for (let i = 0; i < 1_000; i++) {
        const { offsets } = await recovered.query('T', keyOf(i), 32, 0, Number.MAX_SAFE_INTEGER);
        expect([i, offsets]).toEqual([i, i < 900 ? [i * 100] : []]);
      }
    }
  });
});

describe('an index file that is being written', () => {
  it('gets the slots as they were when the flush began, whatever is put meanwhile', async () => {
    const directory = temporaryDirectory();
    const put = (index: IndexService, from: number, to: number): void => {
      for (let i = from; i < to; i++) index.put(request(i));
    };
    const options = parseStoreOptions({ maxHashSlotNum: 500_000, maxIndexNum: 10_000 });
    const open = (): IndexService =>
      new IndexService(`${directory}/index`, options, nodeFiles, new OpenFiles(nodeFiles, 8), silentStoreLogger);
    const index = open();
    put(index, 0, 1_000);
    await index.flush(true); // The file exists.
    put(index, 1_000, 2_000);
    const flushing = index.flush(true);
    // A few at a time, while pieces of the slots are written.
    for (let from = 2_000; from < 6_000; from += 50) {
      put(index, from, from + 50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flushing;
    const [name] = readdirSync(`${directory}/index`);
    const bytes = readFileSync(`${directory}/index/${name}`);
    const count = bytes.readInt32BE(36);
    const newest = Array.from({ length: 500_000 }, (_, slot) => bytes.readInt32BE(40 + slot * 4));
    expect(newest.filter((number) => number >= count)).toEqual([]);
    expect(newest.filter((number) => number > 0).length).toBeGreaterThan(1_900);
    await index.flush(true);
    const again = open();
    again.loadSync();
    for (let i = 0; i < 6_000; i += 7) {
      expect((await again.query('T', keyOf(i), 32, 0, Number.MAX_SAFE_INTEGER)).offsets).toContain(i * 100);
    }
  });
});
