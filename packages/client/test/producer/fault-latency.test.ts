import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rocketnest/testing';
import { FaultLatency } from '../../src/producer/fault-latency.js';

describe('FaultLatency', () => {
  // Java: MQFaultStrategy.latencyMax and notAvailableDuration.
  it.each([
    [99, 0],
    [100, 0],
    [550, 2_000],
    [1_800, 5_000],
    [3_000, 6_000],
    [5_000, 10_000],
    [15_000, 30_000],
  ])('after an answer that took %i ms a broker is avoided for %i ms', (latencyMs, avoidMs) => {
    const clock = new ManualClock();
    const faults = new FaultLatency(clock.now);
    faults.succeeded('b', latencyMs);
    expect(faults.isAvailable('b')).toBe(avoidMs === 0);
    if (avoidMs > 0) {
      clock.advance(avoidMs - 1);
      expect(faults.isAvailable('b')).toBe(false);
      clock.advance(1);
    }
    expect(faults.isAvailable('b')).toBe(true);
  });

  it('avoids a failed broker for 10 s, and calls it unreachable until it answers', () => {
    const clock = new ManualClock();
    const faults = new FaultLatency(clock.now);
    faults.failed('b', false);
    expect(faults.isAvailable('b')).toBe(false);
    expect(faults.isReachable('b')).toBe(false);
    clock.advance(10_000);
    expect(faults.isAvailable('b')).toBe(true);
    expect(faults.isReachable('b')).toBe(false);
    faults.succeeded('b', 5);
    expect(faults.isReachable('b')).toBe(true);
  });

  it('does not shorten an avoidance because of one prompt answer', () => {
    const clock = new ManualClock();
    const faults = new FaultLatency(clock.now);
    faults.failed('b', true);
    faults.succeeded('b', 1);
    expect(faults.isAvailable('b')).toBe(false);
  });

  it('thinks well of brokers it has not met', () => {
    const faults = new FaultLatency();
    expect(faults.isAvailable('x') && faults.isReachable('x')).toBe(true);
  });
});
