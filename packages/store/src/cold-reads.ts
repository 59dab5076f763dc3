/** Reads of old log bytes at a time: Node has four threads for files, and sends need two of them. */
const READS_AT_A_TIME = 2;
const BLOCK_BYTES = 256 * 1024;
/** Blocks kept: 8 MiB, whatever the number of readers. */
const BLOCKS = 32;

/** Lets only so many tasks run at a time; the others wait their turn. */
class Gate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

/**
 * Reads of the commit log's old bytes, so that consumers who catch up do not get in the way of sends, nor of each other: few reads at
 * a time, and blocks that several of them want (the queues of a topic stand mixed in the log) are read once. The blocks have
 * nothing to do with the tail: old bytes never push out fresh ones.
 */
export class ColdReads {
  private readonly gate = new Gate(READS_AT_A_TIME);
  /** By number; insertion order is age. */
  private readonly blocks = new Map<number, Promise<Buffer | null>>();
  /** Those of them that have been read. */
  private readonly loaded = new Map<number, Buffer>();

  /** @param readFile bytes [offset, offset + size) of the log, which are in one file; null when they are gone */
  constructor(private readonly readFile: (offset: number, size: number) => Promise<Buffer | null>) {}

  read(offset: number, size: number): Promise<Buffer | null> {
    return this.gate.run(() => this.readFile(offset, size));
  }

  /** Bytes that are in a kept block, undefined when they are not (or not in one). A slice. `fileStart`: of their file. */
  kept(offset: number, size: number, fileStart: number): Buffer | undefined {
    const at = (offset - fileStart) % BLOCK_BYTES;
    const block = this.loaded.get(offset - at);
    return block !== undefined && at + size <= block.length ? block.subarray(at, at + size) : undefined;
  }

  /**
   * Bytes of several messages that stand close together in one file, in order; null for each that is gone. `fileStart`, `fileEnd`: of
   * the file, or where the log ends in it.
   */
  async readRun(
    messages: readonly (readonly [offset: number, size: number])[],
    fileStart: number,
    fileEnd: number,
  ): Promise<(Buffer | null)[]> {
    const [start] = messages[0]!;
    const [last, lastSize] = messages[messages.length - 1]!;
    const blockOf = (offset: number): number => offset - ((offset - fileStart) % BLOCK_BYTES);
    const blocks = new Map<number, Buffer | null>();
    await Promise.all(
      Array.from({ length: (blockOf(last + lastSize - 1) - blockOf(start)) / BLOCK_BYTES + 1 }, async (_, i) => {
        const at = blockOf(start) + i * BLOCK_BYTES;
        blocks.set(at, await this.block(at, Math.min(BLOCK_BYTES, fileEnd - at)));
      }),
    );
    return messages.map(([offset, size]) => {
      const pieces: Buffer[] = [];
      for (let at = offset; at < offset + size; ) {
        const base = blockOf(at);
        const block = blocks.get(base);
        const end = Math.min(offset + size, base + BLOCK_BYTES);
        if (!block || end - base > block.length) return null;
        pieces.push(block.subarray(at - base, end - base));
        at = end;
      }
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    });
  }

  /** Forgets everything. */
  clear(): void {
    this.blocks.clear();
    this.loaded.clear();
  }

  private block(at: number, size: number): Promise<Buffer | null> {
    // A block at the end of the log grows: it is not kept.
    if (size < BLOCK_BYTES) return this.read(at, size);
    let block = this.blocks.get(at);
    if (block) this.blocks.delete(at);
    else {
      const read = this.read(at, size);
      read.then(
        (bytes) => {
          if (this.blocks.get(at) !== read) return;
          if (bytes) this.loaded.set(at, bytes);
          else this.blocks.delete(at);
        },
        () => this.blocks.get(at) === read && this.blocks.delete(at),
      );
      block = read;
      if (this.blocks.size >= BLOCKS) this.drop(this.blocks.keys().next().value!);
    }
    this.blocks.set(at, block);
    return block;
  }

  private drop(at: number): void {
    this.blocks.delete(at);
    this.loaded.delete(at);
  }
}
