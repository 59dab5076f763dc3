/**
 * The LZ4 block format (github.com/lz4/lz4, doc/lz4_Block_format.md): sequences of
 * ```
 *  token 1: literals 4 bits │ match 4 bits   more literals 0-n   literals   offset 2   more match 0-n
 * ```
 * where a nibble of 15 is continued by bytes until one is not 255, and a match is 4 bytes longer than its number.
 */

const MIN_MATCH = 4;
const FULL_NIBBLE = 15;
/** The last sequence is literals only; a match ends this far from the end. */
const LAST_LITERALS = 5;
/** No match begins closer to the end. */
const MATCH_LIMIT = 12;
const MAX_OFFSET = 0xffff;
const HASH_BITS = 14;
/** After this many failures (2 to its power) to find a match the search goes in larger steps: incompressible input is passed quickly. */
const SKIP_TRIGGER = 6;

/** Bytes that `length` bytes take at most when compressed. */
export function maxBlockBytes(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/** Compresses `source` into `target`, which has at least {@link maxBlockBytes}. @returns bytes written */
export function compressBlock(source: Buffer, target: Buffer): number {
  const { length } = source;
  const matchEnd = length - LAST_LITERALS;
  const searchEnd = length - MATCH_LIMIT;
  /** Position + 1 of the latest four bytes with a hash; 0 is none. */
  const seen = new Int32Array(1 << HASH_BITS);
  let written = 0;
  let anchor = 0;
  let at = 0;
  let misses = 1 << SKIP_TRIGGER;
  while (at < searchEnd) {
    const word = source.readInt32LE(at);
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = seen[hash]! - 1;
    seen[hash] = at + 1;
    if (candidate < 0 || at - candidate > MAX_OFFSET || source.readInt32LE(candidate) !== word) {
      at += misses++ >> SKIP_TRIGGER;
      continue;
    }
    misses = 1 << SKIP_TRIGGER;
    let end = at + MIN_MATCH;
    for (let from = candidate + MIN_MATCH; end < matchEnd && source[from] === source[end]; from++) end++;
    written = writeLiterals(source, anchor, at, target, written, end - at - MIN_MATCH);
    target.writeUInt16LE(at - candidate, written);
    written = writeMore(end - at - MIN_MATCH, target, written + 2);
    at = end;
    anchor = end;
  }
  return writeLiterals(source, anchor, length, target, written, 0);
}

/** Token and literals of a sequence whose match has the length `match` + 4. */
function writeLiterals(source: Buffer, from: number, to: number, target: Buffer, at: number, match: number): number {
  const literals = to - from;
  target[at] = (Math.min(literals, FULL_NIBBLE) << 4) | Math.min(match, FULL_NIBBLE);
  const start = writeMore(literals, target, at + 1);
  source.copy(target, start, from, to);
  return start + literals;
}

/** The bytes that continue a nibble. */
function writeMore(value: number, target: Buffer, at: number): number {
  if (value < FULL_NIBBLE) return at;
  let rest = value - FULL_NIBBLE;
  for (; rest >= 255; rest -= 255) target[at++] = 255;
  target[at++] = rest;
  return at;
}

/** Where decompressed bytes go: one buffer that grows, since matches may reach into what came before. */
export class Output {
  length = 0;
  private buffer: Buffer;

  constructor(expected: number) {
    this.buffer = Buffer.allocUnsafe(Math.max(64, expected));
  }

  bytes(from = 0): Buffer {
    return this.buffer.subarray(from, this.length);
  }

  append(source: Buffer, from: number, to: number): void {
    this.reserve(to - from);
    source.copy(this.buffer, this.length, from, to);
    this.length += to - from;
  }

  /** Repeats what lies `offset` bytes back; the copy may overlap itself. */
  repeat(offset: number, count: number): void {
    this.reserve(count);
    const { buffer } = this;
    let to = this.length;
    let from = to - offset;
    if (offset >= count) buffer.copyWithin(to, from, from + count);
    else for (let i = 0; i < count; i++) buffer[to++] = buffer[from++]!;
    this.length += count;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

/**
 * Appends the content of a block to `output`. Matches may reach back to `windowStart`.
 * @throws RangeError when the block is damaged
 */
export function decompressBlock(block: Buffer, output: Output, windowStart: number): void {
  const { length } = block;
  let at = 0;
  /** The number a nibble begins, with its continuation. */
  const number = (nibble: number): number => {
    let value = nibble;
    if (nibble < FULL_NIBBLE) return value;
    for (;;) {
      if (at >= length) throw new RangeError('the block ends within a length');
      const more = block[at++]!;
      value += more;
      if (more !== 255) return value;
    }
  };
  while (at < length) {
    const token = block[at++]!;
    const literals = number(token >> 4);
    if (at + literals > length) throw new RangeError('the block ends within literals');
    output.append(block, at, at + literals);
    at += literals;
    if (at === length) return;
    if (at + 2 > length) throw new RangeError('the block ends within an offset');
    const offset = block.readUInt16LE(at);
    at += 2;
    if (offset === 0 || offset > output.length - windowStart) throw new RangeError('a match begins before the data');
    output.repeat(offset, number(token & FULL_NIBBLE) + MIN_MATCH);
  }
}
