import { describe, expect, it } from '@jest/globals';
import { randomSizes, splitChunks } from '../src/split-chunks.js';

describe('splitChunks', () => {
  const buffer = Buffer.from('abcdefghij');

  it.each([
    [[1], ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']],
    [[3], ['abc', 'def', 'ghi', 'j']],
    [
      [1, 4],
      ['a', 'bcde', 'f', 'ghij'],
    ],
    [[100], ['abcdefghij']],
  ])('repeats the sizes %j until the end', (sizes, expected) => {
    expect(splitChunks(buffer, sizes).map(String)).toEqual(expected);
  });

  it('refuses sizes that never end', () => {
    expect(() => splitChunks(buffer, [])).toThrow(RangeError);
    expect(() => splitChunks(buffer, [2, 0])).toThrow(/whole numbers from 1/);
  });

  it('copies', () => {
    const source = Buffer.from('abc');
    const [chunk] = splitChunks(source, [3]);
    source.fill(0);
    expect(String(chunk)).toBe('abc');
  });
});

describe('randomSizes', () => {
  it('is the same for the same seed, differs between seeds and stays in range', () => {
    expect(randomSizes(7, 100, 9)).toEqual(randomSizes(7, 100, 9));
    expect(randomSizes(7, 100, 9)).not.toEqual(randomSizes(8, 100, 9));
    expect(new Set(randomSizes(7, 1000, 9))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });
});
