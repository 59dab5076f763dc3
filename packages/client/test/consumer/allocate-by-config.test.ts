import { describe, expect, it } from '@jest/globals';
import { allocateByConfig } from '../../src/consumer/allocate-by-config.js';

const queue = (topic: string, queueId: number, brokerName = 'a') => ({ topic, brokerName, queueId });

describe('allocation by configuration', () => {
  const strategy = allocateByConfig([queue('T', 1), queue('T', 2), queue('U', 0), queue('T', 9)]);

  it('gives the named queues of a topic that exist, whoever else is in the group', () => {
    const all = [queue('T', 0), queue('T', 1), queue('T', 2), queue('T', 1, 'b')];
    expect(strategy.allocate('me', all, ['me', 'other'])).toEqual([queue('T', 1), queue('T', 2)]);
    expect(strategy.allocate('me', [queue('V', 0)], ['me'])).toEqual([]);
  });

  it('shares retry queues that nobody named, so that failed messages come again', () => {
    const retries = [queue('%RETRY%g', 0, 'a'), queue('%RETRY%g', 0, 'b')];
    expect(strategy.allocate('me', retries, ['me', 'other'])).toEqual([retries[0]]);
    expect(strategy.allocate('other', retries, ['me', 'other'])).toEqual([retries[1]]);
    const named = allocateByConfig([queue('T', 1), retries[1]!]);
    expect(named.allocate('me', retries, ['me', 'other'])).toEqual([retries[1]]);
  });

  it('refuses an empty list and items that are no queues', () => {
    expect(() => allocateByConfig([])).toThrow(/needs at least one queue/);
    expect(() => allocateByConfig([{ topic: 'T' } as never])).toThrow(/each as { topic, brokerName, queueId }/);
  });
});
