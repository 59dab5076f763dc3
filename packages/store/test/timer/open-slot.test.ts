import { describe, expect, it } from '@jest/globals';
import { OpenSlot } from '../../src/timer/open-slot.js';

const SLOT = 1_700_000_000_000;
const entry = (commitLogOffset: number, dueMs: number) => ({
  commitLogOffset,
  size: 100 + commitLogOffset,
  enqueuedMs: SLOT - 5_000,
  magic: 3,
  dueMs,
});
const taken = (slot: OpenSlot, now: number, max = 100) =>
  slot.take(now, max).map(({ commitLogOffset }) => commitLogOffset);

describe('an open slot', () => {
  it('gives each message at its millisecond, those of one millisecond in the order they came', () => {
    const slot = new OpenSlot(SLOT, 1_000);
    [5, 1, 5, 1_000].forEach((ms, index) => {
      slot.add(entry(index, SLOT + ms));
    });
    expect(slot.nextDueMs).toBe(SLOT + 1);
    expect(taken(slot, SLOT)).toEqual([]);
    expect(taken(slot, SLOT + 4)).toEqual([1]);
    expect(taken(slot, SLOT + 999)).toEqual([0, 2]);
    expect(slot.nextDueMs).toBe(slot.endMs);
    expect(taken(slot, SLOT + 1_000)).toEqual([3]);
    expect([slot.isEmpty, slot.nextDueMs]).toEqual([true, Number.POSITIVE_INFINITY]);
  });

  it('gives back what was put in', () => {
    const slot = new OpenSlot(SLOT, 1_000);
    slot.add(entry(2 ** 45, SLOT + 7));
    expect(slot.take(SLOT + 7, 1)).toEqual([entry(2 ** 45, SLOT + 7)]);
  });

  it('holds messages without an exact time until its end', () => {
    const slot = new OpenSlot(SLOT, 1_000);
    slot.add(entry(0, 0));
    expect(taken(slot, SLOT + 999)).toEqual([]);
    expect(taken(slot, SLOT + 1_000)).toEqual([0]);
  });

  it('gives at most so many at a time, the rest next time', () => {
    const slot = new OpenSlot(SLOT, 1_000);
    for (let i = 0; i < 5; i++) slot.add(entry(i, SLOT + 9));
    expect(taken(slot, SLOT + 9, 2)).toEqual([0, 1]);
    expect(slot.isEmpty).toBe(false);
    expect(taken(slot, SLOT + 9)).toEqual([2, 3, 4]);
  });

  it('takes messages whose time has passed while it was open, and delivers them next', () => {
    const slot = new OpenSlot(SLOT, 1_000);
    slot.add(entry(0, SLOT + 500));
    expect(taken(slot, SLOT + 600)).toEqual([0]);
    slot.add(entry(1, SLOT + 100));
    slot.add(entry(2, SLOT - 9_000)); // sent for a slot that was read before
    expect(taken(slot, SLOT + 600)).toEqual([1, 2]);
  });
});
