import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  decodeMessages,
  encodeBatchBody,
  encodeProperties,
  parseQueryConsumeQueueResponse,
  type RequestInput,
  Requests,
  ResponseCode,
  tagsCodeOf,
} from '@rocketnest/protocol';
import { sendFields, TestBroker } from '../harness.js';
import { TestConsumer } from '../test-consumer.js';

let target: TestBroker;
beforeEach(async () => {
  target = await TestBroker.start();
});
afterEach(() => target.close());

describe('the dump of a consume queue', () => {
  const dump = async (changes: Partial<RequestInput<typeof Requests.queryConsumeQueue>> = {}) => {
    const fields = { topic: 'orders', queueId: 0, index: 0, count: 10, ...changes };
    return target.call(Requests.queryConsumeQueue, fields);
  };
  const parsed = async (changes?: Partial<RequestInput<typeof Requests.queryConsumeQueue>>) =>
    parseQueryConsumeQueueResponse((await dump(changes)).body!);
  beforeEach(async () => {
    for (const tag of ['a', 'x', 'b'])
      await target.send('orders', tag, { properties: encodeProperties({ TAGS: tag }) });
  });

  it('has as many entries as asked for, from the index on', async () => {
    const all = await parsed();
    expect(all).toMatchObject({ minQueueIndex: 0, maxQueueIndex: 3 });
    expect(all.queueData.map(({ tagsCode }) => tagsCode)).toEqual(['a', 'x', 'b'].map(tagsCodeOf));
    expect(all.queueData[1]!.physicOffset).toBe(all.queueData[0]!.physicSize);
    expect((await parsed({ index: 1, count: 1 })).queueData).toEqual([all.queueData[1]]);
    expect((await parsed({ count: 2 ** 31 - 1 })).queueData).toHaveLength(3);
    expect((await parsed({ count: -1 })).queueData).toEqual([]);
  });

  it('says which entries match what a connected group subscribes', async () => {
    const consumer = await TestConsumer.join(target, 'group', ['orders']);
    const seen = await parsed({ consumerGroup: 'group' });
    expect(seen.subscriptionData).toMatchObject({ topic: 'orders', subString: 'a || b' });
    expect(seen.queueData.map((entry) => entry.eval)).toEqual([true, false, true]);
    await consumer.close();
    const offline = await parsed({ consumerGroup: 'nobody' });
    expect(offline.filterData).toBe('nobody@orders is not online!');
  });

  it('has one entry for a batch that is stored as one message', async () => {
    await target.call(Requests.updateAndCreateTopic, {
      topic: 'batches',
      defaultTopic: 'TBW102',
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      order: false,
      attributes: '+queue.type=BatchCQ',
    });
    const batch = encodeBatchBody(
      ['a', 'b', 'c'].map((text) => ({ body: Buffer.from(text), flag: 0, properties: {} })),
    );
    const properties = encodeProperties({ UNIQ_KEY: 'U1' });
    await target.call(Requests.sendBatchMessage, sendFields('batches', { batch: true, properties }), batch);
    await target.send('batches', 'd');
    expect(await parsed({ topic: 'batches' })).toMatchObject({ minQueueIndex: 0, maxQueueIndex: 4 });
    for (const [index, entries] of [
      [0, 2],
      [1, 2],
      [3, 1],
    ] as const) {
      expect((await parsed({ topic: 'batches', index })).queueData).toHaveLength(entries);
    }
  });

  it('is refused for a queue that is not there, and empty beyond its end', async () => {
    expect(await dump({ queueId: 9 })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: '9@orders is not exist!',
    });
    expect(await dump({ index: 3 })).toMatchObject({
      code: ResponseCode.SUCCESS,
      remark: 'Index 3 of 0@orders is not exist!',
    });
  });
});

describe('a half message that is put back', () => {
  it('waits in the half topic again, checked zero times', async () => {
    const properties = encodeProperties({ TRAN_MSG: 'true', PGROUP: 'producers' });
    const sent = await target.send('orders', 'half', { properties });
    const response = await target.call(Requests.resumeCheckHalfMessage, { msgId: sent.extFields['msgId']! });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    const pulled = await target.pull('RMQ_SYS_TRANS_HALF_TOPIC');
    const halves = decodeMessages(pulled.body!);
    expect(halves.map(({ body }) => body.toString())).toEqual(['half', 'half']);
    expect(halves[1]!.properties).toMatchObject({ REAL_TOPIC: 'orders', TRANSACTION_CHECK_TIMES: '0' });
  });

  it('must be a message of this broker', async () => {
    for (const msgId of ['7F00000100002A9F00000000000F4240', 'nonsense', undefined]) {
      expect((await target.call(Requests.resumeCheckHalfMessage, { msgId })).code).toBe(ResponseCode.SYSTEM_ERROR);
    }
  });
});
