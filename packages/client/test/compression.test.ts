import * as zlib from 'node:zlib';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { CorruptError, MessageSysFlag, ProtocolError } from '@rocketnest/protocol';
import { decompress as decompressZstd } from 'fzstd';
import {
  compressBody,
  compressBodySync,
  compressionSysFlag,
  compressionTypes,
  decompressBody,
  ZLIB_SYS_FLAG,
} from '../src/compression.js';
import { goldens } from './compression/goldens.js';

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

  it.each(['ZLIB', 'LZ4'] as const)('reads %s bodies on every Node', async (type) => {
    const sysFlag = compressionSysFlag(type);
    expect(decompressBody(await compressBody(body, 5, type), sysFlag)).toEqual(body);
    expect(decompressBody(compressBodySync(body, 5, type), sysFlag)).toEqual(body);
  });

  it.each(goldens)("reads Java's zstd on every Node: $name", ({ text, ZSTD }) => {
    const bytes = Buffer.from(ZSTD, 'base64');
    expect(decompressBody(bytes, compressionSysFlag('ZSTD')).toString()).toBe(text);
    expect(Buffer.from(decompressZstd(bytes)).toString()).toBe(text);
  });

  it('writes zstd where Node can, and says where it can otherwise', () => {
    const write = () => compressBodySync(body, 5, 'ZSTD');
    if ('zstdCompressSync' in zlib) expect(decompressBody(write(), compressionSysFlag('ZSTD'))).toEqual(body);
    else expect(write).toThrow(/cannot compress with ZSTD: Node 22\.15/);
  });

  it('says what to do about a type it does not know', () => {
    const read = () => decompressBody(body, MessageSysFlag.COMPRESSED | 0x400);
    expect(read).toThrow(ProtocolError);
    expect(read).toThrow(/unknown method.*Let its producer use ZLIB, LZ4, ZSTD/);
  });

  it('reports a damaged body as corrupt', () => {
    for (const type of compressionTypes) {
      expect(() => decompressBody(Buffer.from('not of this type'), compressionSysFlag(type))).toThrow(CorruptError);
    }
  });
});
