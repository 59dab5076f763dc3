import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Requests, ResponseCode } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { PopClient, texts } from './pop-client.js';

let target: TestBroker;
let client: PopClient;
beforeEach(async () => {
  target = await TestBroker.start({ popFromRetryProbability: 0 });
  client = new PopClient(target);
});
afterEach(() => target.close());

const committed = async (queueId: number): Promise<number> => {
  const answer = await target.call(Requests.queryConsumerOffset, {
    consumerGroup: 'consumers',
    topic: 'orders',
    queueId,
  });
  return Number(answer.extFields['offset'] ?? -1);
};

describe('POP_MESSAGE', () => {
  it('gives messages of all queues away once, and moves the offsets of the group', async () => {
    for (let queueId = 0; queueId < 4; queueId++) await client.send(`m${queueId}`, queueId);
    const answer = await client.request();
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    expect(texts(client.read(answer)).sort()).toEqual(['m0', 'm1', 'm2', 'm3']);
    expect(answer.extFields).toMatchObject({ invisibleTime: '60000', restNum: '0' });
    expect(await client.pop()).toEqual([]);
    for (let queueId = 0; queueId < 4; queueId++) expect(await committed(queueId)).toBe(1);
  });

  it('gives messages of the queue that was asked for, in order, at most as many as wanted', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text, 1);
    await client.send('other', 0);
    const answer = await client.request({ queueId: 1, maxMsgNums: 2 });
    expect(texts(client.read(answer))).toEqual(['a', 'b']);
    expect(answer.extFields).toMatchObject({ startOffsetInfo: '0 1 0', msgOffsetInfo: '0 1 0,1', restNum: '1' });
    expect(texts(await client.pop({ queueId: 1 }))).toEqual(['c']);
  });

  it('is answered with POLLING_TIMEOUT at once when there is nothing and it does not wait', async () => {
    await client.send('a');
    await client.pop();
    expect(await client.request()).toMatchObject({ code: ResponseCode.POLLING_TIMEOUT });
  });

  it('waits for a message, and only one of those that wait gets it', async () => {
    await client.send('first');
    await client.pop();
    const waiting = [client.request({ pollTime: 2_000 }), client.request({ pollTime: 2_000, queueId: 0 })];
    const second = client.request({ pollTime: 2_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const info = { consumerGroup: 'consumers', topic: 'orders', queueId: -1 };
    expect((await target.call(Requests.pollingInfo, info)).extFields).toMatchObject({ pollingNum: '2' });
    await client.send('second');
    const answers = await Promise.all([...waiting, second]);
    const got = answers.flatMap((answer) => texts(client.read(answer)));
    expect(got).toEqual(['second']);
    expect(answers.filter(({ code }) => code === ResponseCode.POLLING_TIMEOUT)).toHaveLength(2);
  });

  it('is answered with POLLING_FULL when too many wait', async () => {
    await target.restart({ maxPopPollingSize: 1 });
    await client.send('a');
    await client.pop();
    const held = client.request({ pollTime: 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await client.request({ pollTime: 1_000 })).toMatchObject({ code: ResponseCode.POLLING_FULL });
    expect(await held).toMatchObject({ code: ResponseCode.POLLING_TIMEOUT });
  });

  it('begins at the end for a group that wants that, when the queue is not young', async () => {
    await target.restart({ initPopOffsetByCheckMsgInMem: false });
    for (const text of ['a', 'b', 'c']) await client.send(text);
    expect(texts(await client.pop({ initMode: 1 }))).toEqual(['c']);
  });

  it('takes a young queue from its beginning even so', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    expect(texts(await client.pop({ initMode: 1 }))).toEqual(['a', 'b', 'c']);
  });

  it('filters by tags and does not come back to what it passed over', async () => {
    await client.send('red', 0, { TAGS: 'red' });
    await client.send('blue', 0, { TAGS: 'blue' });
    await client.send('red again', 0, { TAGS: 'red' });
    const popped = await client.pop({ exp: 'blue' });
    expect(texts(popped)).toEqual(['blue']);
    expect(await client.pop({ exp: 'blue' })).toEqual([]);
    expect(await committed(0)).toBe(3);
  });

  it('filters by SQL92', async () => {
    await client.send('cheap', 0, { price: '3' });
    await client.send('dear', 0, { price: '30' });
    expect(texts(await client.pop({ expType: 'SQL92', exp: 'price > 10' }))).toEqual(['dear']);
    expect(await client.request({ expType: 'SQL92', exp: 'price >' })).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    });
  });

  it('stops at the threshold of messages that are not acknowledged, and goes on after', async () => {
    await target.restart({ enablePopMessageThreshold: true, popInflightMessageThreshold: 1 });
    for (const text of ['a', 'b', 'c']) await client.send(text);
    const [a, b] = await client.pop({ maxMsgNums: 2 });
    expect(await client.pop()).toEqual([]);
    const held = client.request({ pollTime: 5_000 });
    await client.ack(a!);
    await client.ack(b!);
    expect(texts(client.read(await held))).toEqual(['c']);
  });

  it('begins where an admin has set the group', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    await client.pop();
    await target.call(Requests.invokeBrokerToResetOffset, {
      group: 'consumers',
      topic: 'orders',
      timestamp: 0,
      isForce: true,
      queueId: 0,
      offset: 1,
    } as never);
    expect(texts(await client.pop())).toEqual(['b', 'c']);
  });

  it('gives the best queues of a priority topic first', async () => {
    await target.call(Requests.updateAndCreateTopic, {
      topic: 'orders',
      defaultTopic: 'TBW102',
      readQueueNums: 4,
      writeQueueNums: 4,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: '+message.type=PRIORITY',
    } as never);
    for (let queueId = 0; queueId < 4; queueId++) await client.send(`p${queueId}`, queueId);
    expect(texts(await client.pop({ maxMsgNums: 3 }))).toEqual(['p3', 'p2', 'p1']);
  });
});

describe('a pop that is refused', () => {
  beforeEach(() => client.send('a'));

  it.each([
    ['too many messages', { maxMsgNums: 33 }, ResponseCode.INVALID_PARAMETER, '32'],
    ['no messages', { maxMsgNums: 0 }, ResponseCode.INVALID_PARAMETER, 'maxMsgNums is 0'],
    ['a queue that is not there', { queueId: 4 }, ResponseCode.INVALID_PARAMETER, 'queueId[4] is illegal'],
    ['a topic that is not there', { topic: 'none' }, ResponseCode.TOPIC_NOT_EXIST, 'topic[none] not exist'],
    ['time that is over', { bornTime: 1, pollTime: 1 }, ResponseCode.POLLING_TIMEOUT, 'timeout too much'],
    ['a negative time', { invisibleTime: -1 }, ResponseCode.INVALID_PARAMETER, 'invisibleTime is -1'],
  ])('for %s says so', async (_what, fields, code, remark) => {
    const answer = await client.request(fields);
    expect(answer.code).toBe(code);
    expect(answer.remark).toContain(remark);
  });

  it('for want of permission says so', async () => {
    await target.restart({ brokerPermission: 2 });
    expect(await client.request()).toMatchObject({ code: ResponseCode.NO_PERMISSION });
  });

  it('for want of a group says so', async () => {
    await target.restart({ autoCreateSubscriptionGroup: false });
    expect(await new PopClient(target, 'orders', 'nobody').request()).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    });
  });
});
