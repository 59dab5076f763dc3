import { describe, expect, it } from '@jest/globals';
import { retryDelayMs } from '../../../src/consumer/pop/backoff.js';

describe('the time until a popped message comes again', () => {
  it("grows with the deliveries as Java's popDelayLevel", () => {
    const seconds = [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];
    expect(seconds.map((_, attempt) => retryDelayMs(0, attempt) / 1_000)).toEqual(seconds);
    expect(retryDelayMs(0, 100)).toBe(7_200_000);
  });

  it('is that of the delay level a handler asks for', () => {
    expect([1, 2, 3, 18].map((level) => retryDelayMs(level, 5))).toEqual([1_000, 5_000, 10_000, 7_200_000]);
    expect(retryDelayMs(19, 0)).toBe(7_200_000);
  });
});
