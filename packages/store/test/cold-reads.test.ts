import { describe, expect, it } from '@jest/globals';
import { ColdReads } from '../src/cold-reads.js';

const BLOCK = 256 * 1024;
const LOG = Buffer.alloc(20 * BLOCK, 0);
for (let i = 0; i < LOG.length; i += 4) LOG.writeUInt32BE(i, i);

/** Reads of a log in memory, which begins at `start` and repeats itself; keeps what was read and how many reads ran at the same time. */
function reader(start = 0): {
  cold: ColdReads;
  reads: [number, number][];
  targets: Set<ArrayBufferLike>;
  most: () => number;
  gone: { before: number };
} {
  const reads: [number, number][] = [];
  const targets = new Set<ArrayBufferLike>();
  const gone = { before: 0 };
  let running = 0;
  let most = 0;
  const cold = new ColdReads(async (target, offset) => {
    reads.push([offset, target.length]);
    targets.add(target.buffer);
    most = Math.max(most, ++running);
    // As a disk does: bytes come in while others work.
    target.fill(0xee);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    LOG.copy(target, 0, (offset - start) % LOG.length);
    return offset >= gone.before;
  });
  return { cold, reads, targets, most: () => most, gone };
}

type Place = [offset: number, size: number];

const run = (from: number, count: number, size: number, step: number): Place[] =>
  Array.from({ length: count }, (_, i) => [from + i * step, size]);

/** Copies of the messages, null for those that are gone. */
async function readAll(
  cold: ColdReads,
  places: readonly Place[],
  fileStart: number,
  fileEnd: number,
): Promise<(Buffer | null)[]> {
  const [last, lastSize] = places.at(-1)!;
  const hold = cold.hold(places[0]![0], last + lastSize, fileStart, fileEnd);
  await hold.ready();
  const found = places.map(([offset, size]) => {
    if (hold.lacks(offset, size)) return null;
    const { buffer, start } = cold.find(offset, size, fileStart)!;
    return Buffer.from(buffer.subarray(offset - start, offset - start + size));
  });
  hold.release();
  return found;
}

const logBytes = (offset: number, size: number): Buffer => LOG.subarray(offset, offset + size);

describe('reads of old messages', () => {
  it('return the bytes asked for, also across blocks and in a file that does not begin at 0', async () => {
    const start = 7 * 1024 * 1024 + 13;
    const { cold } = reader(start);
    const messages = run(start + BLOCK - 5_000, 20, 999, 1_003);
    const found = await readAll(cold, messages, start, start + LOG.length);
    messages.forEach(([offset, size], i) => {
      expect(found[i]!.equals(logBytes(offset - start, size))).toBe(true);
    });
    const [large] = await readAll(cold, [[start + 1_000, 3 * BLOCK]], start, start + LOG.length);
    expect(large!.equals(logBytes(1_000, 3 * BLOCK))).toBe(true);
  });

  it('read a block once for all who want messages of it', async () => {
    const { cold, reads } = reader();
    const end = LOG.length;
    await Promise.all(Array.from({ length: 8 }, (_, queue) => readAll(cold, run(queue * 100, 30, 90, 2_000), 0, end)));
    expect(reads).toEqual([[0, BLOCK]]);
    await readAll(cold, run(50, 30, 90, 2_000), 0, end);
    expect(reads.length).toBe(1);
  });

  it('find what has been read without waiting, and nothing that has not, or reaches into a block that has not', async () => {
    const start = 1_000;
    const { cold } = reader(start);
    expect(cold.find(start + 500, 90, start)).toBeUndefined();
    const hold = cold.hold(start, start + 90, start, start + LOG.length);
    expect(cold.find(start + 500, 90, start)).toBeUndefined();
    await hold.ready();
    hold.release();
    expect(cold.find(start + 500, 90, start)).toMatchObject({ start, length: BLOCK, isReused: true });
    expect(cold.find(start + BLOCK - 90, 90, start)).toBeDefined();
    expect(cold.find(start + BLOCK - 89, 90, start)).toBeUndefined();
    cold.clear();
    expect(cold.find(start + 500, 90, start)).toBeUndefined();
  });

  it('use the memory of blocks again, the oldest first, but not of those that somebody holds', async () => {
    const { cold, reads, targets } = reader();
    const size = 100 * BLOCK;
    const first = cold.hold(0, 10, 0, size);
    const second = cold.hold(BLOCK, BLOCK + 10, 0, size);
    await Promise.all([first.ready(), second.ready()]);
    second.release();
    for (let i = 2; i < 100; i++) await readAll(cold, [[i * BLOCK, 10]], 0, size);
    expect(reads.length).toBe(100);
    expect(targets.size).toBe(32);
    const { buffer } = cold.find(0, 10, 0)!;
    expect(buffer.subarray(0, BLOCK).equals(logBytes(0, BLOCK))).toBe(true);
    expect(cold.find(BLOCK, 10, 0)).toBeUndefined();
    first.release();
    await readAll(cold, [[200 * BLOCK, 10]], 0, 300 * BLOCK);
    expect(cold.find(0, 10, 0)).toBeUndefined();
    expect(targets.size).toBe(32);
  });

  it('take more memory when all of it is held, and give it back', async () => {
    const { cold, targets } = reader();
    const holds = run(0, 50, 10, BLOCK).map(([offset, size]) => cold.hold(offset, offset + size, 0, LOG.length * 10));
    await Promise.all(holds.map((hold) => hold.ready()));
    expect(targets.size).toBe(50);
    for (const hold of holds) hold.release();
    targets.clear();
    for (const place of run(50 * BLOCK, 80, 10, BLOCK)) await readAll(cold, [place], 0, LOG.length * 10);
    expect(targets.size).toBeLessThanOrEqual(32);
  });

  it('read a block anew when the log has grown in it', async () => {
    const { cold, reads } = reader();
    await readAll(cold, run(0, 5, 100, 100), 0, 1_000);
    const [, , , , last] = await readAll(cold, run(0, 5, 1_000, 1_000), 0, 5_000);
    expect(last!.equals(logBytes(4_000, 1_000))).toBe(true);
    expect(reads).toEqual([
      [0, 1_000],
      [0, 5_000],
    ]);
    expect(await readAll(cold, [[4_500, 1_000]], 0, 5_000)).toEqual([null]);
    expect(await readAll(cold, [[5_500, 1_000]], 0, 5_000)).toEqual([null]);
  });

  it('say which messages are gone, and look again the next time', async () => {
    const { cold, gone } = reader();
    gone.before = BLOCK;
    const wanted = run(BLOCK - 4_000, 8, 1_000, 1_000);
    expect((await readAll(cold, wanted, 0, LOG.length)).map((bytes) => bytes !== null)).toEqual([
      ...Array(4).fill(false),
      ...Array(4).fill(true),
    ]);
    gone.before = 0;
    expect((await readAll(cold, wanted, 0, LOG.length)).every((bytes) => bytes !== null)).toBe(true);
  });

  it('go two at a time, whatever happens to one of them', async () => {
    const { cold, most, reads } = reader();
    await Promise.all(Array.from({ length: 19 }, (_, i) => readAll(cold, run(i * BLOCK, 4, 10, 10), 0, LOG.length)));
    expect(reads.length).toBe(19);
    expect(most()).toBe(2);
    let failures = 0;
    const broken = new ColdReads(() =>
      failures++ % 2 === 0 ? Promise.reject(new Error('EIO')) : Promise.resolve(true),
    );
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => broken.read(0, 10)));
    expect(results.filter(({ status }) => status === 'rejected').length).toBe(5);
    // Two blocks, of which one cannot be read: no more and no less than that is told.
    const hold = broken.hold(0, 2 * BLOCK, 0, 2 * BLOCK);
    await expect(hold.ready()).rejects.toThrow('EIO');
    hold.release();
    expect(broken.find(0, 10, 0)).toBeUndefined();
    expect(broken.find(BLOCK, 10, 0)).toBeDefined();
  });
});
