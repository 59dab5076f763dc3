import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ConsumeQueue, EntryBlock } from '../src/consume-queue.js';
import { nodeFiles, silentStoreLogger } from '../src/index.js';
import { OpenFiles } from '../src/open-files.js';
import { SimpleConsumeQueue } from '../src/simple-consume-queue.js';
import { removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(removeDirectories);

const PER_FILE = 10;

function openQueue(directory: string): ConsumeQueue {
  const queue = new SimpleConsumeQueue({
    topic: 'T',
    topicBytes: Buffer.from('T'),
    queueId: 0,
    directory,
    fileSize: PER_FILE * 20,
    files: nodeFiles,
    openFiles: new OpenFiles(nodeFiles, 8),
    logger: silentStoreLogger,
  });
  queue.loadSync();
  return queue;
}

const offsetsIn = ({ values, count }: EntryBlock): number[] => Array.from({ length: count }, (_, i) => values[i * 3]!);

function fill(queue: ConsumeQueue, from: number, to: number): void {
  for (let i = from; i < to; i++) queue.append(i * 100, 100, 7 - i, i, 0, 1);
}

describe('consume queue', () => {
  it('writes 20 bytes per entry: log offset, size, tags code', async () => {
    const directory = temporaryDirectory();
    const queue = openQueue(directory);
    queue.append(2 ** 40 + 7, 321, -1, 0, 0, 1);
    queue.append(2 ** 40 + 900, 5, 1_700_000_000_123, 1, 0, 1);
    await queue.flush(true);
    const bytes = readFileSync(`${directory}/00000000000000000000`);
    expect(bytes.length).toBe(PER_FILE * 20);
    expect(bytes.subarray(0, 40).toString('hex')).toBe(
      '0000010000000007' + '00000141' + 'ffffffffffffffff' + '0000010000000384' + '00000005' + '0000018bcfe5687b',
    );
    expect(bytes.subarray(40).every((byte) => byte === 0)).toBe(true);
  });

  it('reads entries from memory and from files alike, file by file', async () => {
    const queue = openQueue(temporaryDirectory());
    fill(queue, 0, 35);
    const inMemory = [0, 7, 10, 34].map((offset) => queue.entries(offset, 5));
    expect(inMemory.some((block) => block instanceof Promise)).toBe(false);
    expect(offsetsIn(inMemory[1] as EntryBlock)).toEqual([700, 800, 900]); // The file ends.
    await queue.flush(false);
    queue.forgetTail(Number.POSITIVE_INFINITY);
    const onDisk = await Promise.all([0, 7, 10, 34].map((offset) => queue.entries(offset, 5)));
    expect(onDisk).toEqual(inMemory);
  });

  it('keeps what is not written when the memory is given back', async () => {
    const queue = openQueue(temporaryDirectory());
    fill(queue, 0, 5);
    await queue.flush(false);
    fill(queue, 5, 8);
    queue.forgetTail(Number.POSITIVE_INFINITY);
    expect(offsetsIn((await queue.entries(0, 8)) as EntryBlock)).toEqual([0, 100, 200, 300, 400]);
    expect(offsetsIn(queue.entries(5, 8) as EntryBlock)).toEqual([500, 600, 700]);
  });

  it('ignores entries it has, as when recovery dispatches again', () => {
    const queue = openQueue(temporaryDirectory());
    fill(queue, 0, 5);
    fill(queue, 2, 7);
    expect(queue.maxOffset).toBe(7);
    expect(offsetsIn(queue.entries(0, 10) as EntryBlock)).toEqual([0, 100, 200, 300, 400, 500, 600]);
  });

  it('keeps later entries at their offsets when some are missing', async () => {
    const directory = temporaryDirectory();
    const queue = openQueue(directory);
    fill(queue, 0, 3);
    fill(queue, 13, 15);
    expect(queue.maxOffset).toBe(15);
    await queue.flush(true);
    const again = openQueue(directory);
    expect([again.maxOffset, again.maxPhysicalOffset]).toEqual([15, 1500]);
    expect(await again.entry(13)).toMatchObject({ commitLogOffset: 1300 });
  });

  it('begins in the middle of a file when its first messages are gone', async () => {
    const directory = temporaryDirectory();
    const queue = openQueue(directory);
    fill(queue, 13, 15);
    expect([queue.minOffset, queue.maxOffset]).toEqual([13, 15]);
    await queue.flush(true);
    const again = openQueue(directory);
    await again.correctMinOffset(0);
    expect([again.minOffset, again.maxOffset]).toEqual([13, 15]);
  });

  it.each([0, 1, 1000, 1950, 3399, 3400, 9999])(
    'truncated to log offset %i, has exactly the entries before it',
    async (cut) => {
      const directory = temporaryDirectory();
      const queue = openQueue(directory);
      fill(queue, 0, 34);
      queue.truncateSync(cut);
      const left = Math.min(34, Math.ceil(cut / 100));
      expect([queue.maxOffset, queue.nextOffset]).toEqual([left, left]);
      fill(queue, left, left + 3);
      await queue.flush(true);
      const again = openQueue(directory);
      expect(again.maxOffset).toBe(left + 3);
      expect(again.maxPhysicalOffset).toBe((left + 3) * 100);
    },
  );

  it('finds its first message when older ones were deleted', async () => {
    const directory = temporaryDirectory();
    const queue = openQueue(directory);
    fill(queue, 0, 34);
    await queue.flush(true);
    for (const [minimum, expected] of [
      [0, 0],
      [100, 1],
      [101, 2],
      [2950, 30],
      [3300, 33],
      [3301, 34],
    ] as const) {
      await queue.correctMinOffset(minimum);
      expect([minimum, queue.minOffset]).toEqual([minimum, expected]);
    }
  });

  it('deletes files of deleted messages, but never the last, and keeps its maximum', async () => {
    const directory = temporaryDirectory();
    const queue = openQueue(directory);
    fill(queue, 0, 34);
    await queue.flush(true);
    expect(await queue.deleteExpired(1900)).toBe(1);
    expect(queue.minOffset).toBe(19);
    expect(await queue.deleteExpired(1e6)).toBe(2);
    expect([queue.minOffset, queue.maxOffset]).toEqual([34, 34]);
    const again = openQueue(directory);
    await again.correctMinOffset(1e6);
    expect([again.minOffset, again.maxOffset]).toEqual([34, 34]);
  });
});
