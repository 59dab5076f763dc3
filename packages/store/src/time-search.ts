import { readStored } from '@rocketnest/protocol';
import type { CommitLog } from './commit-log.js';
import type { ConsumeQueue } from './consume-queue.js';
import { isFiller } from './simple-consume-queue.js';
import type { Boundary } from './types.js';

/** Store time of the message at a queue offset, -1 when there is none. */
export async function storeTimestampAt(log: CommitLog, queue: ConsumeQueue, offset: number): Promise<number> {
  const entry = await queue.entry(offset);
  if (!entry || isFiller(entry.commitLogOffset, entry.size)) return -1;
  const prefix = await log.readPrefix(entry.commitLogOffset);
  return prefix ? readStored.storeTimestamp(prefix, 0) : -1;
}

/**
 * LOWER: the first offset whose message was stored at or after `timestamp`, the maximum offset when there is none.
 * UPPER: the last offset whose message was stored at or before `timestamp`, the minimum offset when there is none.
 * Java: `ConsumeQueue.getOffsetInQueueByTime`, limited to the range of the queue as `ConsumeQueueStore` does.
 *
 * A binary search: store times are taken to be in order, which a clock set back can break, there as here.
 */
export async function offsetByTimestamp(
  log: CommitLog,
  queue: ConsumeQueue,
  timestamp: number,
  boundary: Boundary,
): Promise<number> {
  const { minOffset, maxOffset } = queue;
  const known = queue.offsetByTime(timestamp, boundary);
  if (known) return known;
  // First offset behind the boundary: LOWER looks for time >= timestamp, UPPER for time > timestamp.
  const isBehind = (time: number): boolean => (boundary === 'LOWER' ? time >= timestamp : time > timestamp);
  let low = minOffset;
  let high = maxOffset;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const time = await storeTimestampAt(log, queue, middle);
    if (time >= 0 && isBehind(time)) high = middle;
    else low = middle + 1;
  }
  if (boundary === 'LOWER') return low;
  return Math.max(minOffset, low - 1);
}
