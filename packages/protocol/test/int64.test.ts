import { describe, expect, it } from '@jest/globals';
import { readInt64, writeInt64 } from '../src/int64.js';

describe('64-bit integers', () => {
  it.each([
    0,
    1,
    -1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32,
    -(2 ** 32),
    2 ** 32 - 1,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
    1_700_000_000_123,
  ])('%d is the same to Node and reads back', (value) => {
    const bytes = Buffer.alloc(10);
    expect(writeInt64(value, bytes, 1)).toBe(9);
    expect(bytes.readBigInt64BE(1)).toBe(BigInt(value));
    expect(readInt64(bytes, 1)).toBe(value);
  });

  it('beyond the safe integers read as their limit', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(2n ** 63n - 1n);
    expect(readInt64(bytes, 0)).toBe(Number.MAX_SAFE_INTEGER);
    bytes.writeBigInt64BE(-(2n ** 63n));
    expect(readInt64(bytes, 0)).toBe(Number.MIN_SAFE_INTEGER);
  });
});
