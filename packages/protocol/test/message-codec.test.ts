import { describe, expect, it } from '@jest/globals';
import { CorruptError, ProtocolError } from '../src/errors.js';
import type { MessageExt } from '../src/message.js';
import {
  checkStoredMessage,
  decodeMessage,
  decodeMessages,
  encodeMessage,
  encodeStoredMessage,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  patchStored,
  readStored,
  type StoredMessageInput,
  storedMessageSize,
} from '../src/message-codec.js';
import { MessageSysFlag } from '../src/sys-flag.js';
import { fixture, thrown } from './fixtures.js';

type JavaHost = { addressHex: string; port: number };
interface Recorded {
  name: string;
  hex: string;
  message: Omit<MessageExt, 'body' | 'bornHost' | 'storeHost'> & {
    bodyHex: string;
    bornHost: JavaHost;
    storeHost: JavaHost;
  };
}

const recorded = fixture<Recorded[]>('messages').map(({ name, hex, message }) => ({
  name,
  bytes: Buffer.from(hex, 'hex'),
  message,
}));
const [first] = recorded;

/** What the encoder needs to make the same bytes again. */
function inputOf(bytes: Buffer): StoredMessageInput {
  return {
    topic: readStored.topic(bytes, 0),
    body: readStored.body(bytes, 0),
    flag: readStored.flag(bytes, 0),
    propertiesData: readStored.propertiesData(bytes, 0),
    queueId: readStored.queueId(bytes, 0),
    queueOffset: readStored.queueOffset(bytes, 0),
    commitLogOffset: readStored.commitLogOffset(bytes, 0),
    sysFlag: readStored.sysFlag(bytes, 0),
    bornTimestamp: readStored.bornTimestamp(bytes, 0),
    bornHost: readStored.bornHost(bytes, 0),
    storeTimestamp: readStored.storeTimestamp(bytes, 0),
    storeHost: readStored.storeHost(bytes, 0),
    reconsumeTimes: readStored.reconsumeTimes(bytes, 0),
    preparedTransactionOffset: readStored.preparedTransactionOffset(bytes, 0),
  };
}

const addressOf: Record<string, string> = {
  '0a000001': '10.0.0.1',
  '0a000002': '10.0.0.2',
  c0a801fa: '192.168.1.250',
  '01020304': '1.2.3.4',
  ffffffff: '255.255.255.255',
  '20010db8000000000000ff0000428329': '2001:db8::ff00:42:8329',
  fe800000000000000000000000000001: 'fe80::1',
  '00000000000000000000000000000001': '::1',
  '20010db8000100020003000400050006': '2001:db8:1:2:3:4:5:6',
};

describe('messages recorded from Java', () => {
  it.each(recorded)('$name is decoded', ({ bytes, message: { bodyHex, bornHost, storeHost, ...rest } }) => {
    expect(decodeMessage(bytes, 0, { checkCrc: true })).toEqual({
      ...rest,
      body: Buffer.from(bodyHex, 'hex'),
      bornHost: { address: addressOf[bornHost.addressHex], port: bornHost.port },
      storeHost: { address: addressOf[storeHost.addressHex], port: storeHost.port },
    });
  });

  it.each(recorded)('$name is encoded to the same bytes at any position', ({ bytes }) => {
    const input = inputOf(bytes);
    expect(storedMessageSize(input)).toBe(bytes.length);
    const target = Buffer.alloc(bytes.length + 20, 0xee);
    expect(encodeStoredMessage(input, target, 7)).toBe(bytes.length);
    expect(target.subarray(7, 7 + bytes.length).toString('hex')).toBe(bytes.toString('hex'));
    expect(target.subarray(0, 7).every((byte) => byte === 0xee)).toBe(true);
    expect(target.subarray(7 + bytes.length).every((byte) => byte === 0xee)).toBe(true);
  });

  it.each(recorded)('$name, its topic given as bytes, is encoded to the same bytes', ({ bytes }) => {
    const target = Buffer.alloc(bytes.length);
    encodeStoredMessage({ ...inputOf(bytes), topic: Buffer.from(readStored.topicData(bytes, 0)) }, target, 0);
    expect(target.equals(bytes)).toBe(true);
  });

  it('are decoded one after the other', () => {
    const all = Buffer.concat(recorded.map(({ bytes }) => bytes));
    expect(decodeMessages(all).map(({ msgId }) => msgId)).toEqual(recorded.map(({ message }) => message.msgId));
  });

  it.each(recorded)('$name survives decodeMessage and encodeMessage', ({ bytes }) => {
    const message = decodeMessage(bytes);
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });
});

describe('decodeMessages', () => {
  it('reads each message as if it stood alone, whatever its neighbours have in common with it', () => {
    const variants = recorded.flatMap(({ bytes }) => {
      const input = inputOf(bytes);
      const { address, port } = input.storeHost;
      return [
        input,
        { ...input, commitLogOffset: input.commitLogOffset + 1 },
        { ...input, commitLogOffset: 0x1_0000_ffff },
        { ...input, commitLogOffset: 0x1_0001_0000 },
        { ...input, storeHost: { address, port: port + 1 } },
        { ...input, bornHost: { address: '10.0.0.77', port } },
        { ...input, bornHost: { address: '::a00:4d', port } },
        { ...input, topic: 'a' },
        { ...input, topic: 'ab' },
        { ...input, topic: '' },
      ];
    });
    const stored = variants.map((input) => {
      const target = Buffer.alloc(storedMessageSize(input));
      encodeStoredMessage(input, target, 0);
      return target;
    });
    // Every message beside itself and beside many others.
    const order = stored.flatMap((each, at) => [each, each, stored[(at * 7) % stored.length]!]);
    const messages = decodeMessages(Buffer.concat(order));
    expect(messages).toEqual(order.map((each) => decodeMessage(each)));
    expect(messages.map(({ offsetMsgId }) => offsetMsgId)).toEqual(
      order.map((each) => readStored.offsetMsgId(each, 0)),
    );
    expect(messages.map(({ topic }) => topic)).toEqual(order.map((each) => readStored.topic(each, 0)));
    expect(messages.map(({ bornHost }) => bornHost)).toEqual(order.map((each) => readStored.bornHost(each, 0)));
  });
});

describe('malformed messages', () => {
  it.each(recorded)('$name cut anywhere is a ProtocolError', ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const error = thrown(() => decodeMessage(bytes.subarray(0, length)));
      if (!(error instanceof ProtocolError)) throw new Error(`cut to ${length} bytes: ${String(error)}`);
    }
  });

  it.each(recorded)('$name with any one byte changed is a message, a ProtocolError or a CorruptError', ({ bytes }) => {
    const surprises: unknown[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        const error = thrown(() => decodeMessage(damaged, 0, { checkCrc: true }));
        if (error !== undefined && !(error instanceof ProtocolError) && !(error instanceof CorruptError)) {
          surprises.push({ at, value, error });
        }
      }
    }
    expect(surprises).toEqual([]);
  });

  it('are reported with their position', () => {
    const both = Buffer.concat([first!.bytes, Buffer.alloc(200)]);
    expect(() => decodeMessages(both)).toThrow(
      `No message at position ${first!.bytes.length}: total size 0, 200 bytes left`,
    );
  });

  it('with a damaged body are a CorruptError only when the CRC is to be checked', () => {
    const bytes = Buffer.from(first!.bytes);
    readStored.body(bytes, 0)[0]! ^= 1;
    expect(() => checkStoredMessage(bytes, 0, { checkCrc: true })).toThrow(CorruptError);
    expect(() => checkStoredMessage(bytes, 0, { checkCrc: true })).toThrow(/commit log offset 4096 is damaged/);
    expect(checkStoredMessage(bytes)).toBe(bytes.length);
  });
});

describe('encodeStoredMessage', () => {
  const input = inputOf(first!.bytes);
  const into = (message: StoredMessageInput) => {
    const target = Buffer.alloc(storedMessageSize(message));
    encodeStoredMessage(message, target, 0);
    return target;
  };

  it('chooses version 2 for a topic of more than 127 bytes', () => {
    expect(readStored.magic(into({ ...input, topic: 't'.repeat(127) }), 0)).toBe(MESSAGE_MAGIC_V1);
    const long = into({ ...input, topic: 't'.repeat(128) });
    expect(readStored.magic(long, 0)).toBe(MESSAGE_MAGIC_V2);
    expect(decodeMessage(long).topic).toBe('t'.repeat(128));
  });

  it('counts the topic in bytes, not in characters', () => {
    const message = into({ ...input, topic: '中'.repeat(43) });
    expect(readStored.magic(message, 0)).toBe(MESSAGE_MAGIC_V2);
    expect(decodeMessage(message).topic).toBe('中'.repeat(43));
  });

  it('writes version 2 for a short topic when asked to', () => {
    const message = into({ ...input, version: 2 });
    expect(readStored.magic(message, 0)).toBe(MESSAGE_MAGIC_V2);
    expect(decodeMessage(message)).toEqual({ ...decodeMessage(first!.bytes), storeSize: message.length });
  });

  it('takes a CRC that is known already', () => {
    expect(readStored.bodyCrc(into({ ...input, bodyCrc: 123 }), 0)).toBe(123);
  });

  it('sets and clears the IPv6 bits after the hosts', () => {
    const stale = { ...input, sysFlag: MessageSysFlag.BORNHOST_V6 | MessageSysFlag.COMPRESSED };
    expect(readStored.sysFlag(into(stale), 0)).toBe(MessageSysFlag.COMPRESSED);
    const v6 = into({ ...input, storeHost: { address: '::1', port: 1 } });
    expect(readStored.sysFlag(v6, 0)).toBe(MessageSysFlag.STOREHOST_V6);
  });

  it.each([
    [
      'topic in version 1',
      { topic: 't'.repeat(128), version: 1 as const },
      /Topic of 128 bytes does not fit a message of version 1/,
    ],
    ['topic', { topic: 't'.repeat(0x8000) }, /Topic of 32768 bytes/],
    ['properties', { propertiesData: Buffer.alloc(0x8000) }, /Properties of 32768 bytes exceed the limit of 32767/],
  ])('refuses too long %s', (_, change, message) => {
    expect(() => encodeStoredMessage({ ...input, ...change }, Buffer.alloc(100_000), 0)).toThrow(message);
  });

  it('refuses a buffer that is too small before it writes', () => {
    const target = Buffer.alloc(storedMessageSize(input) - 1, 0xee);
    expect(() => encodeStoredMessage(input, target, 0)).toThrow(/does not fit the/);
    expect(target.every((byte) => byte === 0xee)).toBe(true);
  });
});

describe('patchStored', () => {
  it.each(recorded)('changes $name in place and nothing else', ({ bytes }) => {
    const target = Buffer.concat([Buffer.alloc(3), bytes]);
    patchStored.queueId(target, 3, 11);
    patchStored.queueOffset(target, 3, 2 ** 40 + 1);
    patchStored.commitLogOffset(target, 3, 2 ** 50 + 1);
    patchStored.storeTimestamp(target, 3, 1_800_000_000_000);
    const { offsetMsgId: _o, msgId: _m, ...before } = decodeMessage(bytes);
    expect(decodeMessage(target, 3)).toMatchObject({
      ...before,
      queueId: 11,
      queueOffset: 2 ** 40 + 1,
      commitLogOffset: 2 ** 50 + 1,
      storeTimestamp: 1_800_000_000_000,
    });
  });
});

describe('decodeMessage', () => {
  const compressed = recorded.find(({ name }) => name === 'compressed body')!.bytes;

  it('leaves the body out when asked to', () => {
    expect(decodeMessage(first!.bytes, 0, { readBody: false })).toEqual({
      ...decodeMessage(first!.bytes),
      body: Buffer.alloc(0),
    });
  });

  it('gives the body as a slice', () => {
    expect(decodeMessage(first!.bytes).body.buffer).toBe(first!.bytes.buffer);
  });

  it('unpacks a compressed body with the given function and clears the bit', () => {
    const seen: number[] = [];
    const decompress = (_body: Buffer, sysFlag: number) => {
      seen.push(sysFlag);
      return Buffer.from('unpacked');
    };
    expect(decodeMessage(compressed, 0, { decompress })).toMatchObject({
      body: Buffer.from('unpacked'),
      sysFlag: MessageSysFlag.COMPRESSION_ZLIB,
    });
    expect(seen).toEqual([MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB]);
    decodeMessage(first!.bytes, 0, { decompress });
    expect(seen).toHaveLength(1);
  });

  it('leaves a compressed body packed without such a function', () => {
    expect(decodeMessage(compressed).sysFlag & MessageSysFlag.COMPRESSED).toBe(MessageSysFlag.COMPRESSED);
  });

  it('takes the unique key for the id, else the offset id', () => {
    expect(decodeMessage(first!.bytes).msgId).toBe('0A0000010B0C18B4AAC21E5F3A5C0001');
    const unnamed = decodeMessage(recorded[1]!.bytes);
    expect(unnamed.msgId).toBe(unnamed.offsetMsgId);
  });
});
