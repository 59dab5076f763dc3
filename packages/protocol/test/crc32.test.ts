import { describe, expect, it } from '@jest/globals';
import { crc32 } from '../src/crc32.js';
import { fixture } from './fixtures.js';

describe('crc32', () => {
  it.each(fixture<{ crc32: { hex: string; crc: number }[] }>('texts').crc32)(
    'is that of Java (crc $crc)',
    ({ hex, crc }) => {
      expect(crc32(Buffer.from(hex, 'hex'))).toBe(crc);
    },
  );
});
