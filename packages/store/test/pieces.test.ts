import { describe, expect, it } from '@jest/globals';
import type { Chunk } from '../src/log-tail.js';
import { CopySpace, Pieces, splitPieces } from '../src/pieces.js';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const chunk = (start: number, isReused = false): Chunk => ({
  start,
  buffer: Buffer.from(letters),
  length: 26,
  isReused,
});

const texts = (buffers: readonly Buffer[]): string[] => buffers.map((buffer) => buffer.toString('latin1'));

describe('the pieces of a get', () => {
  it('are slices of the log, one for neighbours', () => {
    const pieces = new Pieces(new CopySpace());
    const source = chunk(1_000);
    for (const [offset, size] of [
      [1_000, 3],
      [1_003, 2],
      [1_007, 4],
    ] as const) {
      pieces.add(source, offset, size);
    }
    const taken = pieces.take();
    expect(texts(taken)).toEqual(['abcde', 'hijk']);
    expect(taken[0]!.buffer).toBe(source.buffer.buffer);
    expect(texts(splitPieces(taken, pieces.sizes))).toEqual(['abc', 'de', 'hijk']);
  });

  it('are copies where memory is used again, one piece for copies that follow each other', () => {
    const pieces = new Pieces(new CopySpace());
    const source = chunk(1_000, true);
    pieces.add(source, 1_000, 3);
    pieces.add(source, 1_020, 2);
    pieces.settle();
    source.buffer.fill(0);
    pieces.add(chunk(2_000), 2_001, 2);
    pieces.add(chunk(3_000, true), 3_000, 1);
    const taken = pieces.take();
    expect(texts(taken)).toEqual(['abcuv', 'bc', 'a']);
    expect(texts(splitPieces(taken, pieces.sizes))).toEqual(['abc', 'uv', 'bc', 'a']);
  });

  it('are never written to again, however much is copied later', () => {
    const space = new CopySpace();
    const taken = Array.from({ length: 2_000 }, (_, i) => {
      const pieces = new Pieces(space);
      const size = i % 7 === 0 ? 100_000 : 1_000;
      pieces.add({ start: 0, buffer: Buffer.alloc(size, i % 251), length: size, isReused: true }, 0, size);
      return pieces.take();
    });
    taken.forEach(([piece], i) => {
      expect(piece!.length).toBe(i % 7 === 0 ? 100_000 : 1_000);
      expect(piece!.every((byte) => byte === i % 251)).toBe(true);
    });
  });

  it('are none when nothing was added', () => {
    const pieces = new Pieces(new CopySpace());
    expect(pieces.take()).toEqual([]);
    expect(splitPieces([], [])).toEqual([]);
  });
});
