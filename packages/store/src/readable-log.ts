import { MESSAGE_MAGIC_V1, MESSAGE_MAGIC_V2, readStored } from '@rocketnest/protocol';
import { ColdReads } from './cold-reads.js';
import { STORE_TIMESTAMP_PREFIX_BYTES } from './log-record.js';
import type { LogTail } from './log-tail.js';
import { type OpenFiles, readFully } from './open-files.js';
import type { Segments } from './segments.js';

/** From so many old messages close together on, whole blocks are read and kept for those who want the messages between them. */
const MESSAGES_WORTH_A_BLOCK = 4;

/** The reading half of the commit log: fresh bytes from the tail in memory, old ones from the files. */
export abstract class ReadableLog {
  /** Behind the last message that can be read. */
  protected dispatchedOffset = 0;
  private readonly cold = new ColdReads((offset, size) => this.readFile(offset, size));

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

  /** Bytes of the log that are in memory because somebody has read what is around them; undefined when they are not. A slice. */
  readKept(offset: number, size: number): Buffer | undefined {
    return this.cold.kept(offset, size, this.segments.baseOf(offset));
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

  /** Several old messages that stand close together in one file; null for each that is no longer there. */
  async readRun(messages: readonly (readonly [offset: number, size: number])[]): Promise<(Buffer | null)[]> {
    const [offset] = messages[0]!;
    const base = this.segments.baseOf(offset);
    if (offset < this.minOffset) return messages.map(() => null);
    const end = Math.min(base + this.segments.size, this.dispatchedOffset);
    if (messages.length >= MESSAGES_WORTH_A_BLOCK) return this.cold.readRun(messages, base, end);
    return Promise.all(messages.map(([at, size]) => (at + size > end ? null : this.cold.read(at, size))));
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

  private async readFile(offset: number, size: number): Promise<Buffer | null> {
    const base = this.segments.baseOf(offset);
    const buffer = Buffer.allocUnsafeSlow(size);
    try {
      const bytes = await this.openFiles.use(this.segments.path(base), (file) =>
        readFully(file, buffer, offset - base),
      );
      return bytes === size ? buffer : null;
    } catch (error) {
      if (!this.segments.contains(offset)) return null; // Deleted by retention while we were at it.
      throw error;
    }
  }
}
