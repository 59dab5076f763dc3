import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { nodeFiles, silentStoreLogger } from '../src/index.js';
import { firstMessageSync, scanLogSync } from '../src/log-scan.js';
import { Segments } from '../src/segments.js';
import {
  closeStores,
  message,
  openStore,
  putAll,
  removeDirectories,
  SMALL,
  temporaryDirectory,
  texts,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const SEGMENT = SMALL.mappedFileSizeCommitLog;

async function writtenLog(
  count: number,
): Promise<{ segments: Segments; offsets: number[]; end: number; directory: string }> {
  const directory = temporaryDirectory();
  const store = await openStore(directory);
  const results = await putAll(
    store,
    texts(count).map((text) => message(text.padEnd(500, '.'))),
  );
  const end = store.maxCommitLogOffset;
  await store.close();
  const segments = new Segments(nodeFiles, `${directory}/commitlog`, SEGMENT);
  segments.loadSync(silentStoreLogger);
  return { segments, offsets: results.map(({ commitLogOffset }) => commitLogOffset), end, directory };
}

describe('scan of the commit log', () => {
  it('visits every message over all files and ends where nothing was written', async () => {
    const { segments, offsets, end } = await writtenLog(100);
    const visited: number[] = [];
    const result = scanLogSync(nodeFiles, segments, 0, true, (_source, _at, offset) => visited.push(offset) > 0);
    expect(visited).toEqual(offsets);
    expect(result).toEqual({ end, lastMessage: offsets.at(-1), messages: 100, reason: 'nothing was written here' });
  });

  it('stops when the visitor has seen enough', async () => {
    const { segments, offsets } = await writtenLog(10);
    expect(
      scanLogSync(nodeFiles, segments, offsets[3]!, true, (_s, _a, offset) => offset !== offsets[6]),
    ).toMatchObject({
      end: offsets[6],
      messages: 3,
      reason: 'stopped',
    });
  });

  it.each([0, 1, 3, 4, 7, 8, 20, 35, 100, 400, 588])(
    'ends before the last message when it is torn at byte %i',
    async (kept) => {
      const { segments, offsets, directory } = await writtenLog(20);
      const last = offsets.at(-1)!;
      const path = `${directory}/commitlog/00000000000000000000`;
      const bytes = readFileSync(path);
      bytes.fill(0, last + kept);
      writeFileSync(path, bytes);
      expect(scanLogSync(nodeFiles, segments, 0, true, () => true)).toMatchObject({ end: last, messages: 19 });
    },
  );

  it('finds the first message of a file', async () => {
    const { segments, offsets } = await writtenLog(60);
    const first = offsets.find((offset) => offset >= SEGMENT)!;
    expect(firstMessageSync(nodeFiles, segments, SEGMENT)).toMatchObject({ offset: first });
    segments.createSync(segments.end);
    expect(firstMessageSync(nodeFiles, segments, segments.end - SEGMENT)).toBeNull();
  });
});
