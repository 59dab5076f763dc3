import { ConsumeQueue, type ConsumeQueueParts, type EntryBlock } from './consume-queue.js';
import { readLong, type UnitLayout, writeLong } from './unit-files.js';

/** Bytes per entry. Java: `ConsumeQueue.CQ_STORE_UNIT_SIZE`. */
export const ENTRY_SIZE = 20;
/** Size field of an entry that stands for no message. Java: `ConsumeQueue.fillPreBlank`. */
const FILLER_SIZE = 0x7fffffff;
/** Numbers per entry in memory: commit log offset, size, tags code. */
const STRIDE = 3;

/**
 * ```
 * | commit log offset (8) | size (4) | tags code (8) |      big endian; tags code: hash, or due time in SCHEDULE_TOPIC_XXXX
 * ```
 */
export const entryLayout: UnitLayout = {
  bytes: ENTRY_SIZE,
  stride: STRIDE,
  filler: [0, FILLER_SIZE, 0],
  encode(target, at, values, from) {
    writeLong(target, at, values[from]!);
    target.writeInt32BE(values[from + 1]!, at + 8);
    writeLong(target, at + 12, values[from + 2]!);
  },
  isWritten: (source, at) => source.readInt32BE(at + 8) > 0 && source.readInt32BE(at) >= 0,
  decode(source, at, values) {
    values.push(readLong(source, at), source.readInt32BE(at + 8), readLong(source, at + 12));
  },
};

export const isFiller = (commitLogOffset: number, size: number): boolean =>
  commitLogOffset === 0 && size === FILLER_SIZE;

/** One entry per message; the offset of a message is the number of its entry. Java: `ConsumeQueue`, `CQType.SimpleCQ`. */
export class SimpleConsumeQueue extends ConsumeQueue {
  readonly type = 'SimpleCQ';

  constructor(parts: ConsumeQueueParts) {
    super(entryLayout, parts);
  }

  append(commitLogOffset: number, size: number, tagsCode: number, queueOffset: number): void {
    if (commitLogOffset + size <= this.maxPhysicalOffset || queueOffset < this.maxOffset || this.destroyed) return;
    if (queueOffset > this.maxOffset) this.skipTo(queueOffset);
    if (this.maxOffset === this.minOffset) this.firstPhysicalOffset = commitLogOffset;
    this.tail.push(commitLogOffset, size, tagsCode);
    this.endUnit++;
    this.maxOffset++;
    if (this.nextOffset < this.maxOffset) this.nextOffset = this.maxOffset;
    this.maxPhysicalOffset = commitLogOffset + size;
  }

  entries(offset: number, count: number): EntryBlock | Promise<EntryBlock> {
    const values = this.units(offset, offset + count);
    const block = (read: readonly number[]): EntryBlock => ({
      queueOffset: offset,
      count: read.length / STRIDE,
      values: read,
      batches: null,
    });
    return values instanceof Promise ? values.then(block) : block(values);
  }

  commitLogOffsetHint(offset: number): number {
    if (offset < this.minOffset || offset >= this.maxOffset) return -1;
    const i = (offset - this.tailUnit) * STRIDE;
    return i >= 0 && i < this.tail.length ? this.tail[i]! : this.firstPhysicalOffset;
  }

  offsetBehindFile(offset: number): number {
    const perFile = this.unitsPerFile;
    return offset + perFile - (offset % perFile);
  }

  protected offsetOf(unit: number): number {
    return unit;
  }

  protected offsetBehind(unit: number): number {
    return unit + 1;
  }

  /** The first entries of the queue are gone from the log, or a stretch of it is: keep every later entry at its own offset. */
  private skipTo(queueOffset: number): void {
    if (this.maxOffset === 0 && this.segments.empty) {
      this.minUnit = queueOffset;
      this.minOffset = queueOffset;
      this.maxOffset = queueOffset;
      this.resetUnits(queueOffset);
      return;
    }
    this.logger.warn('consume queue has a gap, filled with empty entries', {
      topic: this.topic,
      queueId: this.queueId,
      from: this.maxOffset,
      to: queueOffset,
    });
    for (; this.maxOffset < queueOffset; this.maxOffset++, this.endUnit++) this.tail.push(...entryLayout.filler);
  }
}
