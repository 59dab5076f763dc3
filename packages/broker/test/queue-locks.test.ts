import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueueLocks } from '../src/queue-locks.js';

const queue = (queueId: number) => ({ topic: 't', brokerName: 'b', queueId });

describe('queue locks', () => {
  let now = 0;
  let locks: QueueLocks;
  beforeEach(() => {
    now = 1_000_000;
    locks = new QueueLocks({ now: () => now });
  });

  it('belong to the client that asked first', () => {
    expect(locks.lock('g', [queue(0), queue(1)], 'c1')).toEqual([queue(0), queue(1)]);
    expect(locks.lock('g', [queue(1), queue(2)], 'c2')).toEqual([queue(2)]);
  });

  it('are per group', () => {
    locks.lock('g1', [queue(0)], 'c1');
    expect(locks.lock('g2', [queue(0)], 'c2')).toEqual([queue(0)]);
  });

  it('expire 60 s after they were last renewed', () => {
    locks.lock('g', [queue(0)], 'c1');
    now += 60_000;
    expect(locks.lock('g', [queue(0)], 'c2')).toEqual([]);
    locks.lock('g', [queue(0)], 'c1');
    now += 60_000;
    expect(locks.lock('g', [queue(0)], 'c2')).toEqual([]);
    now += 1;
    expect(locks.lock('g', [queue(0)], 'c2')).toEqual([queue(0)]);
  });

  it('are given up only by their owner', () => {
    locks.lock('g', [queue(0)], 'c1');
    locks.unlock('g', [queue(0)], 'c2');
    expect(locks.lock('g', [queue(0)], 'c2')).toEqual([]);
    locks.unlock('g', [queue(0)], 'c1');
    expect(locks.lock('g', [queue(0)], 'c2')).toEqual([queue(0)]);
  });

  it('tell whether a group holds any', () => {
    expect(locks.noneHeld('g')).toBe(true);
    locks.lock('g', [queue(0)], 'c1');
    expect(locks.noneHeld('g')).toBe(false);
    now += 60_001;
    expect(locks.noneHeld('g')).toBe(true);
  });
});
