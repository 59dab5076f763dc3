import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import {
  checkBody,
  checkSendTopic,
  createProperties,
  encodeCheckedProperties,
  messageId,
} from '../../src/producer/outgoing-message.js';

const message = { topic: 'T', body: 'x' };

describe('createProperties', () => {
  it('writes fields as the properties Java uses', () => {
    const properties = createProperties({
      ...message,
      tags: 'TagA',
      keys: ['k1', 'k2'],
      waitStoreOk: false,
      delayLevel: 3,
      properties: { own: 'value' },
    });
    expect(properties).toEqual({ own: 'value', TAGS: 'TagA', KEYS: 'k1 k2', WAIT: 'false', DELAY: '3' });
  });

  it.each([
    [{ delayMs: 1_500 }, { TIMER_DELAY_MS: '1500' }],
    [{ deliverAt: 1_700_000_000_000 }, { TIMER_DELIVER_MS: '1700000000000' }],
    [{ deliverAt: new Date(1_700_000_000_000) }, { TIMER_DELIVER_MS: '1700000000000' }],
    [{ delayLevel: 0 }, {}],
    [{ priority: 0 }, { _SYS_MSG_PRIORITY_: '0' }],
    [
      { replyTo: { correlationId: 'c', clientId: 'i', ttlMs: 5 } },
      { MSG_TYPE: 'reply', CORRELATION_ID: 'c', REPLY_TO_CLIENT: 'i', TTL: '5' },
    ],
    [{ delayMs: 0 }, {}],
    [{ tags: '', keys: [], waitStoreOk: true }, {}],
  ])('turns %j into %j', (fields, expected) => {
    expect(createProperties({ ...message, ...fields })).toEqual(expected);
  });

  it.each([
    ['a reserved name', { properties: { KEYS: 'x' } }, /Property KEYS .* is used by RocketMQ itself/],
    [
      'a value that is no string',
      { properties: { n: 1 as unknown as string } },
      /property n .* must be a string, got number/,
    ],
    ['a bad priority', { priority: -1 }, /priority .* must be a whole number >= 0, got -1/],
    ['a delayed reply', { delayMs: 5, replyTo: { correlationId: 'c', clientId: 'i' } }, /A reply .* cannot be delayed/],
    ['two kinds of delay', { delayLevel: 1, delayMs: 5 }, /has delayLevel and delayMs; give one kind of delay/],
    ['a negative delay', { delayMs: -1 }, /delayMs .* must be a whole number >= 0, got -1/],
    ['an invalid date', { deliverAt: new Date('x') }, /deliverAt .* must be a whole number/],
  ])('refuses %s', (_what, fields, error) => {
    const act = () => createProperties({ ...message, ...fields });
    expect(act).toThrow(ConfigurationError);
    expect(act).toThrow(error);
  });
});

describe('encodeCheckedProperties', () => {
  it('refuses separators, which would forge other properties', () => {
    expect(() => encodeCheckedProperties({ a: 'b\u0002TAGS\u0001x' }, 'T')).toThrow(ConfigurationError);
  });

  it('measures bytes, not characters', () => {
    expect(encodeCheckedProperties({ a: 'x'.repeat(32_760) }, 'T')).toHaveLength(32_763);
    expect(() => encodeCheckedProperties({ a: '消'.repeat(11_000) }, 'T')).toThrow(
      /have 33003 bytes, the limit is 32767/,
    );
  });
});

describe('checkBody', () => {
  it('takes strings, buffers and byte arrays', () => {
    expect(checkBody('é', 'T', 10)).toEqual(Buffer.from('é'));
    const buffer = Buffer.from('abc');
    expect(checkBody(buffer, 'T', 10)).toBe(buffer);
    expect(checkBody(new Uint8Array([0, 97, 98]).subarray(1), 'T', 10)).toEqual(Buffer.from('ab'));
  });

  it.each([
    ['an empty string', '', /is empty/],
    ['nothing', undefined, /must be a string or bytes, got undefined/],
    ['an object', { a: 1 }, /got object\. Serialize it first/],
    ['too much', 'x'.repeat(11), /has 11 bytes, the limit is 10/],
  ])('refuses %s', (_what, body, error) => {
    expect(() => checkBody(body, 'T', 10)).toThrow(error);
  });
});

describe('messageId', () => {
  const next = () => 'NEXT';

  it('is a new one, unless one was chosen', () => {
    expect(messageId({ topic: 't', body: 'x' }, next)).toBe('NEXT');
    for (const msgId of ['0123456789ABCDEF'.repeat(2), 'F'.repeat(56)]) {
      expect(messageId({ topic: 't', body: 'x', msgId }, next)).toBe(msgId);
    }
  });

  it.each(['', 'order-7', '0123456789abcdef'.repeat(2), 'F'.repeat(40)])('refuses %j', (msgId) => {
    expect(() => messageId({ topic: 't', body: 'x', msgId }, next)).toThrow(ConfigurationError);
  });
});

describe('checkSendTopic', () => {
  it.each(['orders', 'a-b_C|9', '%RETRY%group', 'RMQ_SYS_TRACE_TOPIC'])('accepts %s', (topic) => {
    expect(() => checkSendTopic(topic)).not.toThrow();
  });

  it.each([
    '',
    ' ',
    'a b',
    'a/b',
    '订单',
    'x'.repeat(128),
    'SCHEDULE_TOPIC_XXXX',
    'RMQ_SYS_TRANS_HALF_TOPIC',
    undefined,
  ])('refuses %j', (topic) => {
    expect(() => checkSendTopic(topic)).toThrow(ConfigurationError);
  });
});
