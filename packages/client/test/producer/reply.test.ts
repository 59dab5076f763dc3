import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type MessageExt, RemoteReplyError } from '@rocketnest/protocol';
import { createProperties } from '../../src/producer/outgoing-message.js';
import { createErrorReply, createReply, errorOfReply, isRequest } from '../../src/producer/reply.js';

const request = {
  topic: 'prices',
  body: Buffer.from('A-7'),
  properties: {
    CORRELATION_ID: 'c-1',
    REPLY_TO_CLIENT: '10.0.0.7@1',
    TTL: '3000',
    CLUSTER: 'DefaultCluster',
    KEYS: 'k',
  },
};
/** A reply as the requester gets it. */
const arrived = (reply: ReturnType<typeof createReply>): MessageExt =>
  ({
    topic: reply.topic,
    body: Buffer.from(reply.body),
    properties: createProperties(reply),
    bornHost: { address: '10.0.0.8', port: 1 },
  }) as MessageExt;

describe('createReply', () => {
  it('writes the properties MessageUtil.createReplyMessage writes', () => {
    const reply = createReply(request, 'done');
    expect(reply).toMatchObject({ topic: 'DefaultCluster_REPLY_TOPIC', body: 'done' });
    expect(createProperties(reply)).toEqual({
      MSG_TYPE: 'reply',
      CORRELATION_ID: 'c-1',
      REPLY_TO_CLIENT: '10.0.0.7@1',
      TTL: '3000',
    });
  });

  it('takes bytes, or content with tags, keys and properties', () => {
    expect(createReply(request, Buffer.from('x')).body).toEqual(Buffer.from('x'));
    expect(createReply(request, { body: 'x', tags: 't', keys: ['k'], properties: { own: '1' } })).toMatchObject({
      body: 'x',
      tags: 't',
      keys: ['k'],
      properties: { own: '1' },
    });
  });

  it.each(['CORRELATION_ID', 'REPLY_TO_CLIENT', 'CLUSTER'])('refuses a message without %s', (name) => {
    const { [name]: _, ...properties } = request.properties as Record<string, string>;
    expect(() => createReply({ ...request, properties }, 'x')).toThrow(ConfigurationError);
    expect(isRequest({ ...request, properties })).toBe(name === 'CLUSTER');
  });
});

describe('createErrorReply', () => {
  it.each([
    [new RangeError('no such order'), 'RangeError', 'no such order', undefined],
    [Object.assign(new Error('refused'), { code: 'E_1' }), 'Error', 'refused', 'E_1'],
    [Object.assign(new Error('refused'), { code: 404 }), 'Error', 'refused', '404'],
    [new Error(''), 'Error', 'Error', undefined],
    ['只是文字', 'string', '只是文字', undefined],
    [null, 'object', 'null', undefined],
    [Object.assign(new Error('x'), { name: 'a\u0001b\u0002c' }), 'a b c', 'x', undefined],
    [Object.assign(new Error('x'), { name: 'n'.repeat(1_000) }), 'n'.repeat(256), 'x', undefined],
  ])('carries %s to the requester', (thrown, remoteName, remoteMessage, remoteCode) => {
    const error = errorOfReply(arrived(createErrorReply(request, thrown)), 'prices');
    expect(error).toBeInstanceOf(RemoteReplyError);
    expect(error).toMatchObject({ remoteName, remoteMessage, remoteCode, context: { replier: '10.0.0.8' } });
    expect(error!.message).toContain(`topic prices (at 10.0.0.8) failed with ${remoteName}: ${remoteMessage}.`);
  });

  it('is no error to an ordinary reply', () => {
    expect(errorOfReply(arrived(createReply(request, 'done')), 'prices')).toBeUndefined();
  });
});
