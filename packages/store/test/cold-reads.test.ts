import { describe, expect, it } from '@jest/globals';
import { ColdReads } from '../src/cold-reads.js';

const BLOCK = 256 * 1024;
const LOG = Buffer.alloc(20 * BLOCK, 0);
for (let i = 0; i < LOG.length; i += 4) LOG.writeUInt32BE(i, i);

/** Reads of a log in memory that begins at `start`; keeps what was read and how many reads ran at the same time. */
function reader(start = 0): {
  cold: ColdReads;
  reads: [number, number][];
  most: () => number;
  gone: { before: number };
} {
  const reads: [number, number][] = [];
  const gone = { before: 0 };
  let running = 0;
  let most = 0;
  const cold = new ColdReads(async (offset, size) => {
    reads.push([offset, size]);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return offset < gone.before ? null : LOG.subarray(offset - start, offset - start + size);
  });
  return { cold, reads, most: () => most, gone };
}

const run = (from: number, count: number, size: number, step: number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [from + i * step, size]);

describe('reads of old messages', () => {
  it('return the bytes asked for, also across blocks and in a file that does not begin at 0', async () => {
    const start = 7 * 1024 * 1024 + 13;
    const { cold } = reader(start);
    const messages = run(start + BLOCK - 5_000, 20, 999, 1_003);
    const found = await cold.readRun(messages, start, start + LOG.length);
    messages.forEach(([offset, size], i) => {
      expect(found[i]!.equals(LOG.subarray(offset - start, offset - start + size))).toBe(true);
    });
  });

  it('read a block once for all who want messages of it, and forget the oldest blocks', async () => {
    const { cold, reads } = reader();
    const end = LOG.length;
    await Promise.all(Array.from({ length: 8 }, (_, queue) => cold.readRun(run(queue * 100, 30, 90, 2_000), 0, end)));
    expect(reads).toEqual([[0, BLOCK]]);
    await cold.readRun(run(50, 30, 90, 2_000), 0, end);
    expect(reads.length).toBe(1);
  });

  it('hand out what is kept without waiting, and nothing that is gone or reaches into the next block', async () => {
    const start = 1_000;
    const { cold } = reader(start);
    expect(cold.kept(start + 500, 90, start)).toBeUndefined();
    await cold.readRun(run(start, 30, 90, 2_000), start, start + LOG.length);
    expect(cold.kept(start + 500, 90, start)!.equals(LOG.subarray(500, 590))).toBe(true);
    expect(cold.kept(start + BLOCK - 90, 90, start)!.equals(LOG.subarray(BLOCK - 90, BLOCK))).toBe(true);
    expect(cold.kept(start + BLOCK - 89, 90, start)).toBeUndefined();
    cold.clear();
    expect(cold.kept(start + 500, 90, start)).toBeUndefined();
  });

  it('do not keep a block that the log still grows in', async () => {
    const { cold, reads } = reader();
    await cold.readRun(run(0, 5, 100, 100), 0, 1_000);
    const [, , , , last] = await cold.readRun(run(0, 5, 1_000, 1_000), 0, 5_000);
    expect(last!.equals(LOG.subarray(4_000, 5_000))).toBe(true);
    expect(reads).toEqual([
      [0, 1_000],
      [0, 5_000],
    ]);
  });

  it('say which messages are gone, and look again the next time', async () => {
    const { cold, gone } = reader();
    gone.before = BLOCK;
    const wanted = run(BLOCK - 4_000, 8, 1_000, 1_000);
    expect((await cold.readRun(wanted, 0, LOG.length)).map((bytes) => bytes !== null)).toEqual([
      ...Array(4).fill(false),
      ...Array(4).fill(true),
    ]);
    gone.before = 0;
    expect((await cold.readRun(wanted, 0, LOG.length)).every((bytes) => bytes !== null)).toBe(true);
  });

  it('go two at a time, whatever happens to one of them', async () => {
    const { cold, most, reads } = reader();
    await Promise.all(Array.from({ length: 19 }, (_, i) => cold.readRun(run(i * BLOCK, 4, 10, 10), 0, LOG.length)));
    expect(reads.length).toBe(19);
    expect(most()).toBe(2);
    let failures = 0;
    const broken = new ColdReads(() =>
      failures++ % 2 === 0 ? Promise.reject(new Error('EIO')) : Promise.resolve(LOG),
    );
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => broken.read(0, 10)));
    expect(results.filter(({ status }) => status === 'rejected').length).toBe(5);
  });
});
