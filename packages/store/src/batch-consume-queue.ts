import { ConsumeQueue, type ConsumeQueueParts, type EntryBlock } from './consume-queue.js';
import type { Boundary } from './types.js';
import { readLong, type UnitLayout, writeLong } from './unit-files.js';

/** Bytes per unit. Java: `BatchConsumeQueue.CQ_STORE_UNIT_SIZE`. */
export const BATCH_UNIT_SIZE = 46;
/** Compacted offset of a unit that was never compacted. Java: `BatchConsumeQueue.INVALID_POS`. */
const NOT_COMPACTED = -1;
/** Numbers per unit in memory: commit log offset, size, tags code, store time, first offset, messages. */
const STRIDE = 6;
const STORE_TIME = 3;
const BASE = 4;
const MESSAGES = 5;

/**
 * ```
 * | commit log offset (8) | size (4) | tags code (8) | store time (8) | first offset (8) | messages (2) | compacted offset (4) | 0 (4) |
 * ```
 */
export const batchLayout: UnitLayout = {
  bytes: BATCH_UNIT_SIZE,
  stride: STRIDE,
  filler: [], // Units carry their offsets: a queue can begin anywhere.
  encode(target, at, values, from) {
    writeLong(target, at, values[from]!);
    target.writeInt32BE(values[from + 1]!, at + 8);
    writeLong(target, at + 12, values[from + 2]!);
    writeLong(target, at + 20, values[from + STORE_TIME]!);
    writeLong(target, at + 28, values[from + BASE]!);
    target.writeInt16BE(values[from + MESSAGES]!, at + 36);
    target.writeInt32BE(NOT_COMPACTED, at + 38);
    target.writeInt32BE(0, at + 42);
  },
  isWritten: (source, at) =>
    source.readInt32BE(at + 8) > 0 &&
    source.readInt32BE(at) >= 0 &&
    source.readInt32BE(at + 28) >= 0 &&
    source.readInt16BE(at + 36) > 0,
  decode(source, at, values) {
    values.push(
      readLong(source, at),
      source.readInt32BE(at + 8),
      readLong(source, at + 12),
      readLong(source, at + 20),
      readLong(source, at + 28),
      source.readInt16BE(at + 36),
    );
  },
};

/**
 * One unit per stored message, which may hold many: an inner batch takes as many offsets as it has messages. Java:
 * `BatchConsumeQueue`, `CQType.BatchCQ`; for topics with the attribute `queue.type=BatchCQ`.
 */
export class BatchConsumeQueue extends ConsumeQueue {
  readonly type = 'BatchCQ';
  /** Behind the last block read from the disk: where a consumer that catches up goes on. Saves it the search. */
  private next = { offset: -1, unit: 0 };

  constructor(parts: ConsumeQueueParts) {
    super(batchLayout, parts);
  }

  append(
    commitLogOffset: number,
    size: number,
    tagsCode: number,
    queueOffset: number,
    storeTimestamp: number,
    messageCount: number,
  ): void {
    if (commitLogOffset + size <= this.maxPhysicalOffset || queueOffset < this.maxOffset || this.destroyed) return;
    if (this.endUnit === this.minUnit) {
      this.firstPhysicalOffset = commitLogOffset;
      this.minOffset = queueOffset;
    }
    this.tail.push(commitLogOffset, size, tagsCode, storeTimestamp, queueOffset, messageCount);
    this.endUnit++;
    this.maxOffset = queueOffset + messageCount;
    if (this.nextOffset < this.maxOffset) this.nextOffset = this.maxOffset;
    this.maxPhysicalOffset = commitLogOffset + size;
  }

  entries(offset: number, count: number): EntryBlock | Promise<EntryBlock> {
    const { tail } = this;
    if (tail.length > 0 && offset >= tail[BASE]!) {
      const unit = this.tailUnit + this.searchTail(offset);
      return this.block(this.units(unit, unit + count) as readonly number[]);
    }
    return this.entriesOnDisk(offset, count);
  }

  commitLogOffsetHint(offset: number): number {
    if (offset < this.minOffset || offset >= this.maxOffset) return -1;
    const { tail } = this;
    return tail.length > 0 && offset >= tail[BASE]!
      ? tail[this.searchTail(offset) * STRIDE]!
      : this.firstPhysicalOffset;
  }

  offsetBehindFile(): number {
    return this.minOffset;
  }

  /**
   * LOWER: first offset of the first unit stored at or after `timestamp`. UPPER: of the last one stored at or before it, the minimum
   * offset when there is none. Both: of the last unit when nothing is newer. Java: `BatchConsumeQueue.getOffsetInQueueByTime`.
   */
  override async offsetByTime(timestamp: number, boundary: Boundary): Promise<number> {
    if (this.endUnit === this.minUnit) return this.maxOffset;
    const isBehind = (time: number): boolean => (boundary === 'LOWER' ? time >= timestamp : time > timestamp);
    const behind = await this.firstUnit((values) => isBehind(values[STORE_TIME]!));
    const unit = boundary === 'LOWER' ? Math.min(behind, this.endUnit - 1) : Math.max(this.minUnit, behind - 1);
    return (await this.units(unit, unit + 1))[BASE] ?? this.minOffset;
  }

  protected offsetOf(_unit: number, values: readonly number[] | null): number {
    return values ? values[BASE]! : this.maxOffset;
  }

  protected offsetBehind(_unit: number, values: readonly number[]): number {
    return values[BASE]! + values[MESSAGES]!;
  }

  private async entriesOnDisk(offset: number, count: number): Promise<EntryBlock> {
    const known = offset === this.next.offset ? this.next.unit : -1;
    const unit =
      known >= this.minUnit
        ? known
        : Math.max(this.minUnit, (await this.firstUnit((values) => values[BASE]! > offset)) - 1);
    const values = await this.units(unit, unit + count);
    const read = values.length / STRIDE;
    if (read > 0) {
      const last = values.slice(-STRIDE);
      this.next = { offset: last[BASE]! + last[MESSAGES]!, unit: unit + read };
    }
    return this.block(values);
  }

  private block(units: readonly number[]): EntryBlock {
    const values: number[] = [];
    const batches: number[] = [];
    for (let i = 0; i < units.length; i += STRIDE) {
      values.push(units[i]!, units[i + 1]!, units[i + 2]!);
      batches.push(units[i + BASE]!, units[i + MESSAGES]!);
    }
    return { queueOffset: batches[0] ?? 0, count: batches.length / 2, values, batches };
  }

  /** Number, within the tail, of the unit that holds `offset`, which is not before the tail. */
  private searchTail(offset: number): number {
    let low = 0;
    let high = this.tail.length / STRIDE;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tail[middle * STRIDE + BASE]! > offset) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  /** First unit, in a queue where `test` holds from some unit on, for which it does; the end when there is none. */
  private async firstUnit(test: (values: readonly number[]) => boolean): Promise<number> {
    let low = Math.max(this.minUnit, this.startUnit);
    let high = this.endUnit;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const values = await this.units(middle, middle + 1);
      if (values.length > 0 && test(values)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
