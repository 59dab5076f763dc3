import { describe, expect, it } from '@jest/globals';
import { parseSubscription, SUB_ALL } from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import type { BrokerLink } from '../../../src/consumer/broker-link.js';
import { ConsumeStats } from '../../../src/consumer/consume-stats.js';
import { AssignedQueue } from '../../../src/consumer/lite-pull/assigned-queue.js';
import type { PullContext } from '../../../src/consumer/pull-loop.js';
import { pulled, QUEUE } from '../stored-message.js';

/** A queue whose pulls are noted and never answered. */
function createQueue(): { assigned: AssignedQueue; pulls: number[]; put(...offsets: number[]): void } {
  const pulls: number[] = [];
  const brokers: Pick<BrokerLink, 'pull'> = {
    pull: (_queue, _brokerId, fields) => {
      pulls.push(fields.queueOffset);
    },
  };
  const context: PullContext = {
    group: 'group',
    brokers: brokers as BrokerLink,
    offsets: { peek: () => -1, update: () => {} },
    stats: new ConsumeStats(),
    logger: silentLogger,
    limits: { messages: 100, mib: 100, span: 100 },
    batchSize: 10,
    batchBytes: 1_000,
    intervalMs: 0,
    retryDelayMs: 1_000,
    clustering: false,
    lite: { suspendMs: 1_000, timeoutMs: 2_000 },
    paused: false,
    subscription: (topic) => parseSubscription(topic, SUB_ALL),
    onMessages: () => {},
    onOffsetMoved: () => {},
  };
  const assigned = new AssignedQueue(QUEUE, () => context);
  return { assigned, pulls, put: (...offsets) => assigned.prefetched.put(offsets.map((at) => pulled(at))) };
}

describe('AssignedQueue', () => {
  it('counts messages as processed when they are settled, not when they are taken', () => {
    const { assigned, pulls, put } = createQueue();
    expect([assigned.open, assigned.position]).toEqual([false, -1]);
    assigned.seek(5);
    put(5, 6, 9);
    expect(assigned.take(2).map(({ queueOffset }) => queueOffset)).toEqual([5, 6]);
    // 7 and 8 did not match.
    expect([assigned.processed, assigned.position]).toEqual([5, 9]);
    assigned.settle();
    expect([assigned.processed, assigned.position]).toEqual([9, 9]);
    expect(pulls).toEqual([5]);
  });

  it('passes over what did not match, but not over what is being worked on', () => {
    const { assigned, put } = createQueue();
    assigned.seek(0);
    assigned.skipTo(4);
    expect([assigned.processed, assigned.position]).toEqual([4, 4]);
    put(4);
    assigned.take(1);
    assigned.skipTo(8);
    expect([assigned.processed, assigned.position]).toEqual([4, 8]);
    assigned.skipTo(6);
    expect(assigned.position).toBe(8);
  });

  it('throws away what was fetched when it seeks', () => {
    const { assigned, pulls, put } = createQueue();
    assigned.seek(5);
    put(5, 6);
    assigned.seek(2);
    expect(assigned.take(10)).toEqual([]);
    expect([assigned.processed, assigned.position]).toEqual([2, 2]);
    put(2);
    expect(assigned.take(10)).toHaveLength(1);
    expect(pulls).toEqual([5, 2]);
  });

  it('keeps what was fetched when the broker moves it forward, and not when backward', () => {
    const { assigned, pulls, put } = createQueue();
    assigned.seek(5);
    put(5, 6);
    assigned.moveTo(100);
    expect(assigned.position).toBe(5);
    expect(assigned.take(10)).toHaveLength(2);
    expect(assigned.position).toBe(100);
    put(100, 101);
    assigned.moveTo(50);
    expect(assigned.take(10)).toEqual([]);
    expect(assigned.position).toBe(50);
    expect(pulls).toEqual([5, 100, 50]);
  });

  it('pulls no more once it is dropped', () => {
    const { assigned, pulls } = createQueue();
    assigned.seek(5);
    assigned.drop();
    assigned.resume();
    expect([assigned.dropped, pulls]).toEqual([true, [5]]);
  });
});
