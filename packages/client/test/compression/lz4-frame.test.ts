import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { compressLz4, decompressLz4 } from '../../src/compression/lz4-frame.js';
import { xxHash32 } from '../../src/compression/xxhash32.js';
import { goldens } from './goldens.js';

/** Bytes that no two calls with different seeds share, and that do not compress. */
const noise = (bytes: number, seed = 'seed'): Buffer => {
  const parts: Buffer[] = [];
  for (let i = 0; i * 64 < bytes; i++) parts.push(createHash('sha512').update(`${seed}${i}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
};

/** A frame of stored blocks with the checksums the flags ask for. */
function frame(flags: number, blocks: readonly Buffer[], contentSize?: number): Buffer {
  const size = Buffer.alloc(contentSize === undefined ? 0 : 8);
  if (contentSize !== undefined) size.writeUInt32LE(contentSize);
  const descriptor = Buffer.concat([Buffer.from([0x40 | flags, 0x70]), size]);
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return bytes;
  };
  const parts = [word(0x184d2204), descriptor, Buffer.from([(xxHash32(descriptor) >>> 8) & 0xff])];
  for (const block of blocks) {
    parts.push(word(block.length | 0x8000_0000), block);
    if (flags & 16) parts.push(word(xxHash32(block)));
  }
  parts.push(word(0));
  if (flags & 4) parts.push(word(xxHash32(Buffer.concat(blocks))));
  return Buffer.concat(parts);
}

const content = [Buffer.from('first block, '), Buffer.from('second block')];
const text = Buffer.concat(content);

describe('decompressLz4', () => {
  it.each(goldens)("reads Java's frame: $name", ({ text: expected, LZ4 }) => {
    expect(decompressLz4(Buffer.from(LZ4, 'base64')).toString()).toBe(expected);
  });

  it.each([
    ['block checksums', frame(32 | 16, content)],
    ['a content checksum', frame(32 | 4, content)],
    ['a content size', frame(32 | 8, content, text.length)],
    ['dependent blocks', frame(0, content)],
  ])('reads a frame with %s', (_, bytes) => {
    expect(decompressLz4(bytes)).toEqual(text);
  });

  it('reads frames one after another and skips what is to be skipped', () => {
    const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    expect(decompressLz4(Buffer.concat([compressLz4(text), skippable, frame(32, content)]))).toEqual(
      Buffer.concat([text, text]),
    );
  });

  it('lets dependent blocks reach back to earlier ones, independent ones not', () => {
    // 'abcdefgh', then a block that repeats 4 bytes from 8 bytes back, and ends with 5 literals
    const first = Buffer.from('abcdefgh');
    const second = Buffer.from([0x00, 8, 0, 0x50, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e]);
    const with2 = (flags: number): Buffer => {
      const bytes = frame(flags, [first, second]);
      bytes[7 + 4 + first.length + 3] = 0; // the second block is compressed
      return bytes;
    };
    expect(decompressLz4(with2(0)).toString()).toBe('abcdefghabcd.....');
    expect(() => decompressLz4(with2(32))).toThrow(/begins before the data/);
  });

  it.each([
    ['no magic number', Buffer.from('not lz4 at all'), /magic number/],
    ['an unknown version', Buffer.from([4, 0x22, 0x4d, 0x18, 0x80, 0x70, 0, 0]), /unknown version/],
    ['a dictionary', Buffer.from([4, 0x22, 0x4d, 0x18, 0x61, 0x70, 0, 0]), /dictionary/],
    ['a wrong header checksum', Buffer.from([4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0, 0]), /header checksum/],
    ['a missing end', compressLz4(text).subarray(0, -6), RangeError],
  ])('refuses %s', (_, bytes, expected) => {
    expect(() => decompressLz4(bytes)).toThrow(expected);
  });

  it.each([
    ['block', 16],
    ['content', 4],
  ])('notices damage by the %s checksum', (what, flag) => {
    const bytes = frame(32 | flag, content);
    bytes[12]! ^= 1;
    expect(() => decompressLz4(bytes)).toThrow(`${what} checksum`);
  });

  it('ends, whatever bytes it is given', () => {
    const good = compressLz4(Buffer.from('a message that repeats itself, '.repeat(30)));
    for (let i = 7; i < good.length; i++) {
      const bad = Buffer.from(good);
      bad[i]! ^= 0x55;
      try {
        decompressLz4(bad);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});

describe('compressLz4', () => {
  it.each([
    ['one byte', Buffer.from('x')],
    ['12 equal bytes', Buffer.alloc(12, 'a')],
    ['13 equal bytes', Buffer.alloc(13, 'a')],
    ['several blocks of zeros', Buffer.alloc(9_000_000)],
    ['noise', noise(100_000)],
    ['noise that repeats further back than a match may reach', Buffer.concat([noise(70_000), noise(70_000)])],
    ['long literals, long matches', Buffer.concat([noise(1_000), Buffer.alloc(5_000, 'ab'), noise(300, 'b')])],
    ['Chinese', Buffer.from('订单已创建，'.repeat(500))],
  ])('is read back: %s', (_, body) => {
    expect(decompressLz4(compressLz4(body)).equals(body)).toBe(true);
  });

  it('makes repetitive text small and noise hardly larger', () => {
    expect(compressLz4(Buffer.from('a message that repeats itself, '.repeat(300))).length).toBeLessThan(120);
    expect(compressLz4(noise(100_000)).length).toBeLessThanOrEqual(100_000 + 15);
  });
});
