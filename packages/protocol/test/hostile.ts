import {
  CURRENT_VERSION,
  type FieldEntry,
  type RemotingCommand,
  RequestCode,
  type RequestDefinition,
  Requests,
  SerializeType,
} from '../src/index.js';

/** A request that no honest client sends, and what is wrong with it. */
export interface HostileRequest {
  readonly what: string;
  readonly command: RemotingCommand;
  /** The server must answer with an error: a required field is missing or is not a number. */
  readonly mustFail: boolean;
}

const MIB = 1024 * 1024;

/** Names that must never become a topic, a group or a file. */
export const hostileNames = [
  '../../hostile',
  '/tmp/hostile',
  '..\\hostile',
  'hostile\u0000',
  'hostile\u0001a\u0002b',
  'höstile ✗',
  '%RETRY%../hostile',
  'hostile\n{"a":1}',
  'hostile'.repeat(50),
] as const;

/** Names that are legal, but are also properties of every JavaScript object. */
const treacherousNames = ['__proto__', 'constructor', 'toString'];

const hostileTexts = ['', ' ', ...hostileNames, ...treacherousNames];
const notNumbers = [
  '',
  ' 1',
  'abc',
  'NaN',
  'Infinity',
  '1.5',
  '1e3',
  '0x10',
  '9223372036854775808',
  '-9223372036854775809',
  '９',
];
const extremeNumbers = ['-1', '0', '2147483647', '-2147483648', '9223372036854775807', '-9223372036854775808'];

const brokenBodies: readonly (readonly [string, Buffer | null])[] = [
  ['no body', null],
  ['garbage', Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80, 0x7f])],
  ['a truncated object', Buffer.from('{"a":[{"b":')],
  ['an empty object', Buffer.from('{}')],
  ['an empty list', Buffer.from('[]')],
  ['null', Buffer.from('null')],
  ['a number', Buffer.from('1e999')],
  ['a text', Buffer.from('"text"')],
  ['a __proto__', Buffer.from('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')],
  ['many brackets', Buffer.alloc(MIB, '[')],
  ['many braces', Buffer.alloc(MIB, '{')],
  ['a list of a million', Buffer.from(`[${'0,'.repeat(MIB / 2)}0]`)],
];

const rows = Object.values(Requests) as unknown as RequestDefinition[];

/** What a field has in an honest request. By name; the rest by kind. */
export type HonestFields = Readonly<Record<string, string>>;

const honestByKind: Readonly<Record<FieldEntry['kind'], string>> = { string: 'x', int: '0', long: '0', bool: 'false' };

function honest(row: RequestDefinition, fields: HonestFields): Record<string, string> {
  return Object.fromEntries(
    row.fields.entries.map(({ name, wireName, kind }) => [wireName, fields[name] ?? honestByKind[kind]]),
  );
}

function command(code: number, extFields: Record<string, string>, body: Buffer | null): RemotingCommand {
  return {
    code,
    language: 'JAVA',
    version: CURRENT_VERSION,
    opaque: 0,
    flag: 0,
    remark: null,
    extFields,
    body,
    serializeType: SerializeType.JSON,
  };
}

/**
 * Every request of the table with each of its fields missing, of the wrong type, extreme or treacherous, with broken bodies and
 * with honest bodies of which one part is hostile; and requests that nobody knows.
 * @param fields of an honest request
 * @param bodies of honest requests, by the request's name: JSON to be changed piece by piece, or text
 */
export function* hostileRequests(
  fields: HonestFields,
  bodies: Readonly<Record<string, unknown>> = {},
): Generator<HostileRequest> {
  for (const row of rows) {
    const base = honest(row, fields);
    const body = row.name in bodies ? encode(bodies[row.name]) : Buffer.from('x');
    const make = (what: string, extFields: Record<string, string>, mustFail = false, with_ = body): HostileRequest => ({
      what: `${row.name} with ${what}`,
      command: command(row.code, extFields, with_),
      mustFail,
    });
    yield make(
      'no fields',
      {},
      row.fields.entries.some(({ presence }) => presence === 'required'),
    );
    let huge = false;
    for (const entry of row.fields.entries) {
      const { wireName, kind, presence } = entry;
      const { [wireName]: _left, ...rest } = base;
      yield make(`${entry.name} missing`, rest, presence === 'required');
      if (kind === 'string') {
        for (const text of hostileTexts)
          yield make(`${entry.name}=${JSON.stringify(text).slice(0, 40)}`, { ...rest, [wireName]: text });
        yield make(`a huge ${entry.name}`, { ...rest, [wireName]: 'x'.repeat(huge ? MIB / 16 : MIB) });
        huge = true;
      } else if (kind === 'bool') {
        yield make(`${entry.name}=maybe`, { ...rest, [wireName]: 'maybe' });
        yield make(`${entry.name}=true`, { ...rest, [wireName]: 'true' });
      } else {
        for (const text of notNumbers) yield make(`${entry.name}=${text}`, { ...rest, [wireName]: text }, true);
        // Whoever asks to wait for days is left waiting: no harm, but no answer either.
        for (const text of entry.name === 'pollTime' ? ['-1', '0'] : extremeNumbers) {
          const fits = kind === 'long' || Number(text) === (Number(text) | 0);
          yield make(`${entry.name}=${text}`, { ...rest, [wireName]: text }, !fits);
        }
      }
    }
    for (const [what, broken] of brokenBodies) yield make(what, base, false, broken as Buffer);
    if (typeof bodies[row.name] === 'object') {
      for (const [what, variant] of variants(bodies[row.name])) yield make(what, base, false, encode(variant));
    }
  }
  for (const code of [-1, 0, 9, 32_767, 2 ** 31 - 1]) {
    yield { what: `unknown code ${code}`, command: command(code, { topic: '../x' }, null), mustFail: true };
  }
  const known = new Set<number>(rows.map(({ code }) => code));
  for (const code of Object.values(RequestCode)) {
    if (!known.has(code))
      yield { what: `code ${code} without a row`, command: command(code, {}, null), mustFail: false };
  }
}

const encode = (body: unknown): Buffer => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

/** Copies of a JSON value, each with one part replaced, or one key renamed. */
function* variants(value: unknown, path = 'body'): Generator<[what: string, variant: unknown]> {
  const wrong = [null, 7, 'text', [], {}, [null], true].filter(
    (other) => typeof other !== typeof value || other === null,
  );
  for (const other of wrong) yield [`${path}=${JSON.stringify(other)}`, other];
  if (typeof value === 'string') {
    for (const text of hostileTexts) yield [`${path}=${JSON.stringify(text).slice(0, 40)}`, text];
  } else if (typeof value === 'number') {
    for (const number of [-1, 0.5, 2 ** 31, 2 ** 53, 1e308]) yield [`${path}=${number}`, number];
  } else if (Array.isArray(value)) {
    yield [`${path} repeated`, Array.from({ length: 2_000 }, () => value[0])];
    for (const [what, variant] of variants(value[0], `${path}[0]`)) yield [what, [variant]];
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, part] of Object.entries(value)) {
      const { [key]: _left, ...rest } = value as Record<string, unknown>;
      yield [`${path} without ${key}`, rest];
      for (const name of [hostileNames[0], '__proto__']) yield [`${path}.${key} as ${name}`, { ...rest, [name]: part }];
      for (const [what, variant] of variants(part, `${path}.${key}`)) yield [what, { ...rest, [key]: variant }];
    }
  }
}
