import type { Chunk } from './log-tail.js';

/** Reads of old log bytes at a time: Node has four threads for files, and sends need two of them. */
const READS_AT_A_TIME = 2;
const BLOCK_BYTES = 256 * 1024;
/** Blocks kept: 8 MiB, whatever the number of readers. */
const BLOCKS = 32;

const NO_BYTES = Buffer.alloc(0);

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

/** A stretch of old log bytes. Its memory is used again for another one, once nobody holds it and others are wanted more. */
class Block implements Chunk {
  readonly isReused = true;
  buffer: Buffer = NO_BYTES;
  /** Bytes that are there: none while they are on their way, or when they are gone. */
  length = 0;
  /** Who needs it to stay, its own reading included. */
  holders = 0;
  reading: Promise<void> = Promise.resolve();

  constructor(
    readonly start: number,
    /** Bytes there will be: fewer than in other blocks where the log ends. */
    readonly size: number,
  ) {}
}

/** Blocks that stay where they are until they are released. */
export class Hold {
  constructor(
    private readonly blocks: readonly Block[],
    /** Of the file, or of the log. */
    private readonly end: number,
    private readonly done: (block: Block) => void,
  ) {}

  /** Resolves when all bytes are there, or gone; rejects when they cannot be read. */
  async ready(): Promise<void> {
    for (const { reading } of this.blocks) await reading;
  }

  /** Whether some of these bytes are gone, or never were. */
  lacks(offset: number, size: number): boolean {
    const end = offset + size;
    return (
      end > this.end ||
      this.blocks.some((block) => block.length === 0 && block.start < end && offset < block.start + block.size)
    );
  }

  release(): void {
    for (const block of this.blocks) this.done(block);
  }
}

/**
 * Reads of the commit log's old bytes, so that consumers who catch up do not get in the way of sends, nor of each other: few reads at
 * a time, and blocks that several of them want (the queues of a topic stand mixed in the log) are read once. The blocks have
 * nothing to do with the tail: old bytes never push out fresh ones.
 *
 * Memory that comes and goes by the megabyte costs the garbage collector more than all else that a pull needs. That is why blocks
 * are read into the memory of others, and what is found in one has to be copied before the caller waits, or asks for more.
 */
export class ColdReads {
  private readonly gate = new Gate(READS_AT_A_TIME);
  /** By number; insertion order is age. */
  private readonly blocks = new Map<number, Block>();
  /** Memory of former blocks. */
  private readonly free: Buffer[] = [];

  /** @param readFile fills `target` with bytes of the log from `offset` on, which are in one file; false when they are gone */
  constructor(private readonly readFile: (target: Buffer, offset: number) => Promise<boolean>) {}

  /** Bytes in memory of their own; null when they are gone. */
  read(offset: number, size: number): Promise<Buffer | null> {
    return this.gate.run(async () => {
      const buffer = Buffer.allocUnsafeSlow(size);
      return (await this.readFile(buffer, offset)) ? buffer : null;
    });
  }

  /** What has the bytes [`offset`, `offset + size`), undefined when nothing that was read does. `fileStart`: of their file. */
  find(offset: number, size: number, fileStart: number): Chunk | undefined {
    const at = (offset - fileStart) % BLOCK_BYTES;
    const block = this.blocks.get(offset - at);
    if (block === undefined || block.length === 0) return undefined;
    if (at + size <= block.length) return block;
    return at + size > BLOCK_BYTES ? this.join(offset, size, block) : undefined;
  }

  /**
   * Reads what is not there yet of the bytes [`start`, `end`), which are in one file. `fileStart`, `fileEnd`: of the file, or where the
   * log ends in it.
   */
  hold(start: number, end: number, fileStart: number, fileEnd: number): Hold {
    const blocks: Block[] = [];
    const until = Math.min(end, fileEnd);
    for (let at = start - ((start - fileStart) % BLOCK_BYTES); at < until; at += BLOCK_BYTES) {
      const block = this.block(at, Math.min(BLOCK_BYTES, fileEnd - at));
      block.holders++;
      blocks.push(block);
    }
    return new Hold(blocks, fileEnd, this.unhold);
  }

  /** Forgets everything. */
  clear(): void {
    this.blocks.clear();
    this.free.length = 0;
  }

  /** Bytes that begin in one block and end in another, in memory of their own. */
  private join(offset: number, size: number, first: Block): Chunk | undefined {
    const buffer = Buffer.allocUnsafe(size);
    let copied = 0;
    for (let block: Block | undefined = first; copied < size; block = this.blocks.get(block.start + BLOCK_BYTES)) {
      if (block === undefined) return undefined;
      const from = offset + copied - block.start;
      const to = Math.min(from + size - copied, BLOCK_BYTES);
      if (to > block.length) return undefined;
      copied += block.buffer.copy(buffer, copied, from, to);
    }
    return { start: offset, buffer, length: size };
  }

  private block(start: number, size: number): Block {
    let block = this.blocks.get(start);
    if (block) this.blocks.delete(start);
    // A block at the end of the log grows.
    if (block === undefined || block.size < size) {
      if (block) this.recycle(block);
      this.makeRoom();
      block = new Block(start, size);
      block.holders++;
      block.reading = this.fill(block);
      block.reading.catch(() => {}); // Those who wait for it are told.
    }
    this.blocks.set(start, block);
    return block;
  }

  private async fill(block: Block): Promise<void> {
    try {
      await this.gate.run(async () => {
        block.buffer = this.free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
        if (await this.readFile(block.buffer.subarray(0, block.size), block.start)) block.length = block.size;
      });
    } finally {
      // Whoever wants it next tries again.
      if (block.length === 0 && this.blocks.get(block.start) === block) this.blocks.delete(block.start);
      this.unhold(block);
    }
  }

  private readonly unhold = (block: Block): void => {
    block.holders--;
    if (this.blocks.get(block.start) !== block) this.recycle(block);
  };

  private makeRoom(): void {
    if (this.blocks.size < BLOCKS) return;
    for (const [start, block] of this.blocks) {
      if (block.holders > 0) continue;
      this.blocks.delete(start);
      this.recycle(block);
      if (this.blocks.size < BLOCKS) return;
    }
  }

  /** Takes the memory of a block that is no longer among the others. */
  private recycle(block: Block): void {
    if (block.holders > 0 || block.buffer.length === 0) return;
    if (this.blocks.size + this.free.length < BLOCKS) this.free.push(block.buffer);
    block.buffer = NO_BYTES;
    block.length = 0;
  }
}
