import { describe, expect, it } from '@jest/globals';
import { decodeBatchBody, encodeBatchBody } from '../src/batch-codec.js';
import { ProtocolError } from '../src/errors.js';
import { decodeProperties } from '../src/properties.js';
import { fixture, thrown } from './fixtures.js';

describe('batch bodies', () => {
  const java = fixture<{
    hex: string;
    messages: { flag: number; bodyHex: string; properties: Record<string, string> }[];
  }>('batch');
  const bytes = Buffer.from(java.hex, 'hex');

  it('recorded from Java are decoded', () => {
    const entries = decodeBatchBody(bytes).map(({ flag, body, propertiesData }) => ({
      flag,
      bodyHex: body.toString('hex'),
      properties: decodeProperties(propertiesData),
    }));
    expect(entries).toEqual(java.messages.map(({ flag, bodyHex, properties }) => ({ flag, bodyHex, properties })));
  });

  it('recorded from Java are encoded to the same bytes', () => {
    const messages = decodeBatchBody(bytes).map(({ flag, body, propertiesData }) => ({
      flag,
      body,
      properties: decodeProperties(propertiesData),
    }));
    expect(encodeBatchBody(messages).toString('hex')).toBe(java.hex);
  });

  it('cut anywhere but between messages are a ProtocolError', () => {
    const ends = new Set<number>();
    for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at)) ends.add(at);
    for (let length = 0; length < bytes.length; length++) {
      const error = thrown(() => decodeBatchBody(bytes.subarray(0, length)));
      if (ends.has(length) ? error !== undefined : !(error instanceof ProtocolError)) {
        throw new Error(`cut to ${length} bytes: ${String(error)}`);
      }
    }
  });

  it.each([0, -1, 21, 0x7fff_ffff])('with a total size of %i are a ProtocolError, not a loop without end', (size) => {
    const damaged = Buffer.from(bytes);
    damaged.writeInt32BE(size, 0);
    expect(() => decodeBatchBody(damaged)).toThrow(/Entry 0 of the batch body: total size/);
  });

  it('of nothing are empty', () => {
    expect(encodeBatchBody([])).toHaveLength(0);
    expect(decodeBatchBody(Buffer.alloc(0))).toEqual([]);
  });

  it('refuse properties beyond 32767 bytes, naming the message', () => {
    const messages: Parameters<typeof encodeBatchBody>[0] = [
      { body: Buffer.alloc(1), properties: {} },
      { body: Buffer.alloc(1), properties: { a: 'x'.repeat(0x8000) } },
    ];
    expect(() => encodeBatchBody(messages)).toThrow(/message 1 of the batch have 32771 bytes, the limit is 32767/);
  });
});
