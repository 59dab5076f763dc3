import { describe, expect, it } from '@jest/globals';
import { BloomFilter } from '../../src/filter/bloom-filter.js';

describe('bloom bits', () => {
  // Recorded from Java's BloomFilter.createByFn(errorRate, expected).calcBitPositions(text).
  it.each([
    [20, 32, 112, 'group-1#topicA', [56, 109, 61]],
    [20, 32, 112, '', [0, 0, 0]],
    [20, 32, 112, '0123456789abcdef0123456789abcdeü', [8, 18, 83]],
    [20, 64, 216, 'group-1#topicA', [48, 77, 109]],
    [20, 64, 216, 'group-1#topicB', [80, 74, 13]],
    [1, 10, 96, 'group-1#topicA', [24, 77, 61, 55, 83, 33, 9]],
    [50, 1, 8, 'group-1#topicA', [0]],
    [99, 5, 8, '', [0]],
  ])("of %i %%, %i groups are Java's", (errorRate, expected, bitNum, text, bitPos) => {
    const filter = new BloomFilter(errorRate, expected);
    expect(filter.bitsOf(text)).toEqual({ bitPos, bitNum });
    expect(filter.isValid({ bitPos, bitNum })).toBe(true);
    expect(filter.isValid({ bitPos, bitNum: bitNum + 8 })).toBe(false);
  });
});
