import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readStored } from '@rocketnest/protocol';
import type { MessageStore } from '../src/index.js';
import { FaultyFiles } from './support/faulty-files.js';
import {
  bodies,
  closeStores,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  SMALL,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const SEGMENT = SMALL.mappedFileSizeCommitLog;
const segment = (directory: string, base: number): string => `${directory}/commitlog/${String(base).padStart(20, '0')}`;

/** What a machine would find that loses power now, as far as the page cache had it: a copy of the running store. */
function crashCopy(directory: string): string {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Overwrites bytes of the log; `at` is a log offset. */
function overwrite(directory: string, at: number, bytes: Buffer): void {
  const base = at - (at % SEGMENT);
  const content = readFileSync(segment(directory, base));
  bytes.copy(content, at - base);
  writeFileSync(segment(directory, base), content);
}

const keysOf = (text: string): Record<string, string> => ({ UNIQ_KEY: `U${text}`, KEYS: text, TAGS: 'tag' });

async function expectQueryable(store: MessageStore, text: string, times = 1): Promise<void> {
  const found = await store.queryByKey('T', text, 32, 0, Date.now() + 1000);
  expect(found.messages.map((stored) => readStored.body(stored, 0).toString())).toEqual(Array(times).fill(text));
}

describe('after a crash', () => {
  it('finds everything that was acknowledged, in log, consume queue and index, and goes on', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(200).map((text) => message(text.padEnd(0), { properties: keysOf(text) })),
    );
    const recovered = await openStore(crashCopy(directory));
    expect(bodies(await readQueue(recovered))).toEqual(texts(200));
    for (const text of ['m0', 'm99', 'm199']) await expectQueryable(recovered, text);
    expect((await putAll(recovered, [message('next')]))[0]!.queueOffset).toBe(200);
  });

  it('cuts a torn last message, at whatever byte it is torn', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const last = (
      await putAll(
        store,
        ['a', 'bb', 'last one'].map((text) => message(text, { properties: keysOf(text) })),
      )
    ).at(-1)!;
    const whole = crashCopy(directory);
    const bytes = readFileSync(segment(whole, 0)).subarray(0, last.commitLogOffset + last.bytes);
    for (let kept = 0; kept <= last.bytes; kept++) {
      const torn = crashCopy(whole);
      // Bytes that did not reach the disk read as zeros.
      overwrite(torn, last.commitLogOffset + kept, Buffer.alloc(last.bytes - kept));
      const isWhole = readFileSync(segment(torn, 0)).subarray(0, bytes.length).equals(bytes);
      const files = new FaultyFiles();
      files.skipSyncs = true;
      const recovered = await openStore(torn, { files });
      const expected = isWhole ? ['a', 'bb', 'last one'] : ['a', 'bb'];
      expect([kept, bodies(await readQueue(recovered))]).toEqual([kept, expected]);
      const [next] = await putAll(recovered, [message('next')]);
      expect(next).toMatchObject({
        queueOffset: expected.length,
        commitLogOffset: last.commitLogOffset + (isWhole ? last.bytes : 0),
      });
      expect(bodies(await readQueue(recovered))).toEqual([...expected, 'next']);
      await recovered.close();
      rmSync(torn, { recursive: true });
    }
  }, 180_000);

  it('does not take whole messages behind the end, left from an older life of the file, for new ones', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const [first, second, third] = await putAll(store, [message('first'), message('other'), message('third')]);
    const crashed = crashCopy(directory);
    // The second message is damaged; the third is whole, but nobody can reach it any more.
    overwrite(crashed, second!.commitLogOffset + 4, Buffer.from('XXXX'));
    const recovered = await openStore(crashed);
    expect(bodies(await readQueue(recovered))).toEqual(['first']);
    expect(recovered.maxCommitLogOffset).toBe(first!.bytes);
    await putAll(recovered, [message('again')]);
    const twice = await openStore(crashCopy(crashed));
    expect(bodies(await readQueue(twice))).toEqual(['first', 'again']);
    expect(twice.maxCommitLogOffset).toBe(third!.commitLogOffset);
  });

  it('ends the log at a message whose body does not match its CRC', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const [, second] = await putAll(store, [message('first'), message('second'), message('third')]);
    const crashed = crashCopy(directory);
    const at = second!.commitLogOffset + second!.bytes - 'second'.length - 'T'.length - 3;
    overwrite(crashed, at, Buffer.from('S'));
    expect(bodies(await readQueue(await openStore(crashed)))).toEqual(['first']);
  });

  it('cuts entries of lost messages from consume queues and index', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { flushConsumeQueueThoroughInterval: 1 });
    const results = await putAll(
      store,
      texts(100).map((text) => message(text, { properties: keysOf(text) })),
    );
    await store.close();
    writeFileSync(`${directory}/abort`, '1');
    const cut = results[60]!.commitLogOffset;
    overwrite(directory, cut, Buffer.alloc(SEGMENT - (cut % SEGMENT)));
    const recovered = await openStore(directory);
    expect(bodies(await readQueue(recovered))).toEqual(texts(60));
    expect(recovered.maxOffset('T', 0)).toBe(60);
    await expectQueryable(recovered, 'm59');
    await expectQueryable(recovered, 'm60', 0);
    await putAll(recovered, [message('m60', { properties: keysOf('m60') })]);
    await expectQueryable(recovered, 'm60');
    await recovered.close();
    const again = await openStore(directory);
    expect(bodies(await readQueue(again))).toEqual(texts(61));
  });

  it('reads the log from the message of its own checkpoint on, from further back when Apache wrote it', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, { flushIntervalConsumeQueue: 5, flushConsumeQueueThoroughInterval: 1 });
    await putAll(
      store,
      texts(50).map((text) => message(text, { properties: keysOf(text) })),
    );
    const [last] = await putAll(store, [message('last')]);
    const field = (): number => Number(readFileSync(`${directory}/checkpoint`).readBigInt64BE(40));
    await until(() => field() === last!.commitLogOffset, 'the checkpoint');
    const ours = crashCopy(directory);
    const theirs = crashCopy(directory);
    const checkpoint = readFileSync(`${theirs}/checkpoint`);
    checkpoint.writeBigInt64BE(checkpoint.readBigInt64BE(0) + 1n, 0);
    writeFileSync(`${theirs}/checkpoint`, checkpoint);
    for (const [copy, messages] of [
      [ours, 1],
      [theirs, 51],
    ] as const) {
      const lines: object[] = [];
      const note = (_text: string, fields?: object): void => void lines.push(fields ?? {});
      const recovered = await openStore(copy, { logger: { debug: note, info: note, warn: note, error: note } });
      expect(lines).toContainEqual(expect.objectContaining({ lastStop: 'crash', messages }));
      expect(bodies(await readQueue(recovered))).toEqual([...texts(50), 'last']);
      for (const text of ['m0', 'm49']) await expectQueryable(recovered, text);
    }
  });

  it('survives a second crash during or right after recovery', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(120).map((text) => message(text, { properties: keysOf(text) })),
    );
    const once = crashCopy(directory);
    await openStore(once);
    const twice = await openStore(crashCopy(once));
    expect(bodies(await readQueue(twice))).toEqual(texts(120));
    await expectQueryable(twice, 'm119');
  });

  it('removes a file that was created ahead, and one that was created but not yet sized', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(store, [message(Buffer.alloc(10_000))]);
    await store.close();
    writeFileSync(`${directory}/abort`, '1');
    writeFileSync(segment(directory, SEGMENT), Buffer.alloc(SEGMENT));
    writeFileSync(segment(directory, 2 * SEGMENT), '');
    const recovered = await openStore(directory);
    expect(readdirSync(`${directory}/commitlog`)).toEqual(['00000000000000000000']);
    await putAll(recovered, [message(Buffer.alloc(10_000))]);
    expect((await readQueue(recovered)).length).toBe(2);
  });
});

describe('derived data', () => {
  it.each([
    ['a clean stop', true],
    ['a crash', false],
  ])('consume queues are rebuilt when their directory is gone after %s', async (_what, clean) => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const queues = [0, 1, 2];
    await putAll(
      store,
      texts(300).map((text, i) => message(text.padEnd(300, '.'), { queueId: i % 3, properties: { TAGS: `tag${i}` } })),
    );
    const before = await Promise.all(queues.map((queueId) => store.consumeQueueEntries('T', queueId, 0, 20)));
    await store.close();
    rmSync(`${directory}/consumequeue`, { recursive: true });
    if (!clean) writeFileSync(`${directory}/abort`, '1');
    const rebuilt = await openStore(directory);
    expect(queues.map((queueId) => rebuilt.maxOffset('T', queueId))).toEqual([100, 100, 100]);
    expect(await Promise.all(queues.map((queueId) => rebuilt.consumeQueueEntries('T', queueId, 0, 20)))).toEqual(
      before,
    );
    expect((await readQueue(rebuilt, 'T', 1)).length).toBe(100);
  });

  it('is emptied when the commit log is gone', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(30).map((text) => message(text, { properties: keysOf(text) })),
    );
    await store.close();
    rmSync(`${directory}/commitlog`, { recursive: true });
    const empty = await openStore(directory);
    expect(empty.maxCommitLogOffset).toBe(0);
    expect(empty.maxOffset('T', 0)).toBe(0);
    await expectQueryable(empty, 'm3', 0);
    expect((await putAll(empty, [message('new')]))[0]).toMatchObject({ queueOffset: 0, commitLogOffset: 0 });
    expect(bodies(await readQueue(empty))).toEqual(['new']);
  });

  it('keeps queue offsets of a queue whose first messages were deleted with their files', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const results = await putAll(
      store,
      texts(100).map((text) => message(text.padEnd(500, '.'))),
    );
    await store.close();
    rmSync(segment(directory, 0));
    rmSync(`${directory}/consumequeue`, { recursive: true });
    const rebuilt = await openStore(directory);
    const first = results.findIndex(({ commitLogOffset }) => commitLogOffset >= SEGMENT);
    expect(rebuilt.minOffset('T', 0)).toBe(first);
    expect(rebuilt.maxOffset('T', 0)).toBe(100);
    expect((await readQueue(rebuilt))[0]!.queueOffset).toBe(first);
    await rebuilt.close();
    // The entries before are fillers in the file; they must not count after a restart either.
    const again = await openStore(directory);
    expect(again.minOffset('T', 0)).toBe(first);
    expect(await again.get('T', 0, 0, 32, 1e6)).toMatchObject({ status: 'OFFSET_TOO_SMALL', nextBeginOffset: first });
  });

  it('after a clean stop, recovery reads only what the consume queues do not vouch for', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(100).map((text) => message(text)),
    );
    await store.close();
    const lines: object[] = [];
    const note = (_text: string, fields?: object): void => void lines.push(fields ?? {});
    await openStore(directory, { logger: { debug: note, info: note, warn: note, error: note } });
    expect(lines).toContainEqual(expect.objectContaining({ lastStop: 'clean', messages: 0 }));
  });
});

describe('a consume queue', () => {
  it.each(['clean', 'crash'])('that lacks a file in the middle is rebuilt (%s)', async (stop) => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    await putAll(
      store,
      texts(90).map((text, i) => message(text, { queueId: i % 2 })),
    );
    await store.close();
    rmSync(`${directory}/consumequeue/T/1/00000000000000000400`);
    if (stop === 'crash') writeFileSync(`${directory}/abort`, '');
    const again = await openStore(directory);
    for (const queueId of [0, 1]) {
      expect(bodies(await readQueue(again, 'T', queueId))).toEqual(texts(90).filter((_, i) => i % 2 === queueId));
    }
  });
});
