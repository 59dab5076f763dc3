import { describe, expect, it } from '@jest/globals';
import { allocateStrategyOf } from '../../src/consumer/allocate-by-name.js';
import { allocateByConsistentHash } from '../../src/consumer/allocate-consistent-hash.js';

const queuesOf = (topic: string, brokers: readonly string[], each: number) =>
  brokers.flatMap((brokerName) => Array.from({ length: each }, (_, queueId) => ({ topic, brokerName, queueId })));

const clientIds = (count: number) =>
  Array.from({ length: count }, (_, i) => `10.0.0.${i + 1}@${4000 + i * 37}#${1234567890123 * (i + 1)}`);

/** `a0,b3|…`: queue 0 of broker-a and queue 3 of broker-b for the first member, and so on. */
function sharesOf(
  strategy: ReturnType<typeof allocateByConsistentHash>,
  queues: ReturnType<typeof queuesOf>,
  members: readonly string[],
): string {
  const shares = members.map((self) =>
    strategy
      .allocate(self, queues, members)
      .map((queue) => `${queue.brokerName.replace('broker-', '')}${queue.queueId}`),
  );
  return `${shares.join('|')}|`;
}

/** Recorded from the Java client 5.5.0: members, queues on each of two brokers → shares. */
const RECORDED: readonly [members: number, queues: number, shares: string][] = [
  [1, 1, 'a0,b0|'],
  [1, 4, 'a0,a1,a2,a3,b0,b1,b2,b3|'],
  [1, 8, 'a0,a1,a2,a3,a4,a5,a6,a7,b0,b1,b2,b3,b4,b5,b6,b7|'],
  [2, 1, 'a0|b0|'],
  [2, 4, 'a0,a1,a2,b1,b3|a3,b0,b2|'],
  [2, 8, 'a0,a1,a2,a4,a5,a7,b1,b3,b5,b6,b7|a3,a6,b0,b2,b4|'],
  [3, 1, 'a0|b0||'],
  [3, 4, 'a0,a2,b3|a3,b0,b2|a1,b1|'],
  [3, 8, 'a0,a2,a4,a5,b3,b5,b6|a3,a6,b0,b2,b4|a1,a7,b1,b7|'],
  [5, 1, '|b0|||a0|'],
  [5, 4, 'b3|b0,b2|b1|a3|a0,a1,a2|'],
  [5, 8, 'a4,b3|b0,b2,b4|b1,b7|a3,b6|a0,a1,a2,a5,a6,a7,b5|'],
];

describe('allocation by consistent hash', () => {
  it.each(RECORDED)('shares queues among %i members (%i per broker) as Java does', (members, queues, expected) => {
    const brokers = ['broker-a', 'broker-b'];
    const strategy = allocateStrategyOf('CONSISTENT_HASH');
    expect(sharesOf(strategy, queuesOf('orders', brokers, queues), clientIds(members))).toBe(expected);
  });

  it('takes another number of virtual nodes, as Java does', () => {
    const brokers = ['broker-a', 'broker-b'];
    expect(sharesOf(allocateByConsistentHash(1), queuesOf('orders', brokers, 4), clientIds(3))).toBe(
      'b1|a1,b3|a0,a2,a3,b0,b2|',
    );
    expect(sharesOf(allocateByConsistentHash(100), queuesOf('%RETRY%g', brokers, 4), clientIds(3))).toBe(
      'a1,b0,b3|a0,a3,b1|a2,b2|',
    );
  });

  it('hashes client ids that are not ASCII as Java does', () => {
    const members = ['10.0.0.1@店', '10.0.0.1@ü'];
    expect(sharesOf(allocateByConsistentHash(), queuesOf('orders', ['broker-a'], 8), members)).toBe(
      'a0,a1,a2,a3,a4,a5,a6,a7||',
    );
  });

  it('gives every queue to one member, and moves few when a member leaves', () => {
    const strategy = allocateByConsistentHash();
    const queues = queuesOf('orders', ['broker-a', 'broker-b'], 64);
    const members = clientIds(5);
    const ownersOf = (group: readonly string[]) =>
      queues.map((queue) => group.filter((self) => strategy.allocate(self, [queue], group).length === 1));
    const before = ownersOf(members);
    const after = ownersOf(members.slice(1));
    expect(before.every((owners) => owners.length === 1)).toBe(true);
    const moved = before.filter(([owner], i) => owner !== after[i]![0]);
    expect(moved.every(([owner]) => owner === members[0])).toBe(true);
  });

  it('gives nothing to a member that the group does not know', () => {
    expect(allocateByConsistentHash().allocate('stranger', queuesOf('T', ['b'], 4), clientIds(2))).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %p virtual nodes', (virtualNodes) => {
    expect(() => allocateByConsistentHash(virtualNodes)).toThrow(/from 1 to 10000 as number of virtual nodes/);
  });
});
