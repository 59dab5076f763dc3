import { describe, expect, it } from '@jest/globals';
import { BrokerStats } from '../src/stats.js';

describe('broker statistics', () => {
  it('average over 10, 60 and 600 seconds', () => {
    let now = Date.UTC(2024, 0, 2, 12);
    const stats = new BrokerStats({ now: () => now });
    for (let second = 1; second <= 60; second++) {
      stats.totals.putMessages += second > 50 ? 100 : 10;
      now += 1_000;
      stats.sample();
    }
    const [ten, sixty, sixHundred] = stats.rate('putMessages').split(' ').map(Number);
    expect(ten).toBe(100);
    expect(sixty).toBe(25);
    expect(sixHundred).toBe(25);
  });

  it('remember the totals of the last two midnights', () => {
    let now = new Date(2024, 0, 1, 23, 59, 59).getTime();
    const stats = new BrokerStats({ now: () => now });
    stats.totals.putMessages = 5;
    now += 2_000;
    stats.sample();
    stats.totals.putMessages = 8;
    expect(stats.days).toMatchObject({ yesterdayMorning: { put: 0 }, todayMorning: { put: 5 }, now: { put: 8 } });
    now += 24 * 3_600_000;
    stats.sample();
    expect(stats.days).toMatchObject({ yesterdayMorning: { put: 5 }, todayMorning: { put: 8 }, now: { put: 8 } });
  });
});
