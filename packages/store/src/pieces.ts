import type { Chunk } from './log-tail.js';

const SLAB_BYTES = 256 * 1024;
/** What is larger has memory of its own: it would leave too much of a slab unused. */
const SHARED_UP_TO_BYTES = 64 * 1024;

/** Memory for copies, one behind the other in large pieces. What has been copied is never written to again. */
export class CopySpace {
  private slab = Buffer.alloc(0);
  private used = 0;

  /** Copies the bytes [`from`, `to`) of `source`. Returns the memory and where in it the copy begins. */
  copy(source: Buffer, from: number, to: number): readonly [memory: Buffer, at: number] {
    const bytes = to - from;
    if (bytes > SHARED_UP_TO_BYTES) {
      const own = Buffer.allocUnsafeSlow(bytes);
      source.copy(own, 0, from, to);
      return [own, 0];
    }
    if (this.used + bytes > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.used = 0;
    }
    const at = this.used;
    this.used += source.copy(this.slab, at, from, to);
    return [this.slab, at];
  }
}

/** Gathers messages in as few buffers as they can be in: neighbours in the log are one piece, and so are copies made one after another. */
export class Pieces {
  /** Bytes of each message. */
  readonly sizes: number[] = [];
  private readonly closed: Buffer[] = [];
  /** Messages of which nothing is in a piece yet: the bytes [`from`, `to`) of the chunk. */
  private chunk: Chunk | null = null;
  private from = 0;
  private to = 0;
  /** The piece that may grow: the bytes [`start`, `end`) of this memory. */
  private memory: Buffer | null = null;
  private start = 0;
  private end = 0;

  constructor(private readonly space: CopySpace) {}

  /** Adds the message of `size` bytes at this place of a chunk of the log. */
  add(chunk: Chunk, commitLogOffset: number, size: number): void {
    const at = commitLogOffset - chunk.start;
    if (chunk !== this.chunk || at !== this.to) {
      this.settle();
      this.chunk = chunk;
      this.from = at;
    }
    this.to = at + size;
    this.sizes.push(size);
  }

  /** Copies what lies in memory that will be used for something else. */
  settle(): void {
    const { chunk, from, to } = this;
    if (chunk === null) return;
    this.chunk = null;
    if (chunk.isReused !== true) this.extend(chunk.buffer, from, to);
    else {
      const [memory, at] = this.space.copy(chunk.buffer, from, to);
      this.extend(memory, at, at + to - from);
    }
  }

  /** All pieces. Nothing is added afterwards. */
  take(): Buffer[] {
    this.settle();
    this.close();
    return this.closed;
  }

  private extend(memory: Buffer, from: number, to: number): void {
    if (memory !== this.memory || from !== this.end) {
      this.close();
      this.memory = memory;
      this.start = from;
    }
    this.end = to;
  }

  private close(): void {
    if (this.memory !== null) this.closed.push(this.memory.subarray(this.start, this.end));
    this.memory = null;
  }
}

/** The single messages of pieces, as slices of them. */
export function splitPieces(pieces: readonly Buffer[], sizes: readonly number[]): Buffer[] {
  let piece = -1;
  let at = Number.POSITIVE_INFINITY;
  return sizes.map((size) => {
    if (piece < 0 || at === pieces[piece]!.length) {
      piece++;
      at = 0;
    }
    at += size;
    return pieces[piece]!.subarray(at - size, at);
  });
}
