import type { Files } from './files.js';
import type { OpenFiles } from './open-files.js';
import type { Boundary, ConsumeQueueEntry, QueueType, StoreLogger } from './types.js';
import { isFillerOf, UnitFiles, type UnitLayout } from './unit-files.js';

/** Units of a consume queue in memory, three numbers each: commit log offset, size, tags code. */
export interface EntryBlock {
  /** Queue offset of the first message of the first unit. */
  readonly queueOffset: number;
  readonly count: number;
  readonly values: readonly number[];
  /** First queue offset and number of messages of each unit; null: every unit is one message, one after another. */
  readonly batches: readonly number[] | null;
}

/** Queue offset of the (first) message of a block's unit. */
export const queueOffsetAt = ({ queueOffset, batches }: EntryBlock, at: number): number =>
  batches ? batches[at * 2]! : queueOffset + at;

/** How many messages a block's unit stands for. */
export const messageCountAt = ({ batches }: EntryBlock, at: number): number => (batches ? batches[at * 2 + 1]! : 1);

/** The same as objects, for those who are not in a hurry. */
export const entriesOf = (block: EntryBlock): ConsumeQueueEntry[] =>
  Array.from({ length: block.count }, (_, i) => ({
    commitLogOffset: block.values[i * 3]!,
    size: block.values[i * 3 + 1]!,
    tagsCode: block.values[i * 3 + 2]!,
    queueOffset: queueOffsetAt(block, i),
    messageCount: messageCountAt(block, i),
  }));

/** What a new consume queue is made of. */
export interface ConsumeQueueParts {
  readonly topic: string;
  /** The topic in UTF-8; shared by the queues of a topic. */
  readonly topicBytes: Buffer;
  readonly queueId: number;
  readonly directory: string;
  readonly fileSize: number;
  readonly files: Files;
  readonly openFiles: OpenFiles;
  readonly logger: StoreLogger;
}

/**
 * One consume queue: for the messages of a topic's queue, in order, where they are in the commit log. Java:
 * `ConsumeQueueInterface`.
 *
 * Derived data: everything here can be rebuilt from the commit log.
 */
export abstract class ConsumeQueue extends UnitFiles {
  readonly topic: string;
  readonly topicBytes: Buffer;
  readonly queueId: number;
  /** First offset that points to an existing message. */
  minOffset = 0;
  /** Behind the last dispatched (readable) message. */
  maxOffset = 0;
  /** Offset the next put gets; ahead of `maxOffset` by the messages in flight. */
  nextOffset = 0;
  /** End in the commit log of the newest message dispatched here, -1 when unknown. */
  maxPhysicalOffset = -1;
  abstract readonly type: QueueType;
  /** Unit of the message at `minOffset`. */
  protected minUnit = 0;
  /** Commit log offset of the message at `minOffset`, -1 when unknown. */
  protected firstPhysicalOffset = -1;

  constructor(layout: UnitLayout, parts: ConsumeQueueParts) {
    super(layout, parts.directory, parts.fileSize, parts.files, parts.openFiles, parts.logger);
    this.topic = parts.topic;
    this.topicBytes = parts.topicBytes;
    this.queueId = parts.queueId;
  }

  /** Adds the next unit. What is already there, as when recovery dispatches again, is ignored. */
  abstract append(
    commitLogOffset: number,
    size: number,
    tagsCode: number,
    queueOffset: number,
    storeTimestamp: number,
    messageCount: number,
  ): void;

  /**
   * The units from the one that holds `offset` on, at most `count` and not beyond the file the first is in; a promise when they are
   * on disk only.
   */
  abstract entries(offset: number, count: number): EntryBlock | Promise<EntryBlock>;

  /**
   * Where the message at `offset` is, as far as is known without reading: exact for the first and the newest messages, else the place
   * of the first, which is before it; -1 when there is no such message.
   */
  abstract commitLogOffsetHint(offset: number): number;

  /** Where to go on when the file that should hold `offset` is gone. Java: `rollNextFile`. */
  abstract offsetBehindFile(offset: number): number;

  /** Search by store time without the log; null when the queue does not know store times. */
  offsetByTime(_timestamp: number, _boundary: Boundary): Promise<number> | null {
    return null;
  }

  /** Queue offset of the first message of a unit with these numbers; `null`: behind the last unit. */
  protected abstract offsetOf(unit: number, values: readonly number[] | null): number;

  /** Queue offset behind a unit with these numbers. */
  protected abstract offsetBehind(unit: number, values: readonly number[]): number;

  /** The unit that holds `offset`, or null when it is out of range. */
  async entry(offset: number): Promise<ConsumeQueueEntry | null> {
    if (offset < 0 || offset >= this.maxOffset) return null;
    return entriesOf(await this.entries(offset, 1))[0] ?? null;
  }

  /** The newest unit in the files or in memory, null when there is none. For start-up. */
  newestSync(): { commitLogOffset: number; size: number; queueOffset: number } | null {
    if (this.endUnit === this.minUnit) return null;
    this.flushSync();
    const values = this.unitSync(this.endUnit - 1);
    return {
      commitLogOffset: values[0]!,
      size: values[1]!,
      queueOffset: this.offsetOf(this.endUnit - 1, values),
    };
  }

  /** Reads the files: range of the queue and end of its newest message. */
  loadSync(): void {
    const { first, last } = this.loadUnitsSync();
    this.minUnit = this.segments.empty ? 0 : this.segments.start / this.layout.bytes;
    this.firstPhysicalOffset = first && !this.isFiller(first) ? first[0]! : -1;
    this.maxPhysicalOffset = last ? last[0]! + last[1]! : -1;
    this.setEnd(last);
    this.minOffset = this.offsetOf(this.minUnit, this.endUnit > this.minUnit ? first : null);
  }

  /** Removes units of messages at or after `commitLogOffset`, in memory and on disk. */
  truncateSync(commitLogOffset: number): void {
    this.flushSync();
    if (this.endUnit === this.startUnit) return;
    if (this.maxPhysicalOffset >= 0 && this.maxPhysicalOffset <= commitLogOffset) return;
    // Log offsets ascend, fillers (offset 0) come first, holes are among those to go: the first of these can be searched for.
    let low = this.startUnit;
    let high = this.endUnit;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [offset, size] = this.unitSync(middle);
      if (size! > 0 && offset! < commitLogOffset) low = middle + 1;
      else high = middle;
    }
    const cut = low < this.endUnit ? this.unitSync(low) : null;
    this.cutUnitsSync(low);
    const last = low > Math.max(this.minUnit, this.startUnit) ? this.unitSync(low - 1) : null;
    this.maxPhysicalOffset = last && !this.isFiller(last) ? last[0]! + last[1]! : -1;
    this.setEnd(last, cut);
    if (this.minUnit > this.endUnit) this.minUnit = this.endUnit;
    if (this.minUnit === this.endUnit) this.minOffset = this.offsetOf(this.minUnit, null);
  }

  /** Moves `minOffset` to the first message that is at or after `minCommitLogOffset`. Java: `correctMinOffset`. */
  async correctMinOffset(minCommitLogOffset: number): Promise<void> {
    if (this.minUnit === this.endUnit || this.firstPhysicalOffset >= minCommitLogOffset) return;
    let low = Math.max(this.minUnit, this.startUnit);
    let high = this.endUnit;
    // Everything before `low` is too old, everything from `high` on is kept; fillers count as too old.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const unit = await this.units(middle, middle + 1);
      if (unit.length === 0 || unit[0]! < minCommitLogOffset || this.isFiller(unit)) low = middle + 1;
      else high = middle;
    }
    const unit = low < this.endUnit ? await this.units(low, low + 1) : [];
    this.minUnit = low;
    this.minOffset = this.offsetOf(low, unit.length > 0 ? unit : null);
    this.firstPhysicalOffset = unit[0] ?? -1;
  }

  /** Deletes the files (never the last) whose messages are all before `minCommitLogOffset`. Returns how many. */
  async deleteExpired(minCommitLogOffset: number): Promise<number> {
    const deleted = await this.deleteFilesBefore(minCommitLogOffset);
    await this.correctMinOffset(minCommitLogOffset);
    return deleted;
  }

  /** Deletes all files. The object is of no use afterwards; a new one starts the queue again from 0. */
  async destroy(): Promise<void> {
    await this.destroyFiles();
    this.minUnit = 0;
    this.minOffset = 0;
    this.maxOffset = 0;
    this.nextOffset = 0;
    this.maxPhysicalOffset = -1;
  }

  protected isFiller(values: readonly number[]): boolean {
    return isFillerOf(this.layout, values[0]!, values[1]!);
  }

  /** Takes the end of the queue from its last unit, or from the one that followed when none is left. */
  private setEnd(last: readonly number[] | null, next: readonly number[] | null = null): void {
    this.maxOffset = last ? this.offsetBehind(this.endUnit - 1, last) : this.offsetOf(this.endUnit, next);
    this.nextOffset = this.maxOffset;
  }
}
