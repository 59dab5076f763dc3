import { describe, expect, it } from '@jest/globals';
import {
  CommandFlag,
  createRequest,
  createResponse,
  decodeCommand,
  encodeCommand,
  isOneway,
  isResponse,
  type RemotingCommand,
  SerializeType,
} from '../src/command.js';
import { ProtocolError } from '../src/errors.js';
import { decodeFields } from '../src/field.js';
import { Requests } from '../src/requests/index.js';
import { CURRENT_VERSION } from '../src/version.js';
import { fixture, thrown } from './fixtures.js';

interface Frame {
  name: string;
  hex: string;
  command: Omit<RemotingCommand, 'body'> & { bodyHex: string | null };
}

const frames = fixture<Frame[]>('frames').map(({ name, hex, command: { bodyHex, ...command } }) => ({
  name,
  bytes: Buffer.from(hex, 'hex'),
  command: { ...command, body: bodyHex === null ? null : Buffer.from(bodyHex, 'hex') } as RemotingCommand,
}));

function frameOf(command: RemotingCommand): Buffer {
  return Buffer.concat(encodeCommand(command)).subarray(4);
}

function command(parts: Partial<RemotingCommand> = {}): RemotingCommand {
  return { ...createRequest(Requests.heartBeat, {}), ...parts };
}

/** A frame whose JSON header is `text`. */
function jsonFrame(text: string): Buffer {
  const header = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(header.length);
  return Buffer.concat([length, header]);
}

describe('frames recorded from Java', () => {
  it.each(frames)('$name is decoded', ({ bytes, command }) => {
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
    // Java's binary header cannot tell an empty remark from none.
    expect(decodeCommand(bytes.subarray(4))).toEqual(command);
  });

  it.each(frames)('$name is encoded to the same bytes', ({ bytes }) => {
    const decoded = decodeCommand(bytes.subarray(4));
    expect(Buffer.concat(encodeCommand(decoded)).toString('hex')).toBe(bytes.toString('hex'));
  });

  it('send v2 and v1 carry the same fields', () => {
    const [v1, v2] = ['send v1 JSON', 'send v2 JSON'].map((name) => frames.find((each) => each.name === name)!.command);
    const { bname, ...fields } = decodeFields(Requests.sendMessageV2.fields, v2!.extFields, 'SEND_MESSAGE_V2');
    expect(fields).toEqual(decodeFields(Requests.sendMessage.fields, v1!.extFields, 'SEND_MESSAGE'));
    expect(bname).toBe('broker-a');
    expect(fields.properties).toContain('KEYS\u0001k1 k2\u0002');
  });
});

describe('decodeCommand on malformed input', () => {
  it.each(frames)(
    '$name cut anywhere gives a command without its whole body, or a ProtocolError',
    ({ bytes, command }) => {
      const frame = bytes.subarray(4);
      const headerEnd = 4 + (frame.readInt32BE(0) & 0xff_ffff);
      for (let length = 0; length < frame.length; length++) {
        const cut = frame.subarray(0, length);
        if (length < headerEnd) expect(thrown(() => decodeCommand(cut))).toBeInstanceOf(ProtocolError);
        else expect(decodeCommand(cut).extFields).toEqual(command.extFields);
      }
    },
  );

  it.each(frames)(
    '$name with any one byte changed never gives anything but a command or a ProtocolError',
    ({ bytes }) => {
      for (let at = 4; at < bytes.length; at++) {
        for (const value of [0, 0x7f, 0x80, 0xff]) {
          const frame = Buffer.from(bytes.subarray(4));
          frame[at - 4] = value;
          const error = thrown(() => decodeCommand(frame));
          if (error !== undefined) expect(error).toBeInstanceOf(ProtocolError);
        }
      }
    },
  );

  it('names a header length beyond the frame', () => {
    expect(() => decodeCommand(Buffer.from([0, 0, 1, 0, 1, 2]))).toThrow(
      'Malformed command: header length 256 exceeds the 2 bytes that follow it',
    );
  });

  it('names an unknown serialize type', () => {
    expect(() => decodeCommand(Buffer.from('GET / HTTP/1.1\r\n'.repeat(400_000)))).toThrow(
      /serialize type 71, expected 0 \(JSON\) or 1 \(ROCKETMQ\)/,
    );
  });

  it.each([
    ['not JSON', '{"code":'],
    ['an array', '[1]'],
    ['null', 'null'],
    ['a text', '"x"'],
    ['no code', '{"opaque":1,"flag":0}'],
    ['a fractional code', '{"code":1.5,"opaque":1,"flag":0}'],
    ['a code as text', '{"code":"10","opaque":1,"flag":0}'],
    ['an opaque beyond 32 bits', '{"code":1,"opaque":4294967296,"flag":0}'],
    ['no flag', '{"code":1,"opaque":1}'],
    ['extFields as a list', '{"code":1,"opaque":1,"flag":0,"extFields":[]}'],
    ['extFields as a text', '{"code":1,"opaque":1,"flag":0,"extFields":"a"}'],
  ])('refuses a header with %s', (_, text) => {
    expect(() => decodeCommand(jsonFrame(text))).toThrow(ProtocolError);
  });

  it.each([
    ['remark', 21 - 4, -1],
    ['remark', 21 - 4, 0x7fff_ffff],
    ['extFields', 21, -1],
    ['extFields', 21, 0x7fff_ffff],
  ])('refuses a ROCKETMQ header whose %s length is wrong (byte %i: %i)', (what, at, value) => {
    const frame = frameOf(command({ serializeType: SerializeType.ROCKETMQ }));
    frame.writeInt32BE(value, at);
    expect(() => decodeCommand(frame)).toThrow(new RegExp(`${what} of ${value} bytes`));
  });
});

describe('decodeCommand', () => {
  it('tolerates fields that are not texts, and nulls', () => {
    const frame = jsonFrame(
      '{"code":1,"opaque":2,"flag":0,"remark":null,"extFields":{"a":1,"b":true,"c":null,"d":{"e":1},"f":"x"},"unknown":{}}',
    );
    expect(decodeCommand(frame)).toMatchObject({
      extFields: { a: '1', b: 'true', d: '{"e":1}', f: 'x' },
      remark: null,
      version: 0,
      language: 'OTHER',
    });
    expect(decodeCommand(frame).extFields).not.toHaveProperty('c');
  });

  it('reads a language it does not know as OTHER in a ROCKETMQ header, and keeps its name in a JSON header', () => {
    const binary = frameOf(command({ serializeType: SerializeType.ROCKETMQ }));
    binary[6] = 99;
    expect(decodeCommand(binary).language).toBe('OTHER');
    expect(decodeCommand(jsonFrame('{"code":1,"opaque":2,"flag":0,"language":"ZIG"}')).language).toBe('ZIG');
  });

  it.each(['plain', 'bücher 中🚀', 'x'.repeat(5_000), 'ü'.repeat(5_000)])(
    'reads the fields of a ROCKETMQ header that holds %.20s',
    (text) => {
      const extFields = { first: '1', [`n${text}`]: text, empty: '', last: 'z' };
      const frame = frameOf(command({ serializeType: SerializeType.ROCKETMQ, extFields, body: Buffer.from('ä') }));
      expect(decodeCommand(frame).extFields).toEqual(extFields);
    },
  );

  it('gives the body as a slice of the frame', () => {
    const frame = frameOf(command({ body: Buffer.from('hello') }));
    const { body } = decodeCommand(frame);
    expect(body?.buffer).toBe(frame.buffer);
    expect(body?.toString()).toBe('hello');
  });

  it('keeps fields named like members of Object harmless', () => {
    const fields = { __proto__x: '1', constructor: '2', toString: '3' } as unknown as Record<string, string>;
    for (const serializeType of [SerializeType.JSON, SerializeType.ROCKETMQ]) {
      expect(decodeCommand(frameOf(command({ serializeType, extFields: fields }))).extFields).toEqual(fields);
    }
    const frame = jsonFrame('{"code":1,"opaque":2,"flag":0,"extFields":{"__proto__":"x"}}');
    expect(Object.getPrototypeOf(decodeCommand(frame).extFields)).toBe(Object.prototype);
  });
});

describe('encodeCommand', () => {
  it('appends the body without copying it', () => {
    const parts = [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')];
    const frame = encodeCommand(command({ body: parts }));
    expect(frame.slice(1)).toEqual(parts);
    expect(frame[1]).toBe(parts[0]);
    expect(frame[0]!.readInt32BE(0)).toBe(frame[0]!.length - 4 + 3);
    expect(decodeCommand(Buffer.concat(frame).subarray(4)).body?.toString()).toBe('abc');
  });

  it.each(['"', '\\', '\n', '\u0000', '\u007f', '中', '🚀', '\ud800', ''])(
    'quotes %j in the fields of a response',
    (text) => {
      const extFields = { [`k${text}`]: text, plain: 'x' };
      const [head] = encodeCommand(command({ flag: CommandFlag.RESPONSE, extFields }));
      expect(head!.subarray(8).toString()).toContain(
        `"extFields":${Buffer.from(JSON.stringify(extFields)).toString()},`,
      );
    },
  );

  it.each([null, Buffer.alloc(0), []])('writes a single buffer without a body (%p)', (body) => {
    const frame = encodeCommand(command({ body }));
    expect(frame).toHaveLength(1);
    expect(decodeCommand(frame[0]!.subarray(4)).body).toBeNull();
  });

  it('refuses a code beyond 16 bits in a ROCKETMQ header, which Java would cut off', () => {
    const pop = command({ code: 200_050, serializeType: SerializeType.ROCKETMQ });
    expect(() => encodeCommand(pop)).toThrow('Request POP_MESSAGE(200050) does not fit a ROCKETMQ header');
    expect(decodeCommand(frameOf({ ...pop, serializeType: SerializeType.JSON })).code).toBe(200_050);
  });

  it.each([SerializeType.JSON, SerializeType.ROCKETMQ])(
    'refuses a header beyond 24 bits (serialize type %i)',
    (serializeType) => {
      const large = command({ serializeType, extFields: { properties: 'x'.repeat(0x100_0000) } });
      expect(() => encodeCommand(large)).toThrow(/the limit is 16777215/);
    },
  );

  it('refuses a field name beyond 16 bits in a ROCKETMQ header', () => {
    const named = command({ serializeType: SerializeType.ROCKETMQ, extFields: { ['n'.repeat(0x8000)]: '' } });
    expect(() => encodeCommand(named)).toThrow(/field name of 32768 bytes, at most 32767 fit/);
  });
});

describe('createRequest and createResponse', () => {
  it('make a request of this version with opaque 0', () => {
    const request = createRequest(Requests.getMaxOffset, { topic: 'orders', queueId: 3 }, Buffer.from('b'));
    expect(request).toEqual({
      code: 30,
      language: 'NODE_JS',
      version: CURRENT_VERSION,
      opaque: 0,
      flag: 0,
      remark: null,
      extFields: { topic: 'orders', queueId: '3' },
      body: Buffer.from('b'),
      serializeType: SerializeType.JSON,
    });
    expect(isResponse(request)).toBe(false);
    expect(isOneway(request)).toBe(false);
    expect(isOneway({ ...request, flag: CommandFlag.ONEWAY })).toBe(true);
  });

  it("answer in the request's spelling and under its opaque", () => {
    const request = command({ opaque: 77, serializeType: SerializeType.ROCKETMQ });
    const response = createResponse(request, 17, 'no topic', { a: 'b' });
    expect(response).toMatchObject({
      code: 17,
      opaque: 77,
      serializeType: SerializeType.ROCKETMQ,
      remark: 'no topic',
      body: null,
    });
    expect(isResponse(response)).toBe(true);
    expect(decodeCommand(frameOf(response))).toEqual(response);
  });
});
