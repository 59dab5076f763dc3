import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../src/manual-clock.js';

describe('ManualClock', () => {
  it('moves only when told to', () => {
    const clock = new ManualClock(1000);
    expect(clock.now()).toBe(1000);
    clock.advance(250);
    clock.advance(-50);
    expect(clock.now()).toBe(1200);
  });

  it('can be handed around as a function', () => {
    const { now } = new ManualClock(5);
    expect(now()).toBe(5);
  });
});
