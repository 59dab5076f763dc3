import { compressBlock, decompressBlock, maxBlockBytes, Output } from './lz4-block.js';
import { xxHash32 } from './xxhash32.js';

/**
 * The LZ4 frame format (github.com/lz4/lz4, doc/lz4_Frame_format.md), which Java's Lz4Compressor writes and reads with lz4-java:
 * ```
 *  magic 4 │ flags 1 │ block size 1 │ content size 0|8 │ dictionary 0|4 │ header checksum 1
 *  block:    size 4, highest bit: not compressed │ data │ checksum 0|4
 *  end:      0 4 │ content checksum 0|4
 * ```
 */

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

const Flag = { DICTIONARY: 1, CONTENT_CHECKSUM: 4, CONTENT_SIZE: 8, BLOCK_CHECKSUM: 16, INDEPENDENT: 32 } as const;
const VERSION = 0x40;
const VERSION_MASK = 0xc0;
const NOT_COMPRESSED = 0x8000_0000;
/** Code and bytes of the largest blocks: what lz4-java's LZ4FrameOutputStream uses. */
const BLOCK_SIZE_CODE = 7 << 4;
const BLOCK_BYTES = 4 * 1024 * 1024;

const headerChecksum = (descriptor: Buffer): number => (xxHash32(descriptor) >>> 8) & 0xff;

/** Magic and descriptor of every frame we write. */
const HEADER = ((): Buffer => {
  const descriptor = Buffer.from([VERSION | Flag.INDEPENDENT, BLOCK_SIZE_CODE]);
  const header = Buffer.alloc(7);
  header.writeUInt32LE(MAGIC);
  descriptor.copy(header, 4);
  header[6] = headerChecksum(descriptor);
  return header;
})();

/** Compresses into one frame, as Java's Lz4Compressor. */
export function compressLz4(body: Buffer): Buffer {
  const parts: Buffer[] = [HEADER];
  for (let from = 0; from < body.length; from += BLOCK_BYTES) {
    const content = body.subarray(from, from + BLOCK_BYTES);
    const block = Buffer.allocUnsafe(4 + maxBlockBytes(content.length));
    const bytes = compressBlock(content, block.subarray(4));
    if (bytes < content.length) {
      block.writeUInt32LE(bytes);
      parts.push(block.subarray(0, 4 + bytes));
    } else {
      block.writeUInt32LE((content.length | NOT_COMPRESSED) >>> 0);
      parts.push(block.subarray(0, 4), content);
    }
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}

/**
 * The content of one or more frames.
 * @throws RangeError when the bytes are no frames, are damaged, or need a dictionary
 */
export function decompressLz4(bytes: Buffer): Buffer {
  const output = new Output(bytes.length * 3);
  let at = 0;
  while (at < bytes.length) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) at += 8 + bytes.readUInt32LE(at + 4);
    else if (magic === MAGIC) at = readFrame(bytes, at + 4, output);
    else throw new RangeError('an LZ4 frame does not begin with its magic number');
  }
  return output.bytes();
}

/** @returns the position after the frame whose descriptor begins at `start` */
function readFrame(bytes: Buffer, start: number, output: Output): number {
  const flags = bytes.readUInt8(start);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if ((flags & VERSION_MASK) !== VERSION) throw new RangeError('an LZ4 frame is of an unknown version');
  if (has(Flag.DICTIONARY)) throw new RangeError('an LZ4 frame needs a dictionary');
  let at = start + 2 + (has(Flag.CONTENT_SIZE) ? 8 : 0);
  if (bytes.readUInt8(at) !== headerChecksum(bytes.subarray(start, at))) throw damaged('header');
  at++;
  const frameStart = output.length;
  for (;;) {
    const word = bytes.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const size = word & ~NOT_COMPRESSED;
    if (at + size > bytes.length) throw new RangeError('an LZ4 frame ends within a block');
    const block = bytes.subarray(at, at + size);
    at += size;
    if (has(Flag.BLOCK_CHECKSUM)) {
      if (bytes.readUInt32LE(at) !== xxHash32(block)) throw damaged('block');
      at += 4;
    }
    if (word >= NOT_COMPRESSED) output.append(block, 0, size);
    else decompressBlock(block, output, has(Flag.INDEPENDENT) ? output.length : frameStart);
  }
  if (has(Flag.CONTENT_CHECKSUM)) {
    if (bytes.readUInt32LE(at) !== xxHash32(output.bytes(frameStart))) throw damaged('content');
    at += 4;
  }
  return at;
}

const damaged = (what: string): RangeError => new RangeError(`the ${what} checksum of an LZ4 frame is wrong`);
