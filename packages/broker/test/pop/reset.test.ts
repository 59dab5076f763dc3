import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { PopClient, texts } from './pop-client.js';

let target: TestBroker;
let client: PopClient;
beforeEach(async () => {
  target = await TestBroker.start({ reviveInterval: 50 });
  client = new PopClient(target);
  for (const text of ['a', 'b', 'c', 'd']) await client.send(text);
});
afterEach(() => target.close());

const resetTo = async (offset: number): Promise<void> => {
  const fields = { group: 'consumers', topic: 'orders', timestamp: 0, isForce: true, queueId: 0, offset };
  expect((await target.call(Requests.invokeBrokerToResetOffset, fields)).code).toBe(ResponseCode.SUCCESS);
};
const committed = async (): Promise<number> => {
  const fields = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
  return Number((await target.call(Requests.queryConsumerOffset, fields)).extFields['offset'] ?? -1);
};

describe('an offset that is reset while its group pops', () => {
  it.each([
    ['back', 1, ['b', 'c', 'd']],
    ['forward', 3, ['d']],
  ])('moves it %s; acknowledgements of what was popped before do not undo it', async (_where, offset, expected) => {
    const popped = await client.pop({ maxMsgNums: 2, invisibleTime: 3_600_000 });
    await resetTo(offset);
    for (const message of popped) await client.ack(message);
    const again = await client.pop({ invisibleTime: 3_600_000 });
    expect(texts(again)).toEqual(expected);
    for (const message of again) await client.ack(message);
    expect(await client.pop()).toEqual([]);
    expect(await committed()).toBe(4);
  });

  it('frees a queue that is popped in order', async () => {
    const inOrder = { order: true, queueId: 0, invisibleTime: 3_600_000 };
    const popped = await client.pop({ ...inOrder, maxMsgNums: 2, attemptId: 'first' });
    expect(texts(popped)).toEqual(['a', 'b']);
    await resetTo(3);
    expect(texts(await client.pop({ ...inOrder, attemptId: 'second' }))).toEqual(['d']);
    for (const message of popped) await client.ack(message);
    expect(await client.pop({ ...inOrder, attemptId: 'third' })).toEqual([]);
  });
});
