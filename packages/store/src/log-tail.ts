/** A block of commit log bytes in memory. `start` is the log offset of its first byte; bytes up to `length` are used. */
export interface Chunk {
  readonly start: number;
  readonly buffer: Buffer;
  length: number;
  /** The memory will be used for something else: it has to be copied before anything is waited for. */
  readonly isReused?: boolean;
  /** Somebody may have a slice of it. */
  lent?: boolean;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * The newest part of the commit log in memory: messages are encoded into it, written to the disk from it, and fresh ones read from it.
 *
 * Memory of which a slice was handed out is never reused: once the chunk falls off the tail, the garbage collector takes it when the last
 * slice is gone. That is why a slow reader can hold on to its slices without anybody copying or waiting. What nobody has read is
 * written to again, which spares the collector the work and the system the pages.
 */
export class LogTail {
  private readonly chunks: Chunk[] = [];
  private bytes = 0;
  /** Memory for the next chunk. */
  private spare: Buffer | null = null;

  /** @param limitBytes how much to keep; bytes that are not written yet are kept in any case. */
  constructor(private readonly limitBytes: number) {}

  /** First log offset still in memory, Infinity when there is none. */
  get start(): number {
    return this.chunks.length === 0 ? Number.POSITIVE_INFINITY : this.chunks[0]!.start;
  }

  /** A chunk whose next free byte stands for log offset `offset` and that has room for `size` bytes in a row. */
  reserve(offset: number, size: number): Chunk {
    const last = this.chunks[this.chunks.length - 1];
    if (last && last.start + last.length === offset && last.buffer.length - last.length >= size) return last;
    const chunk: Chunk = { start: offset, buffer: this.memory(size), length: 0, lent: false };
    this.chunks.push(chunk);
    this.bytes += chunk.buffer.length;
    return chunk;
  }

  /** The bytes at `offset`, or null when they are not all in memory. A slice, not a copy. */
  find(offset: number, size: number): Buffer | null {
    const chunk = this.chunkOf(offset, size);
    return chunk ? chunk.buffer.subarray(offset - chunk.start, offset - chunk.start + size) : null;
  }

  /** What has the bytes [`offset`, `offset + size`), undefined when they are not all in memory. Its memory is lent from here on. */
  chunkOf(offset: number, size: number): Chunk | undefined {
    if (offset < this.start) return undefined;
    for (let i = this.chunks.length - 1; i >= 0; i--) {
      const chunk = this.chunks[i]!;
      if (offset < chunk.start) continue;
      if (offset + size > chunk.start + chunk.length) return undefined;
      chunk.lent = true;
      return chunk;
    }
    return undefined;
  }

  /** Drops the oldest chunks beyond the limit, but none that holds bytes at or after `writtenOffset`. */
  trim(writtenOffset: number): void {
    while (this.bytes > this.limitBytes && this.chunks.length > 1) {
      const first = this.chunks[0]!;
      if (first.start + first.length > writtenOffset) return;
      this.chunks.shift();
      this.bytes -= first.buffer.length;
      if (!first.lent && first.buffer.length === CHUNK_BYTES) this.spare = first.buffer;
    }
  }

  /** Nothing of the tail is valid any more. */
  clear(): void {
    this.chunks.length = 0;
    this.bytes = 0;
    this.spare = null;
  }

  private memory(size: number): Buffer {
    const { spare } = this;
    if (!spare || size > CHUNK_BYTES) return Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, size));
    this.spare = null;
    return spare;
  }
}
