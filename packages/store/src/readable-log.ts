import { MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2, readStored } from '@rocketnest/protocol';
import { ColdReads, type Hold } from './cold-reads.js';
import { STORE_TIMESTAMP_PREFIX_BYTES } from './log-record.js';
import type { Chunk, LogTail } from './log-tail.js';
import { type OpenFiles, readFully } from './open-files.js';
import { CopySpace } from './pieces.js';
import type { Segments } from './segments.js';

/** The reading half of the commit log: fresh bytes from the tail in memory, old ones from the files. */
export abstract class ReadableLog {
  /** Behind the last message that can be read. */
  protected dispatchedOffset = 0;
  /** For what is found in memory that will be used for something else. */
  readonly copySpace = new CopySpace();
  private readonly cold = new ColdReads((target, offset) => this.readFile(target, offset));

  protected constructor(
    readonly segments: Segments,
    protected readonly tail: LogTail,
    private readonly openFiles: OpenFiles,
  ) {}

  get minOffset(): number {
    return this.segments.start;
  }

  /** Behind the last message that can be read. */
  get maxOffset(): number {
    return this.dispatchedOffset;
  }

  /** First log offset in memory; Infinity when nothing is. */
  get tailStart(): number {
    return this.tail.start;
  }

  /** Bytes of the log from the tail, null when they are not in memory. A slice. */
  readTail(offset: number, size: number): Buffer | null {
    return offset < this.minOffset ? null : this.tail.find(offset, size); // Deleted is deleted, in memory, too.
  }

  /**
   * What has the bytes [`offset`, `offset + size`) in memory: the tail, or, as somebody has read what is around them, other memory. Such
   * memory may be used for something else as soon as the caller waits or calls {@link hold}. Undefined: they have to be read.
   */
  find(offset: number, size: number): Chunk | undefined {
    return this.tail.chunkOf(offset, size) ?? this.cold.find(offset, size, this.segments.baseOf(offset));
  }

  /** Makes {@link find} find old bytes, which are in one file, and those around them. */
  hold(start: number, end: number): Hold {
    const base = this.segments.baseOf(start);
    return this.cold.hold(start, end, base, Math.min(base + this.segments.size, this.dispatchedOffset));
  }

  /** Bytes of the log; null when they are not (or no longer) there. Reads are limited to one file. */
  async read(offset: number, size: number): Promise<Buffer | null> {
    const inMemory = this.readTail(offset, size);
    if (inMemory) return inMemory;
    const base = this.segments.baseOf(offset);
    if (offset < this.minOffset || offset + size > this.dispatchedOffset || offset + size > base + this.segments.size)
      return null;
    return this.cold.read(offset, size);
  }

  /** The message at `offset`; null when none begins there. */
  async message(offset: number): Promise<Buffer | null> {
    if (!Number.isSafeInteger(offset) || offset < 0) return null;
    const head = await this.readPrefix(offset);
    if (!head || readStored.commitLogOffset(head, 0) !== offset) return null;
    const magic = readStored.magic(head, 0);
    if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) return null;
    return this.read(offset, readStored.totalSize(head, 0));
  }

  /** First bytes of the message at `offset`, enough for its store time. */
  readPrefix(offset: number): Promise<Buffer | null> {
    return this.read(offset, STORE_TIMESTAMP_PREFIX_BYTES);
  }

  /** Gives the memory back. */
  protected forget(): void {
    this.tail.clear();
    this.cold.clear();
  }

  private async readFile(target: Buffer, offset: number): Promise<boolean> {
    const base = this.segments.baseOf(offset);
    try {
      const bytes = await this.openFiles.use(this.segments.path(base), (file) =>
        readFully(file, target, offset - base),
      );
      return bytes === target.length;
    } catch (error) {
      if (!this.segments.contains(offset)) return false; // Deleted by retention while we were at it.
      throw error;
    }
  }
}
