import type { Files } from './files.js';
import { type OpenFiles, readFully, syncFile, writeFully } from './open-files.js';
import { Segments } from './segments.js';
import type { ConsumeQueueEntry, StoreLogger } from './types.js';

/** Bytes per entry. Java: `ConsumeQueue.CQ_STORE_UNIT_SIZE`. */
export const ENTRY_SIZE = 20;
/** Numbers per entry in memory: commit log offset, size, tags code. */
const STRIDE = 3;
/** Size field of an entry that stands for no message. Java: `ConsumeQueue.fillPreBlank`. */
const FILLER_SIZE = 0x7fffffff;
const TWO_32 = 2 ** 32;

/** Entries in memory, three numbers each: commit log offset, size, tags code. */
export interface EntryBlock {
  /** Queue offset of the first entry. */
  readonly queueOffset: number;
  readonly count: number;
  readonly values: readonly number[];
}

/**
 * ```
 * | commit log offset (8) | size (4) | tags code (8) |      big endian; tags code: hash, or due time in SCHEDULE_TOPIC_XXXX
 * ```
 */
function encodeEntry(target: Buffer, at: number, commitLogOffset: number, size: number, tagsCode: number): void {
  target.writeUInt32BE(Math.floor(commitLogOffset / TWO_32), at);
  target.writeUInt32BE(commitLogOffset % TWO_32, at + 4);
  target.writeInt32BE(size, at + 8);
  const high = Math.floor(tagsCode / TWO_32);
  target.writeInt32BE(high, at + 12);
  target.writeUInt32BE(tagsCode - high * TWO_32, at + 16);
}

const readOffset = (source: Buffer, at: number): number =>
  source.readInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);

export const isFiller = (commitLogOffset: number, size: number): boolean =>
  commitLogOffset === 0 && size === FILLER_SIZE;

/** Appends the entries in `source` to `values` until one that was never written (offset < 0 or size <= 0); returns how many. */
export function decodeEntries(source: Buffer, values: number[]): number {
  let count = 0;
  for (let at = 0; at + ENTRY_SIZE <= source.length; at += ENTRY_SIZE) {
    const commitLogOffset = readOffset(source, at);
    const size = source.readInt32BE(at + 8);
    if (commitLogOffset < 0 || size <= 0) break;
    values.push(commitLogOffset, size, readOffset(source, at + 12));
    count++;
  }
  return count;
}

/** The same as objects, for those who are not in a hurry. */
export const entriesOf = ({ queueOffset, count, values }: EntryBlock): ConsumeQueueEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    commitLogOffset: values[i * STRIDE]!,
    size: values[i * STRIDE + 1]!,
    tagsCode: values[i * STRIDE + 2]!,
    queueOffset: queueOffset + i,
  }));

/**
 * One consume queue: for every message of a topic's queue, in order, where it is in the commit log. Java: `ConsumeQueue`.
 *
 * New entries live in a small tail in memory and are written to the files in batches. The tail keeps written entries only while
 * their messages are in the commit log's own tail, so that gets of fresh messages touch no file and idle queues cost nothing.
 * Derived data: everything here can be rebuilt from the commit log.
 */
export class ConsumeQueue {
  /** First offset that points to an existing message. */
  minOffset = 0;
  /** Behind the last dispatched (readable) entry. */
  maxOffset = 0;
  /** Offset the next put gets; ahead of `maxOffset` by the messages in flight. */
  nextOffset = 0;
  /** Commit log offset of the message at `minOffset`, -1 when unknown. */
  private firstPhysicalOffset = -1;
  /** End in the commit log of the newest message dispatched here, -1 when unknown. */
  maxPhysicalOffset = -1;
  readonly segments: Segments;

  private tail: number[] = [];
  /** Queue offset of the first entry in `tail`. */
  private tailOffset = 0;
  /** Entries before this are in the files. */
  private writtenOffset = 0;
  /** Segments written to since the last sync. */
  private unsynced: number[] = [];
  private flushing: Promise<void> | null = null;
  private destroyed = false;

  constructor(
    readonly topic: string,
    /** The topic in UTF-8; shared by the queues of a topic. */
    readonly topicBytes: Buffer,
    readonly queueId: number,
    directory: string,
    fileSize: number,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    private readonly logger: StoreLogger,
  ) {
    this.segments = new Segments(files, directory, fileSize);
  }

  /** True when a flush has something to write. */
  get dirty(): boolean {
    return this.writtenOffset < this.maxOffset && !this.destroyed;
  }

  get hasTail(): boolean {
    return this.tail.length > 0;
  }

  get hasUnsynced(): boolean {
    return this.unsynced.length > 0;
  }

  /** Adds the next entry. Entries that are already there, as when recovery dispatches again, are ignored. */
  append(commitLogOffset: number, size: number, tagsCode: number, queueOffset: number): void {
    if (commitLogOffset + size <= this.maxPhysicalOffset || queueOffset < this.maxOffset || this.destroyed) return;
    if (queueOffset > this.maxOffset) this.skipTo(queueOffset);
    if (this.maxOffset === this.minOffset) this.firstPhysicalOffset = commitLogOffset;
    this.tail.push(commitLogOffset, size, tagsCode);
    this.maxOffset++;
    if (this.nextOffset < this.maxOffset) this.nextOffset = this.maxOffset;
    this.maxPhysicalOffset = commitLogOffset + size;
  }

  /** The entries from `offset` on, at most `count` and not beyond the file the first is in; a promise when they are on disk only. */
  entries(offset: number, count: number): EntryBlock | Promise<EntryBlock> {
    const perFile = this.segments.size / ENTRY_SIZE;
    const end = Math.min(offset + count, this.maxOffset, offset - (offset % perFile) + perFile);
    if (offset >= this.tailOffset && this.tail.length > 0) {
      const from = (offset - this.tailOffset) * STRIDE;
      const to = (end - this.tailOffset) * STRIDE;
      return { queueOffset: offset, count: Math.max(0, end - offset), values: this.tail.slice(from, to) };
    }
    return this.entriesOnDisk(offset, Math.min(end, this.writtenOffset));
  }

  /** One entry, or null when the offset is out of range. */
  async entry(offset: number): Promise<ConsumeQueueEntry | null> {
    if (offset < 0 || offset >= this.maxOffset) return null;
    return entriesOf(await this.entries(offset, 1))[0] ?? null;
  }

  /**
   * Where the message at `offset` is, as far as is known without reading: exact for the first and the newest messages, else the place
   * of the first, which is before it; -1 when there is no such message.
   */
  commitLogOffsetHint(offset: number): number {
    if (offset < this.minOffset || offset >= this.maxOffset) return -1;
    const i = (offset - this.tailOffset) * STRIDE;
    return i >= 0 && i < this.tail.length ? this.tail[i]! : this.firstPhysicalOffset;
  }

  /** The newest entry in the files or in memory, null when there is none. For start-up. */
  newestSync(): { commitLogOffset: number; size: number; queueOffset: number } | null {
    if (this.maxOffset === this.minOffset) return null;
    this.flushSync();
    const [commitLogOffset, size] = this.entrySync(this.maxOffset - 1);
    return { commitLogOffset, size, queueOffset: this.maxOffset - 1 };
  }

  /** Writes new entries to the files; `sync` also brings everything written so far to the disk. Calls queue up. */
  async flush(sync: boolean): Promise<void> {
    while (this.flushing) await this.flushing.catch(() => {});
    this.flushing = this.flushOnce(sync).finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  /** Same as `flush(false)`, for recovery. */
  flushSync(): void {
    for (const write of this.pendingWrites()) {
      if (!this.segments.contains(write.base)) this.segments.createSync(write.base);
      const file = this.files.openSync(this.segments.path(write.base), 'create');
      file.writeSync(write.buffer, write.position);
      file.closeSync();
      this.noteUnsynced(write.base);
      this.writtenOffset = write.until;
    }
    this.forgetTail(Number.POSITIVE_INFINITY);
  }

  /** Drops written entries of messages before `commitLogOffset` from memory. */
  forgetTail(commitLogOffset: number): void {
    const written = (this.writtenOffset - this.tailOffset) * STRIDE;
    let keep = 0;
    while (keep < written && this.tail[keep]! < commitLogOffset) keep += STRIDE;
    if (keep === 0) return;
    this.tail = this.tail.slice(keep);
    this.tailOffset += keep / STRIDE;
  }

  /** Reads the files: range of the queue and end of its newest message. The last three are checked, as Apache does. */
  loadSync(): void {
    // There can be very many young queues, and asking for their one file is cheaper than listing its directory.
    if (this.files.factsSync(this.segments.path(0))?.size === this.segments.size) {
      this.segments.add(0);
      const counted = this.countSync(0);
      if (counted * ENTRY_SIZE < this.segments.size) {
        this.resetTo(counted);
        return;
      }
    }
    this.segments.loadSync(this.logger);
    const { bases } = this.segments;
    if (bases.length === 0) return;
    let max = 0;
    for (const base of bases.slice(-3)) {
      const counted = this.countSync(base);
      max = base / ENTRY_SIZE + counted;
      if (counted * ENTRY_SIZE < this.segments.size) break;
    }
    this.minOffset = bases[0]! / ENTRY_SIZE;
    this.resetTo(max);
    if (max * ENTRY_SIZE <= this.segments.end - this.segments.size) this.segments.cutSync(max * ENTRY_SIZE);
    if (bases.length > 3) this.firstPhysicalOffset = this.entrySync(this.minOffset)[0];
  }

  /** Removes entries of messages at or after `commitLogOffset`, in memory and on disk. */
  truncateSync(commitLogOffset: number): void {
    this.flushSync();
    if (this.maxPhysicalOffset <= commitLogOffset) return;
    let max = this.maxOffset;
    while (max > this.segments.start / ENTRY_SIZE && this.entrySync(max - 1)[0] >= commitLogOffset) max--;
    this.segments.cutSync(max * ENTRY_SIZE);
    this.unsynced = this.unsynced.filter((base) => this.segments.contains(base));
    this.resetTo(max);
    const [offset, size] = max > this.minOffset ? this.entrySync(max - 1) : [0, FILLER_SIZE];
    this.maxPhysicalOffset = isFiller(offset, size) ? -1 : offset + size;
  }

  /** Moves `minOffset` to the first entry whose message is at or after `minCommitLogOffset`. Java: `correctMinOffset`. */
  async correctMinOffset(minCommitLogOffset: number): Promise<void> {
    if (this.minOffset === this.maxOffset || this.firstPhysicalOffset >= minCommitLogOffset) return;
    let low = Math.max(this.minOffset, this.segments.start / ENTRY_SIZE);
    let high = this.maxOffset;
    // Everything before `low` is too old, everything from `high` on is kept; fillers carry offset 0 and count as too old.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = await this.entry(middle);
      if (!entry || entry.commitLogOffset < minCommitLogOffset || isFiller(entry.commitLogOffset, entry.size))
        low = middle + 1;
      else high = middle;
    }
    this.minOffset = low;
    this.firstPhysicalOffset = (await this.entry(low))?.commitLogOffset ?? -1;
  }

  /** Deletes the files (never the last) whose messages are all before `minCommitLogOffset`. Returns how many. */
  async deleteExpired(minCommitLogOffset: number): Promise<number> {
    let deleted = 0;
    while (this.segments.bases.length > 1) {
      const base = this.segments.start;
      const last = await this.entry((base + this.segments.size) / ENTRY_SIZE - 1);
      if (!last || last.commitLogOffset >= minCommitLogOffset) break;
      const path = this.segments.path(base);
      this.openFiles.drop(path);
      await new Promise<void>((resolve, reject) =>
        this.files.remove(path, (error) => (error ? reject(error) : resolve())),
      );
      this.segments.bases.shift();
      deleted++;
    }
    await this.correctMinOffset(minCommitLogOffset);
    return deleted;
  }

  /** Deletes all files. The object is of no use afterwards; a new one starts the queue again from 0. */
  async destroy(): Promise<void> {
    this.destroyed = true;
    while (this.flushing) await this.flushing.catch(() => {});
    for (const base of this.segments.bases) this.openFiles.drop(this.segments.path(base));
    this.segments.removeAllSync();
    this.files.removeEmptyDirectorySync(this.segments.directory);
    this.unsynced = [];
    this.minOffset = 0;
    this.resetTo(0);
    this.maxPhysicalOffset = -1;
  }

  private resetTo(max: number): void {
    this.tail = [];
    this.tailOffset = max;
    this.writtenOffset = max;
    this.maxOffset = max;
    this.nextOffset = max;
  }

  /** The first entries of the queue are gone from the log, or a stretch of it is: keep every later entry at its own offset. */
  private skipTo(queueOffset: number): void {
    if (this.maxOffset === 0 && this.segments.empty) {
      this.minOffset = queueOffset;
      this.resetTo(queueOffset);
      return;
    }
    this.logger.warn('consume queue has a gap, filled with empty entries', {
      topic: this.topic,
      queueId: this.queueId,
      from: this.maxOffset,
      to: queueOffset,
    });
    for (; this.maxOffset < queueOffset; this.maxOffset++) this.tail.push(0, FILLER_SIZE, 0);
  }

  private async entriesOnDisk(offset: number, end: number): Promise<EntryBlock> {
    const values: number[] = [];
    const base = this.segments.baseOf(offset * ENTRY_SIZE);
    if (offset >= end || !this.segments.contains(base)) return { queueOffset: offset, count: 0, values };
    const buffer = Buffer.allocUnsafe((end - offset) * ENTRY_SIZE);
    const bytes = await this.openFiles.use(this.segments.path(base), (file) =>
      readFully(file, buffer, offset * ENTRY_SIZE - base),
    );
    const count = decodeEntries(buffer.subarray(0, bytes), values);
    return { queueOffset: offset, count, values };
  }

  private entrySync(offset: number): [commitLogOffset: number, size: number] {
    const base = this.segments.baseOf(offset * ENTRY_SIZE);
    const file = this.files.openSync(this.segments.path(base), 'read');
    const buffer = Buffer.alloc(ENTRY_SIZE);
    file.readSync(buffer, offset * ENTRY_SIZE - base);
    file.closeSync();
    return [readOffset(buffer, 0), buffer.readInt32BE(8)];
  }

  /** Counts the entries of a file up to the first that was never written, and notes the end of the newest message. */
  private countSync(base: number): number {
    const file = this.files.openSync(this.segments.path(base), 'read');
    let count = 0;
    // Most queues are short: look at one page first, at large pieces only when it is full.
    for (let pieceEntries = 200; ; pieceEntries = 10_000) {
      const piece = Buffer.alloc(Math.min(pieceEntries * ENTRY_SIZE, this.segments.size - count * ENTRY_SIZE));
      const values: number[] = [];
      const counted =
        piece.length === 0 ? 0 : decodeEntries(piece.subarray(0, file.readSync(piece, count * ENTRY_SIZE)), values);
      if (count === 0 && counted > 0 && base === this.segments.start) {
        this.firstPhysicalOffset = isFiller(values[0]!, values[1]!) ? -1 : values[0]!;
      }
      for (let i = values.length - STRIDE; i >= 0; i -= STRIDE) {
        if (isFiller(values[i]!, values[i + 1]!)) continue;
        this.maxPhysicalOffset = values[i]! + values[i + 1]!;
        break;
      }
      count += counted;
      if (counted === 0 || counted * ENTRY_SIZE < piece.length) break;
    }
    file.closeSync();
    return count;
  }

  private async flushOnce(sync: boolean): Promise<void> {
    for (const { base, position, buffer, until } of this.pendingWrites()) {
      if (!this.segments.contains(base)) await this.create(base);
      this.noteUnsynced(base);
      await this.openFiles.use(this.segments.path(base), (file) => writeFully(file, [buffer], position));
      this.writtenOffset = until;
    }
    if (!sync) return;
    for (const base of this.unsynced) await this.openFiles.use(this.segments.path(base), syncFile);
    this.unsynced = [];
  }

  private noteUnsynced(base: number): void {
    if (!this.unsynced.includes(base)) this.unsynced.push(base);
  }

  private async create(base: number): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.files.makeDirectory(this.segments.directory, (error) => (error ? reject(error) : resolve())),
    );
    await new Promise<void>((resolve, reject) =>
      this.files.createSized(this.segments.path(base), this.segments.size, false, (error, file) => {
        if (error) return reject(error);
        file!.close();
        resolve();
      }),
    );
    this.segments.add(base);
  }

  /** What to write where so that the files hold everything up to `maxOffset`: one write per file. */
  private *pendingWrites(): Generator<{ base: number; position: number; buffer: Buffer; until: number }> {
    const perFile = this.segments.size / ENTRY_SIZE;
    const max = this.maxOffset;
    while (this.writtenOffset < max) {
      const first = this.writtenOffset;
      const fileStart = first - (first % perFile);
      const until = Math.min(max, fileStart + perFile);
      // A queue that begins in the middle of a file: the entries before are fillers, as Apache writes them.
      const from = this.segments.contains(fileStart * ENTRY_SIZE) ? first : fileStart;
      const buffer = Buffer.allocUnsafe((until - from) * ENTRY_SIZE);
      for (let offset = from, at = 0; offset < until; offset++, at += ENTRY_SIZE) {
        const i = (offset - this.tailOffset) * STRIDE;
        if (offset < first) encodeEntry(buffer, at, 0, FILLER_SIZE, 0);
        else encodeEntry(buffer, at, this.tail[i]!, this.tail[i + 1]!, this.tail[i + 2]!);
      }
      yield { base: fileStart * ENTRY_SIZE, position: (from - fileStart) * ENTRY_SIZE, buffer, until };
    }
  }
}
