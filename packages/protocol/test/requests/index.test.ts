import { describe, expect, it } from '@jest/globals';
import { RequestCode } from '../../src/codes.js';
import {
  createRequest,
  decodeCommand,
  encodeCommand,
  type RequestDefinition,
  SerializeType,
} from '../../src/command.js';
import { decodeFields, encodeFields, type FieldEntry } from '../../src/field.js';
import { Requests } from '../../src/requests/index.js';
import { fixture } from '../fixtures.js';

interface JavaHeader {
  class: string;
  /** Constants of RequestCode in the class's annotation. */
  requests: string[];
  /** `type name` with ` !` for `@CFNotNull`. */
  fields: string[];
  base: 'topic' | 'rpc' | null;
}

const rows = Object.entries(Requests) as unknown as [string, RequestDefinition][];
const { headers } = fixture<{ headers: JavaHeader[] }>('headers');

/** Codes that nothing in 5.5.0 sends or answers, and those of the controller's own Raft log. */
const codesWithoutRow = new Set([
  'QUERY_BROKER_OFFSET',
  'GET_TOPIC_CONFIG_LIST',
  'GET_TOPIC_NAME_LIST',
  'TRIGGER_DELETE_FILES',
  'GET_CLIENT_CONFIG',
  'ACK_LITE_MESSAGE',
  'SUSPEND_CONSUMER',
  'RESUME_CONSUMER',
  'RESET_CONSUMER_OFFSET_IN_CONSUMER',
  'RESET_CONSUMER_OFFSET_IN_BROKER',
  'ADJUST_CONSUMER_THREAD_POOL',
  'WHO_CONSUME_THE_MESSAGE',
  'REGISTER_FILTER_SERVER',
  'REGISTER_MESSAGE_FILTER_CLASS',
  'BROKER_CLOSE_CHANNEL_REQUEST',
  'CHECK_NOT_ACTIVE_BROKER_REQUEST',
  'GET_BROKER_LIVE_INFO_REQUEST',
  'GET_SYNC_STATE_DATA_REQUEST',
  'RAFT_BROKER_HEART_BEAT_EVENT_REQUEST',
]);

const sample = {
  string: 'a "text" \u0001\u0002 中🚀',
  int: -2_147_483_648,
  long: 9_007_199_254_740_991,
  bool: true,
} as const;

function samples(entries: readonly FieldEntry[]): Record<string, unknown> {
  return Object.fromEntries(entries.map(({ name, kind }) => [name, sample[kind]]));
}

describe('request table', () => {
  it('has one row for every code of Java that is in use', () => {
    const names = rows.map(([, row]) => row.name);
    expect(names.sort()).toEqual(
      Object.keys(RequestCode)
        .filter((name) => !codesWithoutRow.has(name))
        .sort(),
    );
  });

  it.each(rows)('%s is keyed by its constant in camelCase and has its code', (key, row) => {
    const camelCase = row.name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    expect(key).toBe(camelCase);
    expect(row.code).toBe(RequestCode[row.name as keyof typeof RequestCode]);
  });

  describe.each(rows)('%s', (_, row) => {
    it.each([SerializeType.JSON, SerializeType.ROCKETMQ])(
      'round-trips with every field set (serialize type %i)',
      (type) => {
        // A ROCKETMQ header has 16 bits for the code; the larger ones travel as JSON only.
        if (type === SerializeType.ROCKETMQ && row.code > 0x7fff) return;
        const values = samples(row.fields.entries);
        const request = { ...createRequest(row, values as never), serializeType: type };
        const decoded = decodeCommand(Buffer.concat(encodeCommand(request)).subarray(4));
        expect(decoded.code).toBe(row.code);
        expect(decodeFields(row.fields, decoded.extFields, row.name)).toEqual(values);
      },
    );

    it('round-trips with required fields only', () => {
      const required = samples(row.fields.entries.filter(({ presence }) => presence === 'required'));
      const defaults = row.fields.entries.filter(({ presence }) => presence === 'default');
      expect(decodeFields(row.fields, encodeFields(row.fields, required as never), row.name)).toEqual({
        ...Object.fromEntries(defaults.map(({ name, defaultValue }) => [name, defaultValue])),
        ...required,
      });
    });

    it('refuses each required field when it is missing', () => {
      const texts = encodeFields(row.fields, samples(row.fields.entries) as never);
      for (const { presence, wireName } of row.fields.entries) {
        if (presence !== 'required') continue;
        const { [wireName]: _gone, ...rest } = texts;
        expect(() => decodeFields(row.fields, rest, row.name)).toThrow(new RegExp(`^${row.name}: field .*is missing`));
      }
    });

    it('round-trips its response', () => {
      const values = samples(row.response.entries);
      expect(decodeFields(row.response, encodeFields(row.response, values as never), row.name)).toEqual(values);
    });
  });
});

describe("request table against Java's header classes", () => {
  const kindOf: Record<string, string> = {
    String: 'string',
    BoundaryType: 'string',
    Integer: 'int',
    int: 'int',
    Long: 'long',
    long: 'long',
    Boolean: 'bool',
    boolean: 'bool',
  };
  const inherited = { topic: ['lo', 'ns', 'nsd', 'bname', 'oway'], rpc: ['ns', 'nsd', 'bname', 'oway'] };
  /** 4.x peers send no header at all with these. */
  const relaxed = new Set(['GET_ALL_TOPIC_CONFIG.topicSeq', 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG.groupSeq']);

  const requestHeaders = headers
    .filter((header) => !header.class.endsWith('ResponseHeader'))
    .flatMap((header) => header.requests.map((name) => [name, header] as const));

  it.each(requestHeaders)('%s has the fields, types and required fields of Java', (name, header) => {
    const [, row] = rows.find(([, each]) => each.name === name)!;
    const fields = header.fields.map((text) => {
      const [type, fieldName, notNull] = text.split(' ');
      return {
        wireName: fieldName,
        kind: kindOf[type!],
        required: notNull === '!' && !relaxed.has(`${name}.${fieldName}`),
      };
    });
    const base = header.base === null ? [] : inherited[header.base];
    // SendMessageRequestHeaderV2 has n beside the inherited bname; both name the broker.
    const isV2 = header.class === 'SendMessageRequestHeaderV2';
    for (const wireName of base.filter((each) => !(isV2 && each === 'bname'))) {
      fields.push({ wireName, kind: wireName === 'ns' || wireName === 'bname' ? 'string' : 'bool', required: false });
    }
    const ours = row.fields.entries.map(({ wireName, kind, presence }) => ({
      wireName,
      kind,
      required: presence === 'required',
    }));
    const order = (a: { wireName?: string }, b: { wireName?: string }) => (a.wireName! < b.wireName! ? -1 : 1);
    expect(ours.sort(order)).toEqual(fields.sort(order));
  });

  const responses = headers
    .filter((header) => header.class.endsWith('ResponseHeader') && header.fields.length > 0)
    .map((header) => {
      const request = headers.find((each) => each.class === header.class.replace('Response', 'Request'));
      return [request?.requests[0], header] as const;
    })
    .filter(([name]) => name !== undefined && name !== 'CHECK_TRANSACTION_STATE');

  it.each(responses)('the response of %s has the fields of Java', (name, header) => {
    const [, row] = rows.find(([, each]) => each.name === name)!;
    const ours = row.response.entries.map((entry) => `${entry.kind} ${entry.wireName}`).sort();
    const theirs = header.fields.map((text) => `${kindOf[text.split(' ')[0]!]} ${text.split(' ')[1]}`).sort();
    expect(ours).toEqual(theirs);
  });
});
