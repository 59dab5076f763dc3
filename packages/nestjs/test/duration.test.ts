import { describe, expect, it } from '@jest/globals';
import { parseDuration } from '../src/duration.js';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    [' 2 d ', 172_800_000],
    [1234, 1234],
    [0, 0],
  ])('reads %p', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  it.each(['', '90', 's', '1w', '-1s', -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %p', (value) => {
    expect(() => parseDuration(value)).toThrow(/A delay is milliseconds or text like '90s'/);
  });
});
