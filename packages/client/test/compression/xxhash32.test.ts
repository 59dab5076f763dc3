import { expect, it } from '@jest/globals';
import { xxHash32 } from '../../src/compression/xxhash32.js';

/** Values of the reference implementation. */
it.each([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
])('xxHash32 of %j', (text, expected) => {
  expect(xxHash32(Buffer.from(text))).toBe(expected);
});
