import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nodeFiles } from '../../src/index.js';
import { SLOTS_TOTAL, TimerWheel } from '../../src/timer/timer-wheel.js';
import { removeDirectories, temporaryDirectory } from '../support/store.js';

const NOW = 1_900_000_000_000;

describe('the timer wheel', () => {
  let wheel: TimerWheel;
  let path: string;
  beforeEach(() => {
    path = `${temporaryDirectory()}/timerwheel`;
    wheel = new TimerWheel(nodeFiles, path, 1_000);
    wheel.openSync();
  });
  afterEach(() => {
    wheel.close();
    removeDirectories();
  });

  it('keeps slots over a flush, and only what was flushed', async () => {
    wheel.put(NOW, 0, 52, 2);
    wheel.put(NOW + 300_000, 104, 104, 1);
    await wheel.flush();
    wheel.put(NOW, 0, 156, 3);
    wheel.close();
    wheel = new TimerWheel(nodeFiles, path, 1_000);
    wheel.openSync();
    expect(wheel.slot(NOW)).toEqual({ first: 0, last: 52, count: 2 });
    expect(wheel.slot(NOW + 300_999)).toEqual({ first: 104, last: 104, count: 1 });
    expect(wheel.countFrom(NOW)).toBe(3);
    expect(wheel.countFrom(NOW + 1_000)).toBe(1);
  });

  it('does not take the slot of another turn for this one', () => {
    wheel.put(NOW, 0, 52, 2);
    expect(wheel.slot(NOW + SLOTS_TOTAL * 2 * 1_000)).toEqual({ first: -1, last: -1, count: 0 });
    expect(wheel.isEmpty(NOW + 1_000)).toBe(true);
  });

  it('finds the next slot in use, over days and over the end of the wheel', () => {
    const week = SLOTS_TOTAL * 1_000;
    for (const due of [NOW + 999_000, NOW + week, NOW + 2 * week - 1_000]) wheel.put(due, 0, 0, 1);
    expect(wheel.nextUsed(NOW, NOW + 2 * week)).toBe(NOW + 999_000);
    expect(wheel.nextUsed(NOW + 1_000_000, NOW + 2 * week)).toBe(NOW + week);
    expect(wheel.nextUsed(NOW + week + 1_000, NOW + 2 * week)).toBe(NOW + 2 * week - 1_000);
    expect(wheel.nextUsed(NOW, NOW + 5_000)).toBe(NOW + 5_000);
  });

  it('follows the log in recovery, and says which slots are ahead of it', () => {
    wheel.put(NOW, 52, 520, 3);
    wheel.put(NOW + 1_000, 104, 208, 2);
    expect(wheel.firstBehind(NOW, 300)).toBe(52);
    wheel.revise(NOW, 260, 0);
    expect(wheel.slot(NOW)).toEqual({ first: 52, last: 260, count: 3 });
    wheel.revise(NOW + 9_000, 156, 1);
    expect(wheel.slot(NOW + 9_000)).toEqual({ first: 156, last: 156, count: 1 });
    expect(wheel.firstBehind(NOW, 300)).toBe(Number.POSITIVE_INFINITY);
  });

  it('has the slots of the precision it was made for', () => {
    const fine = new TimerWheel(nodeFiles, path, 100);
    fine.put(NOW + 150, 0, 0, 1);
    expect(fine.slot(NOW + 199).count).toBe(1);
    expect(fine.slot(NOW + 200).count).toBe(0);
  });
});
