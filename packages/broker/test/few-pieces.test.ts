import { describe, expect, it } from '@jest/globals';
import { inFewPieces } from '../src/few-pieces.js';

const memory = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const slice = (from: number, to: number): Buffer => memory.subarray(from, to);

describe('the pieces of an answer', () => {
  it('are one slice where they are neighbours in memory', () => {
    const pieces = inFewPieces([slice(0, 3_000), slice(3_000, 9_000), slice(9_000, 9_001)]);
    expect(pieces.map(({ length }) => length)).toEqual([9_001]);
    expect(pieces[0]!.buffer).toBe(memory.buffer);
  });

  it('are copied together when they are small, and left where they are when they are large', () => {
    const large = slice(50_000, 60_000);
    const buffers = [slice(0, 100), slice(200, 300), large, slice(400, 500), Buffer.from('elsewhere')];
    const pieces = inFewPieces(buffers);
    expect(pieces.map(({ length }) => length)).toEqual([200, 10_000, 109]);
    expect(pieces[1]).toBe(large);
    expect(Buffer.concat(pieces).equals(Buffer.concat(buffers))).toBe(true);
  });

  it('are none of none', () => {
    expect(inFewPieces([])).toEqual([]);
  });
});
