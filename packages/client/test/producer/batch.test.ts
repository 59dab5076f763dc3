import { describe, expect, it } from '@jest/globals';
import { decodeBatchBody, decodeProperties, V5_0_0 } from '@rocketnest/protocol';
import { batchProperties, prepareBatch } from '../../src/producer/batch.js';

function prepare(messages: Parameters<typeof prepareBatch>[0], maxBytes = 1_000) {
  let id = 0;
  return prepareBatch(messages, maxBytes, () => `ID${id++}`);
}

describe('prepareBatch', () => {
  it('puts all messages into one body, each with its own id and properties', () => {
    const [send, ...rest] = prepare([
      { topic: 'T', body: 'one', tags: 'a' },
      { topic: 'T', body: 'two', keys: ['k1', 'k2'], flag: 7 },
    ]);
    expect(rest).toEqual([]);
    expect(send).toMatchObject({ kind: 'batch', messageCount: 2, msgId: 'ID0,ID1', topic: 'T' });
    const entries = decodeBatchBody(send!.body);
    expect(entries.map((entry) => [entry.body.toString(), entry.flag])).toEqual([
      ['one', 0],
      ['two', 7],
    ]);
    expect(entries.map((entry) => decodeProperties(entry.propertiesData))).toEqual([
      { TAGS: 'a', UNIQ_KEY: 'ID0' },
      { KEYS: 'k1 k2', UNIQ_KEY: 'ID1' },
    ]);
  });

  it('cuts at the size limit and keeps the order', () => {
    const sends = prepare(
      Array.from({ length: 25 }, (_, i) => ({ topic: 'T', body: `${i}`.padStart(100, '0') })),
      1_000,
    );
    expect(sends.length).toBeGreaterThan(2);
    for (const send of sends) expect(send.body.length).toBeLessThanOrEqual(1_000);
    const bodies = sends.flatMap((send) => decodeBatchBody(send.body).map((entry) => Number(entry.body)));
    expect(bodies).toEqual(Array.from({ length: 25 }, (_, i) => i));
    expect(sends.reduce((sum, send) => sum + send.messageCount, 0)).toBe(25);
  });

  it('carries waitStoreOk of its messages', () => {
    const [send] = prepare([{ topic: 'T', body: 'x', waitStoreOk: false }]);
    expect(send!.properties['WAIT']).toBe('false');
  });

  it.each([
    ['no message', [], /at least one message/],
    [
      'two topics',
      [
        { topic: 'T', body: 'x' },
        { topic: 'U', body: 'x' },
      ],
      /to topic U \(index 1\)\. Send one batch per topic/,
    ],
    [
      'mixed waitStoreOk',
      [
        { topic: 'T', body: 'x' },
        { topic: 'T', body: 'x', waitStoreOk: false },
      ],
      /mixes waitStoreOk/,
    ],
    ['a delay level', [{ topic: 'T', body: 'x', delayLevel: 2 }], /has a delayed message \(index 0\)/],
    ['a priority', [{ topic: 'T', body: 'x', priority: 2 }], /has a message with a priority \(index 0\)/],
    ['a timed message', [{ topic: 'T', body: 'x', deliverAt: new Date() }], /has a delayed message/],
    ['a retry topic', [{ topic: '%RETRY%g', body: 'x' }], /retry topics take single messages/],
    ['an empty body', [{ topic: 'T', body: '' }], /is empty/],
    ['a message over the limit', [{ topic: 'T', body: 'x'.repeat(1_001) }], /has 1001 bytes, the limit is 1000/],
  ])('refuses %s', (_what, messages, error) => {
    expect(() => prepare(messages)).toThrow(error);
  });
});

describe('batchProperties', () => {
  const properties = { UNIQ_KEY: 'ID0', WAIT: 'false' };

  it('have an id of their own on brokers that may store the batch as one message', () => {
    expect(batchProperties(properties, V5_0_0)).toEqual(properties);
  });

  it('have none on brokers that would give it to every message of the batch', () => {
    expect(batchProperties(properties, V5_0_0 - 1)).toEqual({ WAIT: 'false' });
    expect(batchProperties(properties, 0)).toEqual({ WAIT: 'false' });
  });
});
