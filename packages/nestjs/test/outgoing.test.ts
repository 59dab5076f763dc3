import { describe, expect, it } from '@jest/globals';
import { toOutgoing } from '../src/outgoing.js';
import { JsonPayloadSerializer } from '../src/payload/serializer.js';
import { RocketMQRecordBuilder } from '../src/record.js';
import type { SendOptions } from '../src/send-options.js';

const outgoing = (destination: Parameters<typeof toOutgoing>[0], payload: unknown, options: SendOptions = {}) =>
  toOutgoing(destination, payload, options, new JsonPayloadSerializer());

describe('toOutgoing', () => {
  it('makes a message of a destination and a payload', () => {
    expect(outgoing('order:created', { id: 1 }).message).toEqual({
      topic: 'order',
      tags: 'created',
      body: Buffer.from('{"id":1}'),
      properties: { contentType: 'application/json' },
    });
  });

  it('leaves headers out that RocketMQ cannot carry, and writes the others as text', () => {
    const headers = { n: 1, yes: true, none: undefined, nil: null, empty: '' };
    expect(outgoing('order', 'x', { headers }).message.properties).toEqual({
      contentType: 'text/plain;charset=UTF-8',
      n: '1',
      yes: 'true',
    });
  });

  it('lets headers replace the content type', () => {
    const headers = { contentType: 'application/xml' };
    expect(outgoing('order', '<a/>', { headers }).message.properties).toEqual(headers);
  });

  it.each(['KEYS', 'rocketmq_KEYS'])('takes the header %s as message keys, as rocketmq-spring does', (name) => {
    const { message } = outgoing('order', 'x', { headers: { [name]: 'k1 k2' } });
    expect(message.keys).toBe('k1 k2');
    expect(message.properties).toEqual({ contentType: 'text/plain;charset=UTF-8' });
  });

  it('prefers the record to the options, and the options to the destination', () => {
    const record = new RocketMQRecordBuilder('x').setKeys(['r']).setHeaders({ a: 'record' }).build();
    const to = { topic: 'order', tag: 'd', keys: 'd', headers: { a: 'd', b: 'd' } };
    const { message } = outgoing(to, record, { tag: 'o', keys: 'o', headers: { a: 'o', c: 'o' } });
    expect(message).toMatchObject({ tags: 'o', keys: ['r'] });
    expect(message.properties).toMatchObject({ a: 'record', b: 'd', c: 'o' });
  });

  it('passes delays on in the client’s units', () => {
    const deliverAt = new Date();
    expect(outgoing('t', 'x', { delay: '90s' }).message.delayMs).toBe(90_000);
    expect(outgoing('t', 'x', { delayLevel: 3 }).message.delayLevel).toBe(3);
    expect(outgoing('t', 'x', { deliverAt }).message.deliverAt).toBe(deliverAt);
  });

  it('keeps a record’s sharding key for the send', () => {
    const record = new RocketMQRecordBuilder('x').setShardingKey('user-1').build();
    expect(outgoing('t', record).options.shardingKey).toBe('user-1');
  });
});
