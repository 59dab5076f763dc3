import { describe, expect, it } from '@jest/globals';
import { ProtocolError } from '@rocketnest/protocol';
import { decodeTraceData, encodeTraceRecord, type TraceRecord, traceKeys } from '../../src/trace/trace-record.js';

const msgId = '7F0000010000000000000000000001';
const origin = { timestamp: 1_700_000_000_000, regionId: 'DefaultRegion', group: 'g' };
const named = { tags: 'paid', keys: 'k1 键2' };
const storeHost = '10.0.0.1:10911';

/** Recorded from Java's TraceDataEncoder 5.5.0, with | for \x01 and $ for \x02. */
const golden: readonly (readonly [string, TraceRecord])[] = [
  [
    'Pub|1700000000000|DefaultRegion|g|orders|7F0000010000000000000000000001|paid|k1 键2|10.0.0.1:10911|12|7|3|0A00000100002A9F0000000000000040|true$',
    {
      type: 'Pub',
      ...origin,
      topic: 'orders',
      msgId,
      ...named,
      storeHost,
      bodyLength: 12,
      costMs: 7,
      messageType: 'Delay',
      offsetMsgId: '0A00000100002A9F0000000000000040',
      success: true,
    },
  ],
  [
    'Pub|1700000000000|DefaultRegion|g|orders|7F0000010000000000000000000001|null|null|10.0.0.1:10911|12|7|3|null|false$',
    {
      type: 'Pub',
      ...origin,
      topic: 'orders',
      msgId,
      storeHost,
      bodyLength: 12,
      costMs: 7,
      messageType: 'Delay',
      success: false,
    },
  ],
  [
    'Recall|1700000000000|DefaultRegion|g|orders|7F0000010000000000000000000001|true$',
    { type: 'Recall', ...origin, topic: 'orders', msgId, success: true },
  ],
  [
    'SubBefore|1700000000000|DefaultRegion|g|R1|7F0000010000000000000000000001|2|k1 键2$',
    { type: 'SubBefore', ...origin, requestId: 'R1', msgId, retryTimes: 2, keys: named.keys },
  ],
  [
    'SubBefore|1700000000000|DefaultRegion|g|R1|7F0000010000000000000000000001|2|null$',
    { type: 'SubBefore', ...origin, requestId: 'R1', msgId, retryTimes: 2 },
  ],
  [
    'SubAfter|R1|7F0000010000000000000000000001|7|false|null|4|1700000000000|g$',
    {
      type: 'SubAfter',
      requestId: 'R1',
      msgId,
      costMs: 7,
      success: false,
      returnType: 'FAILED',
      timestamp: origin.timestamp,
      group: 'g',
    },
  ],
  [
    'EndTransaction|1700000000000|DefaultRegion|g|orders|7F0000010000000000000000000001|paid|k1 键2|10.0.0.1:10911|3|TX1|UNKNOW|true$',
    {
      type: 'EndTransaction',
      ...origin,
      topic: 'orders',
      msgId,
      ...named,
      storeHost,
      messageType: 'Delay',
      transactionId: 'TX1',
      transactionState: 'UNKNOWN',
      fromTransactionCheck: true,
    },
  ],
];
const wire = (shown: string): string => shown.replaceAll('|', '\x01').replaceAll('$', '\x02');

describe('trace records', () => {
  it.each(golden)('are written as Java writes them, and read again: %s', (shown, record) => {
    expect(encodeTraceRecord(record)).toBe(wire(shown));
    expect(decodeTraceData(wire(shown))).toEqual([record]);
  });

  it('are found by the id and the keys of their message', () => {
    expect(traceKeys(golden[0]![1])).toEqual([msgId, 'k1', '键2']);
    expect(traceKeys(golden[1]![1])).toEqual([msgId]);
  });

  it('come several in one message; those of types we do not know are left out', () => {
    const data = `${golden[2]![0]}Telepathy|1|2$${golden[3]![0]}`;
    expect(decodeTraceData(wire(data)).map((record) => record.type)).toEqual(['Recall', 'SubBefore']);
    expect(decodeTraceData('')).toEqual([]);
  });

  it.each([
    ['an old Pub without offset id', 'Pub|1|R|g|t|M|null|null|h|3|4|0|true$', { success: true, messageType: 'Normal' }],
    [
      'a Pub with the client',
      'Pub|1|R|g|t|M|null|null|h|3|4|1|O|true|10.0.0.9@1$',
      { offsetMsgId: 'O', success: true, clientHost: '10.0.0.9@1', messageType: 'Trans' },
    ],
    ['a Pub with fields of the future', 'Pub|1|R|g|t|M|null|null|h|3|4|1|O|true|c|new$', { clientHost: 'c' }],
    ['an old SubAfter', 'SubAfter|R1|M|7|true|k$', { success: true, keys: 'k', costMs: 7 }],
    ['a SubAfter for the cloud', 'SubAfter|R1|M|7|true|k|2|$', { returnType: 'EXCEPTION' }],
  ])('of other clients are read: %s', (_what, shown, expected) => {
    const [record] = decodeTraceData(wire(shown));
    expect(record).toMatchObject(expected);
  });

  it.each([
    ['too few fields', 'SubBefore|1|R$', /SubBefore has only 2 fields/],
    ['a number that is none', 'SubBefore|x|R|g|R1|M|0|k$', /timestamp "x"/],
    ['an unknown kind of message', 'Pub|1|R|g|t|M|null|null|h|3|4|9|O|true$', /messageType "9"/],
  ])('that are malformed are refused: %s', (_what, shown, error) => {
    expect(() => decodeTraceData(wire(shown))).toThrow(ProtocolError);
    expect(() => decodeTraceData(wire(shown))).toThrow(error);
  });
});
