import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WritePace } from '../src/write-pace.js';

describe('WritePace', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const after = (ms: number): void => void jest.advanceTimersByTime(ms);

  const write = (pace: WritePace, ms: number): void => {
    const startedAt = performance.now();
    after(ms);
    pace.wrote(startedAt);
  };

  /** How long the pace is not quick, to the nearest second. */
  const pause = (pace: WritePace): number => {
    let seconds = 0;
    for (; !pace.quick; seconds++) after(1_000);
    return seconds;
  };

  it('goes on while writes are quick', () => {
    const pace = new WritePace();
    for (let i = 0; i < 10; i++) write(pace, 1);
    expect(pace.quick).toBe(true);
  });

  it('pauses after a slow write, and longer when the next one is slow, too: up to a minute', () => {
    const pace = new WritePace();
    const pauses = Array.from({ length: 9 }, () => {
      write(pace, 50);
      return pause(pace);
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('pauses for a second again once a write was quick', () => {
    const pace = new WritePace();
    write(pace, 50);
    pause(pace);
    write(pace, 50);
    pause(pace);
    write(pace, 1);
    write(pace, 50);
    expect(pause(pace)).toBe(1);
  });
});
