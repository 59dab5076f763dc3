import { describe, expect, it } from '@jest/globals';
import { joinNeighbours } from '../src/join-neighbours.js';

const memory = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
const slice = (from: number, to: number): Buffer => memory.subarray(from, to);

describe('joinNeighbours', () => {
  it('makes one slice of neighbours, without copying, and leaves the others as they are', () => {
    const alone = slice(500, 600);
    const buffers = [slice(0, 30), slice(30, 90), slice(90, 91), alone, slice(400, 500), Buffer.from('elsewhere')];
    const pieces = joinNeighbours(buffers);
    expect(pieces.map(({ length }) => length)).toEqual([91, 100, 100, 9]);
    expect(pieces[0]!.buffer).toBe(memory.buffer);
    expect(pieces[1]).toBe(alone);
    expect(Buffer.concat(pieces).equals(Buffer.concat(buffers))).toBe(true);
  });

  it('makes nothing of nothing', () => {
    expect(joinNeighbours([])).toEqual([]);
  });
});
