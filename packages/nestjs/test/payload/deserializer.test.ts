import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/client';
import { NonRetryableError } from '../../src/outcome.js';
import type { PayloadType } from '../../src/payload/deserializer.js';
import { JsonPayloadDeserializer } from '../../src/payload/deserializer.js';

const decode = (body: string, contentType?: string, type?: unknown): unknown => {
  const properties: Record<string, string> = contentType === undefined ? {} : { contentType };
  const message = { topic: 't', msgId: 'M1', body: Buffer.from(body), properties } as MessageExt;
  return new JsonPayloadDeserializer().deserialize(message, type as PayloadType | undefined);
};

class OrderDto {}

describe('JsonPayloadDeserializer', () => {
  it('goes by the handler’s parameter type where there is one', () => {
    expect(decode('{"a":1}', 'text/plain', OrderDto)).toEqual({ a: 1 });
    expect(decode('[1]', undefined, Array)).toEqual([1]);
    expect(decode('42', undefined, Number)).toBe(42);
    expect(decode('{"a":1}', 'application/json', String)).toBe('{"a":1}');
    expect(decode('{"a":1}', 'application/json', Buffer)).toEqual(Buffer.from('{"a":1}'));
  });

  it.each([
    ['application/json', '42', 42],
    ['application/json;charset=UTF-8', '{"a":1}', { a: 1 }],
    ['application/problem+json', '{}', {}],
    ['text/plain;charset=UTF-8', '{"a":1}', '{"a":1}'],
    ['application/octet-stream', 'x', Buffer.from('x')],
  ])('goes by the content type %s where the type is unknown', (contentType, body, payload) => {
    expect(decode(body, contentType)).toEqual(payload);
    expect(decode(body, contentType, Object)).toEqual(payload);
  });

  it.each([
    ['{"a":1}', { a: 1 }],
    ['  [1]', [1]],
    ['hello', 'hello'],
    ['123', '123'],
    ['', ''],
  ])('takes %p of a plain RocketMQ client for what it looks like', (body, payload) => {
    expect(decode(body)).toEqual(payload);
  });

  it.each([
    ['{"a":', undefined, undefined],
    ['hello', 'application/json', undefined],
    ['hello', undefined, OrderDto],
  ])('refuses %p for good when it should be JSON and is not', (body, contentType, type) => {
    expect(() => decode(body, contentType, type)).toThrow(NonRetryableError);
    expect(() => decode(body, contentType, type)).toThrow(/body of message M1 of topic t \(\d+ bytes\) is not JSON/);
  });
});
