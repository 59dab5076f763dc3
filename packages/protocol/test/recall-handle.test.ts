import { describe, expect, it } from '@jest/globals';
import { decodeRecallHandle, encodeRecallHandle, ProtocolError } from '../src/index.js';

const HANDLE = { topic: 'orders', brokerName: 'broker-a', timestamp: '1700000000001', messageId: '7F0000010B' };
/** As Java's RecallMessageHandle.HandleV1.buildHandle writes it. */
const TEXT = 'djEgb3JkZXJzIGJyb2tlci1hIDE3MDAwMDAwMDAwMDEgN0YwMDAwMDEwQg==';

describe('a recall handle', () => {
  it('is the version, topic, broker, time and unique id in padded URL-safe Base64', () => {
    expect(encodeRecallHandle(HANDLE)).toBe(TEXT);
  });

  it('is read with and without padding', () => {
    expect(decodeRecallHandle(TEXT)).toEqual(HANDLE);
    expect(decodeRecallHandle(TEXT.replaceAll('=', ''))).toEqual(HANDLE);
  });

  it.each([
    ['nothing', ''],
    ['no Base64', '***'],
    ['another version', Buffer.from('v2 a b 1 c').toString('base64url')],
    ['too few parts', Buffer.from('v1 a b 1').toString('base64url')],
    ['an empty part', Buffer.from('v1 a  1 c').toString('base64url')],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => decodeRecallHandle(text)).toThrow(ProtocolError);
  });
});
