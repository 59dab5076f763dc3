import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseConsumerOffsets, Requests, ResponseCode } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

describe('offsets', () => {
  let target: TestBroker;
  const queue = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
  beforeEach(async () => {
    target = await TestBroker.start();
    for (const text of ['a', 'b', 'c']) await target.send('orders', text);
    // The first pull makes the group known.
    await target.pull('orders');
  });
  afterEach(() => target.close());

  it('are 0 for a group that never committed, while the queue is young', async () => {
    const response = await target.call(Requests.queryConsumerOffset, queue);
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(response.extFields['offset']).toBe('0');
  });

  it('are not found for such a group when the client does not want zero, or the queue is empty', async () => {
    const unwanted = await target.call(Requests.queryConsumerOffset, { ...queue, setZeroIfNotFound: false });
    expect(unwanted.code).toBe(ResponseCode.QUERY_NOT_FOUND);
    const empty = await target.call(Requests.queryConsumerOffset, { ...queue, queueId: 3 });
    expect(empty.code).toBe(ResponseCode.QUERY_NOT_FOUND);
  });

  it('are what the group committed last, also after a restart', async () => {
    await target.call(Requests.updateConsumerOffset, { ...queue, commitOffset: 2 });
    expect((await target.call(Requests.queryConsumerOffset, queue)).extFields['offset']).toBe('2');
    await target.restart();
    expect((await target.call(Requests.queryConsumerOffset, queue)).extFields['offset']).toBe('2');
    const file = await readFile(join(target.rootDir, 'config', 'consumerOffset.json'));
    expect(parseConsumerOffsets(file).offsetTable).toEqual({ 'orders@consumers': { 0: 2 } });
  });

  it('are refused for unknown groups and topics', async () => {
    const group = await target.call(Requests.updateConsumerOffset, { ...queue, consumerGroup: 'x', commitOffset: 1 });
    expect(group.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    const topic = await target.call(Requests.updateConsumerOffset, { ...queue, topic: 'x', commitOffset: 1 });
    expect(topic.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  it('of a queue have a minimum and a maximum', async () => {
    const max = await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    const min = await target.call(Requests.getMinOffset, { topic: 'orders', queueId: 0 });
    expect([min.extFields['offset'], max.extFields['offset']]).toEqual(['0', '3']);
  });

  it('are found by time', async () => {
    const search = async (timestamp: number) =>
      (await target.call(Requests.searchOffsetByTimestamp, { topic: 'orders', queueId: 0, timestamp })).extFields[
        'offset'
      ];
    expect(await search(0)).toBe('0');
    expect(await search(Date.now() + 60_000)).toBe('3');
    const earliest = await target.call(Requests.getEarliestMsgStoretime, { topic: 'orders', queueId: 0 });
    expect(Math.abs(Number(earliest.extFields['timestamp']) - Date.now())).toBeLessThan(60_000);
  });

  it('of all groups can be fetched', async () => {
    await target.call(Requests.updateConsumerOffset, { ...queue, commitOffset: 2 });
    const response = await target.call(Requests.getAllConsumerOffset, {});
    expect(parseConsumerOffsets(response.body!).offsetTable).toEqual({ 'orders@consumers': { 0: 2 } });
  });
});
