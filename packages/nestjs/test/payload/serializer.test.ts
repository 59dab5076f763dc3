import { describe, expect, it } from '@jest/globals';
import { JsonPayloadSerializer } from '../../src/payload/serializer.js';

const serializer = new JsonPayloadSerializer();

describe('JsonPayloadSerializer', () => {
  it('writes text as UTF-8, without quotes', () => {
    const { body, contentType } = serializer.serialize('héllo 世界');
    expect(body.toString('utf8')).toBe('héllo 世界');
    expect(contentType).toBe('text/plain;charset=UTF-8');
  });

  it('writes bytes as they are, also a part of a larger buffer', () => {
    const whole = Uint8Array.from([1, 2, 3, 4]);
    expect([...serializer.serialize(whole.subarray(1, 3)).body]).toEqual([2, 3]);
    expect(serializer.serialize(Buffer.from('x')).contentType).toBe('application/octet-stream');
  });

  it.each([
    [{ at: new Date(0), list: [1] }, '{"at":"1970-01-01T00:00:00.000Z","list":[1]}'],
    [42, '42'],
    [true, 'true'],
    [[], '[]'],
  ])('writes %p as JSON, dates as ISO 8601 text', (payload, text) => {
    const { body, contentType } = serializer.serialize(payload);
    expect(body.toString('utf8')).toBe(text);
    expect(contentType).toBe('application/json');
  });

  it.each([undefined, null, () => 1, Symbol('s')])('refuses %p, which has no body', (payload) => {
    expect(() => serializer.serialize(payload)).toThrow(/has no JSON form. RocketMQ needs a body/);
  });

  it('says why when JSON cannot hold the payload', () => {
    expect(() => serializer.serialize({ n: 1n })).toThrow(/cannot be written as JSON: .*BigInt/);
  });
});
