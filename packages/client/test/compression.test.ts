import { deflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { CorruptError, MessageSysFlag, ProtocolError } from '@rocketnest/protocol';
import { compressBody, compressBodySync, decompressBody, ZLIB_SYS_FLAG } from '../src/compression.js';

const body = Buffer.from('a message that repeats itself, '.repeat(300));

describe('decompressBody', () => {
  it('reads what compressBody made', async () => {
    const compressed = await compressBody(body, 5);
    expect(compressed.length).toBeLessThan(body.length / 10);
    expect(decompressBody(compressed, ZLIB_SYS_FLAG)).toEqual(body);
    expect(compressBodySync(body, 5)).toEqual(compressed);
  });

  it('takes a compressed body without type bits as zlib, which producers before 5.0 send', () => {
    expect(decompressBody(deflateSync(body), MessageSysFlag.COMPRESSED)).toEqual(body);
  });

  it('leaves a body alone that is not compressed', () => {
    expect(decompressBody(body, MessageSysFlag.TRANSACTION_PREPARED)).toBe(body);
  });

  it('says what to do about lz4', () => {
    const read = () => decompressBody(body, MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_LZ4);
    expect(read).toThrow(ProtocolError);
    expect(read).toThrow(/compressed with LZ4.*Let its producer use ZLIB/);
  });

  it('reports a damaged body as corrupt', () => {
    expect(() => decompressBody(Buffer.from('not zlib'), ZLIB_SYS_FLAG)).toThrow(CorruptError);
  });
});
