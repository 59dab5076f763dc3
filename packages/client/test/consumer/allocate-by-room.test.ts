import { describe, expect, it } from '@jest/globals';
import { type AllocateStrategy, allocateAveragely, allocateByCircle } from '../../src/consumer/allocate.js';
import { allocateByMachineRoom, allocateNearby, type MachineRooms } from '../../src/consumer/allocate-by-room.js';
import { allocateByConsistentHash } from '../../src/consumer/allocate-consistent-hash.js';
import { compareQueues } from '../../src/message-queue.js';

const queuesOf = (brokers: readonly string[], each: number) =>
  brokers
    .flatMap((brokerName) => Array.from({ length: each }, (_, queueId) => ({ topic: 'T', brokerName, queueId })))
    .sort(compareQueues);

const membersOf = (count: number) => Array.from({ length: count }, (_, i) => `10.0.0.${i}@x`);

function sharesOf(
  strategy: AllocateStrategy,
  queues: ReturnType<typeof queuesOf>,
  members: readonly string[],
): string[] {
  return members.map((self) =>
    strategy
      .allocate(self, queues, members)
      .sort(compareQueues)
      .map((queue) => `${queue.brokerName}:${queue.queueId}`)
      .join(','),
  );
}

const recorded = (shares: string) => shares.slice(0, -1).split('|');

describe('allocation by machine room', () => {
  const brokers = ['room1@a', 'room2@b', 'room3@c', 'nowhere', 'room1@x@y', 'room1@', 'room3@z@'];

  /** Recorded from the Java client 5.5.0 with rooms room1 and room3: members, queues per broker → shares. */
  it.each([
    [1, 1, 'room1@a:0,room3@c:0,room3@z@:0|'],
    [1, 3, 'room1@a:0,room1@a:1,room1@a:2,room3@c:0,room3@c:1,room3@c:2,room3@z@:0,room3@z@:1,room3@z@:2|'],
    [2, 1, 'room1@a:0,room3@z@:0|room3@c:0|'],
    [2, 3, 'room1@a:0,room1@a:1,room1@a:2,room3@c:0,room3@z@:2|room3@c:1,room3@c:2,room3@z@:0,room3@z@:1|'],
    [3, 1, 'room1@a:0|room3@c:0|room3@z@:0|'],
    [3, 3, 'room1@a:0,room1@a:1,room1@a:2|room3@c:0,room3@c:1,room3@c:2|room3@z@:0,room3@z@:1,room3@z@:2|'],
    [5, 1, 'room1@a:0|room3@c:0|room3@z@:0|||'],
    [5, 3, 'room1@a:0,room3@c:2|room1@a:1,room3@z@:0|room1@a:2,room3@z@:1|room3@c:0,room3@z@:2|room3@c:1|'],
  ])('shares the queues of its rooms among %i members (%i per broker) as Java does', (members, queues, expected) => {
    const strategy = allocateByMachineRoom(['room1', 'room3']);
    expect(sharesOf(strategy, queuesOf(brokers, queues), membersOf(members))).toEqual(recorded(expected));
  });

  it('refuses to work without a room', () => {
    expect(() => allocateByMachineRoom([])).toThrow(/needs the name of at least one room/);
  });
});

describe('allocation to the nearest members', () => {
  const rooms: MachineRooms = {
    roomOfBroker: ({ brokerName }) => brokerName.split('-')[0]!,
    roomOfConsumer: (clientId) => clientId.split('-')[0]!,
  };
  const brokers = ['r1-x', 'r2-x', 'r3-x', 'r3-y'];
  const inner = {
    AVG: allocateAveragely,
    AVG_BY_CIRCLE: allocateByCircle,
    CONSISTENT_HASH: allocateByConsistentHash(),
  };

  /** Recorded from the Java client 5.5.0 with three queues per broker; the order within a share has no meaning. */
  it.each<[strategy: keyof typeof inner, members: string, shares: string]>([
    ['AVG', 'r1-a r1-b r2-a', 'r1-x:0,r1-x:1,r3-x:0,r3-x:1|r1-x:2,r3-x:2,r3-y:0|r2-x:0,r2-x:1,r2-x:2,r3-y:1,r3-y:2|'],
    [
      'AVG_BY_CIRCLE',
      'r1-a r1-b r2-a',
      'r1-x:0,r1-x:2,r3-x:0,r3-y:0|r1-x:1,r3-x:1,r3-y:1|r2-x:0,r2-x:1,r2-x:2,r3-x:2,r3-y:2|',
    ],
    [
      'CONSISTENT_HASH',
      'r1-a r1-b r2-a',
      'r1-x:2|r1-x:0,r1-x:1,r3-x:1,r3-y:1|r2-x:0,r2-x:1,r2-x:2,r3-x:0,r3-x:2,r3-y:0,r3-y:2|',
    ],
    ['AVG', 'r2-a r2-b r2-c', 'r1-x:0,r2-x:0,r3-x:0,r3-x:1|r1-x:1,r2-x:1,r3-x:2,r3-y:0|r1-x:2,r2-x:2,r3-y:1,r3-y:2|'],
    [
      'AVG_BY_CIRCLE',
      'r2-a r2-b r2-c',
      'r1-x:0,r2-x:0,r3-x:0,r3-y:0|r1-x:1,r2-x:1,r3-x:1,r3-y:1|r1-x:2,r2-x:2,r3-x:2,r3-y:2|',
    ],
    [
      'CONSISTENT_HASH',
      'r2-a r2-b r2-c',
      'r1-x:2,r3-y:0,r3-y:1,r3-y:2|r1-x:0,r1-x:1,r2-x:0,r2-x:1,r2-x:2,r3-x:1|r3-x:0,r3-x:2|',
    ],
    ['AVG', 'r1-a r4-a', 'r1-x:0,r1-x:1,r1-x:2,r2-x:0,r2-x:1,r3-x:0,r3-x:1,r3-x:2|r2-x:2,r3-y:0,r3-y:1,r3-y:2|'],
    [
      'AVG_BY_CIRCLE',
      'r1-a r4-a',
      'r1-x:0,r1-x:1,r1-x:2,r2-x:0,r2-x:2,r3-x:0,r3-x:2,r3-y:1|r2-x:1,r3-x:1,r3-y:0,r3-y:2|',
    ],
    [
      'CONSISTENT_HASH',
      'r1-a r4-a',
      'r1-x:0,r1-x:1,r1-x:2,r2-x:1,r2-x:2,r3-x:0,r3-x:2,r3-y:0,r3-y:2|r2-x:0,r3-x:1,r3-y:1|',
    ],
    [
      'AVG',
      'r1-a r2-a r3-a r4-a',
      'r1-x:0,r1-x:1,r1-x:2|r2-x:0,r2-x:1,r2-x:2|r3-x:0,r3-x:1,r3-x:2,r3-y:0,r3-y:1,r3-y:2||',
    ],
    [
      'AVG_BY_CIRCLE',
      'r1-a r2-a r3-a r4-a',
      'r1-x:0,r1-x:1,r1-x:2|r2-x:0,r2-x:1,r2-x:2|r3-x:0,r3-x:1,r3-x:2,r3-y:0,r3-y:1,r3-y:2||',
    ],
    [
      'CONSISTENT_HASH',
      'r1-a r2-a r3-a r4-a',
      'r1-x:0,r1-x:1,r1-x:2|r2-x:0,r2-x:1,r2-x:2|r3-x:0,r3-x:1,r3-x:2,r3-y:0,r3-y:1,r3-y:2||',
    ],
  ])('%s: shares queues among %s as Java does', (name, members, expected) => {
    const strategy = allocateNearby(rooms, inner[name]);
    expect(strategy.name).toBe(`MACHINE_ROOM_NEARBY-${name}`);
    expect(sharesOf(strategy, queuesOf(brokers, 3), members.split(' '))).toEqual(recorded(expected));
  });

  it('says whose room is not known', () => {
    const lost = { ...rooms, roomOfConsumer: () => '' };
    expect(() => allocateNearby(lost).allocate('r1-a', queuesOf(brokers, 1), ['r1-a'])).toThrow(
      'The machine room of consumer r1-a is not known',
    );
  });
});
