import { createHash } from 'node:crypto';
import { ConfigurationError } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import type { AllocateStrategy } from './allocate.js';

/** Points on the ring per member. Java: the default of AllocateMessageQueueConsistentHash. */
const VIRTUAL_NODES = 10;

/**
 * Each queue goes to the member whose point on a hash ring follows its own: when a member joins or leaves, only about its own
 * share of the queues moves, but shares differ in size. Java: AllocateMessageQueueConsistentHash ("CONSISTENT_HASH") with
 * ConsistentHashRouter; the same hash over the same texts, so members of both kinds agree.
 * @param virtualNodes points per member, at least 1, default 10; the same in all members
 * @throws ConfigurationError
 */
export function allocateByConsistentHash(virtualNodes = VIRTUAL_NODES): AllocateStrategy {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 1 || virtualNodes > 10_000) {
    throw new ConfigurationError(
      `Consistent hash allocation needs an integer from 1 to 10000 as number of virtual nodes, got ${virtualNodes}. Java's default is ${VIRTUAL_NODES}.`,
      { context: { virtualNodes } },
    );
  }
  return {
    name: 'CONSISTENT_HASH',
    allocate(self, queues, members) {
      if (!members.includes(self)) return [];
      const ring = ringOf(members, virtualNodes);
      return queues.filter((queue) => ownerOf(hash(javaName(queue)), ring) === self);
    },
  };
}

interface Point {
  readonly at: number;
  readonly member: string;
}

/** Sorted by position. Where two points meet, the later member has it, as in Java's map. */
function ringOf(members: readonly string[], virtualNodes: number): Point[] {
  const owners = new Map<number, string>();
  for (const member of members) {
    for (let i = 0; i < virtualNodes; i++) owners.set(hash(`${member}-${i}`), member);
  }
  return Array.from(owners, ([at, member]) => ({ at, member })).sort((a, b) => a.at - b.at);
}

/** The first point at or after `position`, going round. */
function ownerOf(position: number, ring: readonly Point[]): string {
  return (ring.find((point) => point.at >= position) ?? ring[0]!).member;
}

/** The first 32 bits of the MD5. Java: ConsistentHashRouter.MD5Hash. */
function hash(text: string): number {
  return createHash('md5').update(text, 'utf8').digest().readUInt32BE(0);
}

/** What the ring places is Java's text for the queue. Java: MessageQueue.toString. */
function javaName({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`;
}
