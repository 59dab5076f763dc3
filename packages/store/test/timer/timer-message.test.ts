import { describe, expect, it } from '@jest/globals';
import { deleteKey, deliverTime, slotBefore } from '../../src/index.js';

const NOW = 1_900_000_000_123;

describe('the time of a message', () => {
  it.each([
    [{ TIMER_DELAY_SEC: '5' }, NOW + 5_000],
    [{ TIMER_DELAY_MS: '250' }, NOW + 250],
    [{ TIMER_DELIVER_MS: '1900000009999' }, 1_900_000_009_999],
    [{ TIMER_DELAY_SEC: '5', TIMER_DELAY_MS: '1', TIMER_DELIVER_MS: '1' }, NOW + 5_000],
    [{ TIMER_DELAY_MS: '1', TIMER_DELIVER_MS: '1' }, NOW + 1],
    [{ TIMER_DELAY_SEC: '-5' }, NOW - 5_000],
    [{ TIMER_DELAY_SEC: '+5' }, NOW + 5_000],
    [{ TIMER_DELAY_SEC: '1.5' }, null],
    [{ TIMER_DELIVER_MS: '' }, null],
  ])('%j', (properties, expected) => {
    expect(deliverTime(properties, NOW)).toBe(expected);
  });
});

describe('the slot of a time', () => {
  it.each([
    [5_001, 1_000, 5_000],
    [5_999, 1_000, 5_000],
    [6_000, 1_000, 5_000], // its end is the time, not after it
    [6_000, 100, 5_900],
  ])('%d ms at a precision of %d ms', (time, precision, slot) => {
    expect(slotBefore(time, precision)).toBe(slot);
  });
});

it('a delete key names the topic only when it has to', () => {
  expect([deleteKey('T', 'U', false), deleteKey('T', 'U', true)]).toEqual(['U', 'T+U']);
});
