import { describe, expect, it } from '@jest/globals';
import { decodeFields, fieldTable } from '../../src/field.js';
import { Requests } from '../../src/requests/index.js';
import { pullFields } from '../../src/requests/pull-header.js';
import { outcome, TEXTS } from './codec-cases.js';

const { fields } = Requests.pullMessage;
/** The same table, which has only the loop. */
const plain = fieldTable(pullFields);

const usual: Readonly<Record<string, string>> = {
  ...{ consumerGroup: 'group', topic: 'topic', liteTopic: 'lite', queueId: '3', queueOffset: '77', maxMsgNums: '32' },
  ...{ sysFlag: '3', commitOffset: '70', suspendTimeoutMillis: '15000', subscription: 'a || b', subVersion: '1' },
  ...{ expressionType: 'TAG', maxMsgBytes: '2147483647', requestSource: '0', proxyFrowardClientId: 'client' },
  ...{ lo: 'true', ns: 'space', nsd: 'true', bname: 'broker-a', oway: 'true' },
};

describe('the codec of pulls', () => {
  it.each(Object.keys(pullFields))('reads a request with any %s, or none, as the loop does', (name) => {
    const { [name]: _, ...without } = usual;
    for (const texts of [usual, without, ...TEXTS.map((text) => ({ ...usual, [name]: text }))]) {
      const expected = outcome(() => decodeFields(plain, texts, 'PULL'));
      expect(outcome(() => decodeFields(fields, texts, 'PULL'))).toEqual(expected);
    }
  });

  it('takes the usual case, of both requests', () => {
    expect(fields.codec?.decode?.(usual)).toBeDefined();
    expect(Requests.litePullMessage.fields.codec).toBe(fields.codec);
  });
});
