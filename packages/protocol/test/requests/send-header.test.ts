import { describe, expect, it } from '@jest/globals';
import { decodeFields, encodeFields, type FieldInput, fieldTable } from '../../src/field.js';
import { Requests } from '../../src/requests/index.js';
import { sendFields, sendResponse, shortNames } from '../../src/requests/send-header.js';
import { outcome, TEXTS } from './codec-cases.js';

const request = Requests.sendMessageV2.fields;
const response = Requests.sendMessageV2.response;
/** The same tables, which have only the loop. */
const plainRequest = fieldTable(sendFields, shortNames);
const plainResponse = fieldTable(sendResponse);

const usualTexts: Readonly<Record<string, string>> = {
  ...{ a: 'group', b: 'topic', c: 'TBW102', d: '4', e: '3', f: '0', g: '1700000000123', h: '0' },
  ...{ i: 'KEYS\u0001k\u0002', j: '0', k: 'false', l: '16', m: 'false', n: 'broker-a' },
  ...{ lo: 'true', ns: 'space', nsd: 'true', oway: 'true' },
};
const VALUES = [undefined, null, '', 'text', 0, -1, 1.5, Number.NaN, 2 ** 31, 2 ** 53, true, false];
const usualValues: FieldInput<typeof sendFields> = {
  ...{ producerGroup: 'group', topic: 'topic', defaultTopic: 'TBW102', defaultTopicQueueNums: 4, queueId: 3 },
  ...{ sysFlag: 0, bornTimestamp: 1_700_000_000_123, flag: -7, properties: 'KEYS\u0001k\u0002', reconsumeTimes: 0 },
  ...{ unitMode: false, batch: true, bname: 'broker-a' },
};

describe('the codecs of the send headers', () => {
  it.each(Object.keys(usualTexts))('read a request with any %s, or none, as the loop does', (name) => {
    const { [name]: _, ...without } = usualTexts;
    for (const texts of [usualTexts, without, ...TEXTS.map((text) => ({ ...usualTexts, [name]: text }))]) {
      const expected = outcome(() => decodeFields(plainRequest, texts, 'SEND'));
      expect(outcome(() => decodeFields(request, texts, 'SEND'))).toEqual(expected);
    }
  });

  it.each(Object.keys(plainRequest.fields))('write a request with any %s as the loop does, in its order', (name) => {
    for (const value of VALUES) {
      const values = { ...usualValues, [name]: value } as typeof usualValues;
      const expected = outcome(() => JSON.stringify(encodeFields(plainRequest, values, 'SEND')));
      expect(outcome(() => JSON.stringify(encodeFields(request, values, 'SEND')))).toBe(expected);
    }
  });

  it.each(Object.keys(sendResponse))('read an answer with any %s, or none, as the loop does', (name) => {
    const usual: Record<string, string> = { msgId: 'id', queueId: '3', queueOffset: '77', transactionId: 'unique' };
    const { [name]: _, ...without } = usual;
    for (const texts of [usual, without, ...TEXTS.map((text) => ({ ...usual, [name]: text }))]) {
      const expected = outcome(() => decodeFields(plainResponse, texts, 'SEND'));
      expect(outcome(() => decodeFields(response, texts, 'SEND'))).toEqual(expected);
    }
  });

  it('take the usual case', () => {
    expect(request.codec?.decode?.(usualTexts)).toBeDefined();
    expect(request.codec?.encode?.(usualValues as never)).toBeDefined();
    expect(response.codec?.decode?.({ msgId: 'id', queueId: '3', queueOffset: '77' })).toBeDefined();
  });
});
