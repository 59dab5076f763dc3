import { describe, expect, it } from '@jest/globals';
import { RateLimit } from '../../src/consumer/rate-limit.js';

/** How many single messages get through in a time that passes in steps of one ms. */
function through(limit: RateLimit, from: number, to: number): number {
  let count = 0;
  for (let now = from; now < to; now++) {
    while (limit.waitMs(now) === 0) {
      limit.take(1);
      count++;
    }
  }
  return count;
}

describe('a rate limit', () => {
  it.each([0.5, 1, 7, 100, 5_000])('of %p lets about so many messages through per second', (perSecond) => {
    const limit = new RateLimit(perSecond, 0);
    const burst = Math.max(1, perSecond / 10);
    expect(through(limit, 0, 10_000)).toBeLessThanOrEqual(perSecond * 10 + burst);
    expect(through(limit, 10_000, 20_000)).toBeGreaterThanOrEqual(Math.floor(perSecond * 10 * 0.99) - 1);
  });

  it('holds no more than a tenth of a second back for later', () => {
    const limit = new RateLimit(100, 0);
    expect(through(limit, 60_000, 60_001)).toBe(10);
  });

  it('lets a batch overdraw it and then waits until that is paid', () => {
    const limit = new RateLimit(10, 0);
    limit.take(21);
    expect(limit.waitMs(0)).toBe(2_100);
    expect(limit.waitMs(2_099)).toBeGreaterThan(0);
    expect(limit.waitMs(2_100)).toBe(0);
  });
});
