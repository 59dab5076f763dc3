import { describe, expect, it } from '@jest/globals';
import { decodeCommand, encodeCommand, type RemotingCommand, SerializeType, writeFrameHead } from '../src/command.js';

const TEXTS = [
  '',
  'plain',
  'a "quote" and a \\',
  'UNIQ_KEY\u0001x\u0002',
  '\b\f\n\r\t\u0000\u001f\u007f',
  'bücher 中 🚀',
  '\ud800',
];

const command = (parts: Partial<RemotingCommand>): RemotingCommand => ({
  code: 10,
  language: 'NODE_JS',
  version: 515,
  opaque: 0,
  flag: 0,
  remark: null,
  extFields: {},
  body: null,
  serializeType: SerializeType.JSON,
  ...parts,
});

/** A header as `JSON.stringify` writes it; a remark that is null and fields that are none are left out. */
function stringified({ code, extFields, flag, language, opaque, remark, version }: RemotingCommand): string {
  return JSON.stringify({
    code,
    extFields: Object.keys(extFields).length > 0 ? extFields : undefined,
    flag,
    language,
    opaque,
    remark: remark ?? undefined,
    serializeTypeCurrentRPC: 'JSON',
    version,
  });
}

const commands = TEXTS.flatMap((text) => [
  command({ remark: text }),
  command({ extFields: { [`k${text}`]: text } }),
  command({ extFields: { a: text, b: '', [text]: 'x' }, remark: text, language: text }),
]);

describe('writeFrameHead', () => {
  it.each(commands)('writes JSON headers as JSON.stringify does (%j)', (each) => {
    const [head] = encodeCommand(each);
    expect(head!.toString('utf8', 8)).toBe(Buffer.from(stringified(each)).toString());
  });

  it.each([0, 1, 9, 10, 99, 100, 12_345, 2 ** 31 - 1, -1, -10, -(2 ** 31)])('writes the integer %i', (value) => {
    const each = command({ code: value, flag: value, opaque: value, version: value });
    expect(encodeCommand(each)[0]!.toString('utf8', 8)).toBe(stringified(each));
  });

  it.each([SerializeType.JSON, SerializeType.ROCKETMQ])(
    'never writes beyond its target, and says when that has too little room (serialize type %i)',
    (serializeType) => {
      for (const each of commands) {
        const frame = encodeCommand({ ...each, serializeType })[0]!;
        const memory = Buffer.alloc(6 * frame.length + 400, 0xee);
        const untouched = Buffer.from(memory);
        let wrote = false;
        for (let size = 0; size < memory.length; size++) {
          const end = writeFrameHead({ ...each, serializeType }, memory.subarray(0, size), 3);
          if (!memory.subarray(size).equals(untouched.subarray(size))) throw new Error(`wrote beyond ${size} bytes`);
          if (wrote || end !== -1) expect(end).toBe(3 + frame.length);
          wrote ||= end !== -1;
          if (wrote) expect(memory.subarray(3, end).equals(frame)).toBe(true);
          memory.fill(0xee);
        }
        expect(wrote).toBe(true);
      }
    },
  );

  it('announces a body that it does not write', () => {
    const target = Buffer.alloc(1_000);
    const each = command({ body: [Buffer.from('ab'), Buffer.from('c')] });
    const end = writeFrameHead(each, target, 0);
    expect(target.readInt32BE(0)).toBe(end - 4 + 3);
    expect(decodeCommand(Buffer.concat([target.subarray(4, end), Buffer.from('abc')])).body?.toString()).toBe('abc');
  });
});
