import { describe, expect, it } from '@jest/globals';
import { allocateAveragely, allocateByCircle } from '../../src/consumer/allocate.js';
import { allocateStrategyOf } from '../../src/consumer/allocate-by-name.js';
import { compareQueues, compareText, queueKey } from '../../src/message-queue.js';

const queues = (count: number) =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 'T', brokerName: 'b', queueId }));
const members = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

/** Recorded from the Java client 5.5.0: strategy, queues, members → queue ids of each member. */
const RECORDED: readonly [name: 'AVG' | 'AVG_BY_CIRCLE', queues: number, members: number, shares: string][] = [
  ['AVG', 1, 3, '0|||'],
  ['AVG_BY_CIRCLE', 1, 3, '0|||'],
  ['AVG', 4, 1, '0,1,2,3|'],
  ['AVG', 4, 2, '0,1|2,3|'],
  ['AVG_BY_CIRCLE', 4, 2, '0,2|1,3|'],
  ['AVG', 4, 3, '0,1|2|3|'],
  ['AVG_BY_CIRCLE', 4, 3, '0,3|1|2|'],
  ['AVG', 4, 7, '0|1|2|3||||'],
  ['AVG_BY_CIRCLE', 4, 7, '0|1|2|3||||'],
  ['AVG', 5, 2, '0,1,2|3,4|'],
  ['AVG', 5, 3, '0,1|2,3|4|'],
  ['AVG', 8, 3, '0,1,2|3,4,5|6,7|'],
  ['AVG_BY_CIRCLE', 8, 3, '0,3,6|1,4,7|2,5|'],
  ['AVG', 8, 7, '0,1|2|3|4|5|6|7|'],
  ['AVG', 10, 4, '0,1,2|3,4,5|6,7|8,9|'],
  ['AVG_BY_CIRCLE', 10, 4, '0,4,8|1,5,9|2,6|3,7|'],
  ['AVG', 10, 7, '0,1|2,3|4,5|6|7|8|9|'],
  ['AVG_BY_CIRCLE', 10, 7, '0,7|1,8|2,9|3|4|5|6|'],
];

describe('queue allocation', () => {
  it.each(RECORDED)('%s shares %i queues among %i members as Java does', (name, queueCount, memberCount, expected) => {
    const strategy = allocateStrategyOf(name);
    const shares = members(memberCount).map((self) =>
      strategy
        .allocate(self, queues(queueCount), members(memberCount))
        .map((queue) => queue.queueId)
        .join(','),
    );
    expect(`${shares.join('|')}|`).toBe(expected);
  });

  it('gives nothing to a member that the group does not know', () => {
    expect(allocateAveragely.allocate('stranger', queues(4), members(2))).toEqual([]);
    expect(allocateByCircle.allocate('stranger', queues(4), members(2))).toEqual([]);
  });

  it('takes a custom strategy as it is', () => {
    const custom = { name: 'FIRST', allocate: () => [] };
    expect(allocateStrategyOf(custom)).toBe(custom);
  });

  it('sorts queues by topic, broker name and queue id as Java does', () => {
    const shuffled = ['b', 'B', 'a_', 'a-', '%RETRY%g'].flatMap((topic) =>
      ['broker-b', 'Broker-a'].flatMap((brokerName) => [10, 2].map((queueId) => ({ topic, brokerName, queueId }))),
    );
    expect(shuffled.sort(compareQueues).map(queueKey)).toEqual([
      '%RETRY%g@Broker-a@2',
      '%RETRY%g@Broker-a@10',
      '%RETRY%g@broker-b@2',
      '%RETRY%g@broker-b@10',
      'B@Broker-a@2',
      'B@Broker-a@10',
      'B@broker-b@2',
      'B@broker-b@10',
      'a-@Broker-a@2',
      'a-@Broker-a@10',
      'a-@broker-b@2',
      'a-@broker-b@10',
      'a_@Broker-a@2',
      'a_@Broker-a@10',
      'a_@broker-b@2',
      'a_@broker-b@10',
      'b@Broker-a@2',
      'b@Broker-a@10',
      'b@broker-b@2',
      'b@broker-b@10',
    ]);
  });

  it('sorts client ids by UTF-16 code unit as Java does', () => {
    const ids = [
      '10.0.0.10@1#5',
      '10.0.0.2@1#5',
      '10.0.0.2@é',
      '10.0.0.2@\u{1F600}',
      '10.0.0.2@～',
      '10.0.0.2@Z',
      '10.0.0.2@a',
    ];
    expect(ids.sort(compareText)).toEqual([
      '10.0.0.10@1#5',
      '10.0.0.2@1#5',
      '10.0.0.2@Z',
      '10.0.0.2@a',
      '10.0.0.2@é',
      '10.0.0.2@\u{1F600}',
      '10.0.0.2@～',
    ]);
  });
});
