import { describe, expect, it } from '@jest/globals';
import {
  encodePopReceipt,
  joinPopInfo,
  messageOffsetInfo,
  messageOrderCountInfo,
  ProtocolError,
  parsePopNumbers,
  parsePopOffsets,
  parsePopReceipt,
  popNormalTopic,
  popRealTopic,
  popTopicKind,
  queueOrderCountInfo,
  startOffsetInfo,
} from '../src/index.js';

describe('topics of pop', () => {
  it.each([
    ['orders', '0'],
    ['%RETRY%g_orders', '1'],
    ['%RETRY%g+orders', '2'],
  ])('%s has kind %s, and kind and topic give the name back', (name, kind) => {
    expect(popTopicKind(name)).toBe(kind);
    expect(popRealTopic('orders', 'g', kind)).toBe(name);
    expect(popNormalTopic(name, 'g')).toBe('orders');
  });

  it('refuses kinds that do not exist', () => {
    expect(() => popRealTopic('orders', 'g', '3')).toThrow('"3" is no kind of a popped topic');
  });
});

describe('a pop receipt', () => {
  const receipt = {
    startOffset: 5,
    popTime: 1_700_000_000_000,
    invisibleTime: 60_000,
    reviveQueueId: 3,
    kind: '0',
    brokerName: 'broker-a',
    queueId: 2,
  };

  it("is written as Java's ExtraInfoUtil does", () => {
    expect(encodePopReceipt(receipt)).toBe('5 1700000000000 60000 3 0 broker-a 2');
    expect(encodePopReceipt({ ...receipt, queueOffset: 7 })).toBe('5 1700000000000 60000 3 0 broker-a 2 7');
  });

  it('is read with and without the offset of the message', () => {
    expect(parsePopReceipt('5 1700000000000 60000 3 0 broker-a 2')).toEqual(receipt);
    expect(parsePopReceipt('5 1700000000000 60000 3 0 broker-a 2 7')).toEqual({ ...receipt, queueOffset: 7 });
  });

  it.each([
    ['', 'startOffset'],
    ['5 x', 'popTime'],
    ['5 1 60000 3 0 broker-a', 'queueId is missing'],
    ['5 1 99999999999999999999 3 0 b 1', 'invisibleTime'],
  ])('%j is refused and says why', (text, why) => {
    expect(() => parsePopReceipt(text)).toThrow(ProtocolError);
    expect(() => parsePopReceipt(text)).toThrow(why);
  });
});

describe('the offsets of a pop answer', () => {
  it('are written and read', () => {
    const starts = joinPopInfo([startOffsetInfo('t', 0, 5), startOffsetInfo('%RETRY%g_t', 0, 9)]);
    expect(starts).toBe('0 0 5;1 0 9');
    expect(parsePopNumbers(starts)).toEqual(new Map([['0@0', 5], ['1@0', 9]])); // biome-ignore format: pairs
    const offsets = messageOffsetInfo('t', 3, [5, 7]);
    expect(offsets).toBe('0 3 5,7');
    expect(parsePopOffsets(offsets)).toEqual(new Map([['0@3', [5, 7]]]));
    expect(joinPopInfo([messageOrderCountInfo('t', 3, 5, 2), queueOrderCountInfo('t', 3, 0)])).toBe('0 qo3%5 2;0 3 0');
  });

  it('may be missing, and are refused when malformed', () => {
    expect(parsePopNumbers(undefined).size).toBe(0);
    expect(() => parsePopNumbers('0 1')).toThrow('expected "kind queue value');
  });
});
