import type { LogicQueueItem, TopicQueueMapping, TopicQueueMappingInfo } from '@rocketnest/protocol';

/*
 * A logic queue is a sequence of parts, each in a physical queue of some broker. The last part, the leader, takes new messages:
 *
 *   logic      0 ······ 57        10 000 ······ 10 012        20 000 ······→
 *   physical   broker-a 0: 0–57   broker-b 3: 0–12            broker-a 4: 0–
 *
 * Rules: Java's `LogicQueueMappingItem`, `TopicQueueMappingDetail`, `TopicQueueMappingUtils`.
 */

/** Where the broker is told the truth about a part: a part of a running remapping has no place in the logic queue yet. */
export const isPlaced = (item: LogicQueueItem): boolean => item.logicOffset >= 0;

const hasEnd = (item: LogicQueueItem): boolean => item.endOffset > item.startOffset;

/** An offset of the physical queue as offset of the logic queue. */
export const logicOffset = (item: LogicQueueItem, physical: number): number =>
  item.logicOffset + Math.max(0, physical - item.startOffset);

/** The same for a message just written: −1 in a part without place, and never past the part's end. */
export function writtenOffset(item: LogicQueueItem, physical: number): number {
  if (!isPlaced(item)) return -1;
  return logicOffset(item, item.endOffset >= item.startOffset ? Math.min(physical, item.endOffset) : physical);
}

/** An offset of the logic queue as offset of the part's physical queue; may lie outside of it. */
export const physicalOffset = (item: LogicQueueItem, logic: number): number =>
  logic - item.logicOffset + item.startOffset;

/** `physical`, but not past the end of a part that ended. */
export const withinEnd = (item: LogicQueueItem, physical: number): number =>
  hasEnd(item) ? Math.min(physical, item.endOffset) : physical;

/** How many messages a part has; Infinity while it has no end. */
export const lengthOf = (item: LogicQueueItem): number =>
  hasEnd(item) ? item.endOffset - item.startOffset : Number.POSITIVE_INFINITY;

/** The largest logic offset that the mapping itself knows of. */
export function knownEnd(items: readonly LogicQueueItem[]): number {
  const leader = items.at(-1);
  if (leader === undefined) return -1;
  return leader.endOffset >= leader.startOffset
    ? leader.logicOffset + leader.endOffset - leader.startOffset
    : leader.logicOffset;
}

/** The part that holds an offset: the last one that starts at or before it, else the first. Parts without place do not count. */
export function partAt(items: readonly LogicQueueItem[], logic: number): LogicQueueItem | undefined {
  const placed = items.filter(isPlaced);
  return placed.findLast((item) => logic >= item.logicOffset) ?? placed[0];
}

/** The part after `current`, once it has a place. */
export function partAfter(items: readonly LogicQueueItem[], current: LogicQueueItem): LogicQueueItem | undefined {
  const next = items[items.findIndex(({ gen }) => gen === current.gen) + 1];
  return next !== undefined && isPlaced(next) ? next : undefined;
}

/** What name servers get to know of a mapping: which logic queues are written here. */
export function infoOf(mapping: TopicQueueMapping): TopicQueueMappingInfo {
  const { hostedQueues, ...info } = mapping;
  const currIdMap: Record<number, number> = {};
  for (const [id, items] of Object.entries(hostedQueues)) {
    const leader = items.at(-1);
    if (leader?.bname === mapping.bname) currIdMap[Number(id)] = leader.queueId;
  }
  return { ...info, currIdMap };
}

/** What is wrong with the parts of one logic queue, or null (`checkLogicQueueMappingItemOffset`). */
export function problemOfParts(items: readonly LogicQueueItem[]): string | null {
  let next: LogicQueueItem | undefined;
  for (const item of items.toReversed()) {
    if (item.startOffset < 0 || item.gen < 0 || item.queueId < 0) {
      return 'startOffset, gen and queueId must not be negative';
    }
    if (item.endOffset !== -1 && item.endOffset < item.startOffset)
      return 'an endOffset is smaller than its startOffset';
    if (next !== undefined) {
      if (!isPlaced(item)) return 'only the last part may have a negative logicOffset';
      if (item.gen >= next.gen) return 'the gen of the parts does not increase';
      if (isPlaced(next) && Math.max(item.logicOffset, knownEnd([item])) >= next.logicOffset) {
        return 'the logicOffset of the parts does not increase';
      }
    }
    next = item;
  }
  return null;
}

/** Why parts must not replace others, or null (`makeSureLogicQueueMappingItemImmutable`). */
export function problemOfChange(
  old: readonly LogicQueueItem[],
  changed: readonly LogicQueueItem[],
  sameEpoch: boolean,
): string | null {
  if (old.length === 0) return null;
  if (changed.length === 0) return 'a logic queue would lose all its parts';
  // Parts may go (mapped back, cleaned) and come; those that stay keep what they are.
  for (const item of changed) {
    const before = old.find(({ gen }) => gen === item.gen);
    if (before === undefined) continue;
    const same = isSamePart(before, item) && (!isPlaced(before) || before.logicOffset === item.logicOffset);
    if (!same) return `part ${item.gen} would change where it is`;
  }
  const [oldLeader, newLeader] = [old.at(-1)!, changed.at(-1)!];
  if (sameEpoch && (oldLeader.gen !== newLeader.gen || !isSamePart(oldLeader, newLeader))) {
    return 'the leader would change without a new epoch';
  }
  return null;
}

const isSamePart = (one: LogicQueueItem, other: LogicQueueItem): boolean =>
  one.bname === other.bname && one.queueId === other.queueId && one.startOffset === other.startOffset;
