import { describe, expect, it } from '@jest/globals';
import { DelayLevels, parseDelayLevels } from '../src/delay-level.js';

describe('delay levels', () => {
  it('are delays in seconds, minutes, hours and days', () => {
    expect(parseDelayLevels('1s 5m 2h 3d')).toEqual([1_000, 300_000, 7_200_000, 259_200_000]);
  });

  it.each(['', '1', 's', '1s  2s', '1s,2s', '-1s', '1.5s', '1w'])('refuse %j', (text) => {
    expect(() => parseDelayLevels(text)).toThrow(/messageDelayLevel: level \d+ is/);
  });

  it('count from 1, and a level above the table is the last', () => {
    const levels = new DelayLevels(() => '1s 5s');
    expect([1, 2, 3, 18].map((level) => levels.deliverTimestamp(level, 1_000_000))).toEqual([
      1_001_000, 1_005_000, 1_005_000, 1_005_000,
    ]);
  });
});
