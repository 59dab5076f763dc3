import { describe, expect, it } from '@jest/globals';
import {
  bitsOfOffsets,
  encodeBatchAckRequest,
  encodePopAck,
  encodePopCheckPoint,
  offsetsOfBits,
  parseBatchAckRequest,
  parseMessageRequestModes,
  parsePopAck,
  parsePopCheckPoint,
  parsePopOrderTable,
} from '../../src/index.js';

/** Written by Java (fastjson) from the classes named in `src/body/pop.ts`. */
const golden = {
  checkPoint:
    '{"bm":0,"bn":"b","c":"g","d":[0,2],"it":60000,"n":2,"pt":1700000000000,"q":3,"reviveTime":1700000060000,"ro":0,"so":5,"sp":false,"t":"t"}',
  ack: '{"ao":7,"bn":"b","c":"g","pt":1700000000000,"q":3,"so":5,"t":"t"}',
  batchAck: '{"ao":-1,"aol":[5,7],"c":"g","pt":1700000000000,"q":3,"so":5,"t":"t"}',
  batchRequest:
    '{"acks":[{"b":"BQI=","c":"g","it":60000,"pt":1700000000000,"q":3,"r":"0","rq":1,"so":5,"t":"t"}],"brokerName":"b"}',
  orderTable:
    '{"orderInfoCount":1,"orderedConsumptionLevel":"QUEUE","table":{"t@g":{3:{"a":"att2","cm":0,"i":60000,"l":1795287073432,"o":[5,2],"oc":{5:1,7:1},"ot":{5:1700000099999},"popTime":1700000000001},4:{"cm":0,"i":60000,"l":1795287073432,"o":[9],"popTime":1700000000000}}}}',
};

describe('bodies of pop', () => {
  it('check points are read and written as Java does', () => {
    const point = parsePopCheckPoint(Buffer.from(golden.checkPoint));
    expect(point).toMatchObject({ t: 't', c: 'g', q: 3, so: 5, d: [0, 2], n: 2, sp: false });
    expect(encodePopCheckPoint(point).toString()).toBe(golden.checkPoint);
  });

  it('acknowledgements are, too', () => {
    expect(encodePopAck(parsePopAck(Buffer.from(golden.ack))).toString()).toBe(golden.ack);
    expect(encodePopAck(parsePopAck(Buffer.from(golden.batchAck))).toString()).toBe(golden.batchAck);
  });

  it('a batch names its messages by bits', () => {
    const request = parseBatchAckRequest(Buffer.from(golden.batchRequest));
    expect(offsetsOfBits(request.acks[0]!.b, 5)).toEqual([5, 7, 14]);
    expect(offsetsOfBits(request.acks[0]!.b, 5, 6, 10)).toEqual([7]);
    expect(bitsOfOffsets([5, 7, 14], 5)).toBe('BQI=');
    expect(encodeBatchAckRequest(request).toString()).toBe(golden.batchRequest);
  });

  it('the table of orderly pops is read as Java writes it', () => {
    const { table } = parsePopOrderTable(Buffer.from(golden.orderTable));
    expect(table['t@g']?.[3]).toEqual({
      a: 'att2',
      cm: 0,
      i: 60_000,
      l: 1_795_287_073_432,
      o: [5, 2],
      oc: { 5: 1, 7: 1 },
      ot: { 5: 1_700_000_099_999 },
      popTime: 1_700_000_000_001,
    });
    expect(table['t@g']?.[4]).toMatchObject({ o: [9], popTime: 1_700_000_000_000 });
  });

  it('the table of request modes is read as Java writes it', () => {
    const text =
      '{"messageRequestModeMap":{"t":{"g":{"consumerGroup":"g","mode":"POP","popShareQueueNum":2,"topic":"t"}}}}';
    expect(parseMessageRequestModes(Buffer.from(text)).messageRequestModeMap['t']?.['g']).toMatchObject({
      mode: 'POP',
      popShareQueueNum: 2,
    });
  });
});
