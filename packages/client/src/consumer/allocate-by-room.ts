import { ConfigurationError } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import { type AllocateStrategy, allocateAveragely } from './allocate.js';

/**
 * Shares out only the queues of brokers in some machine rooms, which broker names begin with: "room1@broker-a". Members of the
 * other rooms' brokers are another group's business. Java: AllocateMessageQueueByMachineRoom ("MACHINE_ROOM").
 * @param rooms the rooms whose queues this group reads; the same in all members
 * @throws ConfigurationError when no room is given
 */
export function allocateByMachineRoom(rooms: Iterable<string>): AllocateStrategy {
  const ours = new Set(rooms);
  if (ours.size === 0) {
    throw new ConfigurationError('Allocation by machine room needs the name of at least one room.', { context: {} });
  }
  return {
    name: 'MACHINE_ROOM',
    allocate(self, queues, members) {
      const index = members.indexOf(self);
      if (index < 0) return [];
      const near = queues.filter(({ brokerName }) => ours.has(roomInName(brokerName) ?? ''));
      const share = Math.floor(near.length / members.length);
      const mine = near.slice(share * index, share * (index + 1));
      // What cannot be divided goes to the first members, one each.
      const left = near[share * members.length + index];
      return left === undefined ? mine : [...mine, left];
    },
  };
}

/** Tells where brokers and consumers are. Both must know every name they are asked for, in all members alike. Java: MachineRoomResolver. */
export interface MachineRooms {
  roomOfBroker(queue: MessageQueue): string;
  /** @param clientId `ip@instanceName` of a member of the group */
  roomOfConsumer(clientId: string): string;
}

/**
 * Queues go to members in the room of their broker; those of rooms without a member go to everybody. Java:
 * AllocateMachineRoomNearby ("MACHINE_ROOM_NEARBY-" and the name of the inner strategy).
 * @param inner how the queues of one room are shared there; default: averagely
 */
export function allocateNearby(rooms: MachineRooms, inner: AllocateStrategy = allocateAveragely): AllocateStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate(self, queues, members) {
      if (!members.includes(self)) return [];
      const queuesByRoom = groupBy(queues, (queue) => known(rooms.roomOfBroker(queue), `broker ${queue.brokerName}`));
      const membersByRoom = groupBy(members, (member) => known(rooms.roomOfConsumer(member), `consumer ${member}`));
      const home = rooms.roomOfConsumer(self);
      return [...queuesByRoom].flatMap(([room, inRoom]) => {
        if (room === home) return inner.allocate(self, inRoom, membersByRoom.get(room)!);
        return membersByRoom.has(room) ? [] : inner.allocate(self, inRoom, members);
      });
    },
  };
}

/** "room1@broker-a" is in room1; other forms are in no room. Java: `split("@")`, which drops empty parts at the end. */
function roomInName(brokerName: string): string | undefined {
  const parts = brokerName.replace(/@+$/, '').split('@');
  return parts.length === 2 ? parts[0] : undefined;
}

function known(room: string, of: string): string {
  if (room) return room;
  throw new ConfigurationError(`The machine room of ${of} is not known. Have the resolver name one for it.`, {
    context: { of },
  });
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
