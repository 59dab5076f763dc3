import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  decodeBatchBody,
  decodeMessage,
  decodeMessages,
  encodeBatchBody,
  encodeProperties,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { sendFields, TestBroker } from '../harness.js';

describe('sending', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  it('stores a message and answers where it is', async () => {
    const first = await target.send('orders', 'one', { properties: encodeProperties({ UNIQ_KEY: 'U1', TAGS: 'a' }) });
    expect(first.remark).toBeNull();
    expect(first.code).toBe(ResponseCode.SUCCESS);
    expect(first.extFields).toMatchObject({
      queueId: '0',
      queueOffset: '0',
      transactionId: 'U1',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
    });
    expect(first.extFields['msgId']).toMatch(/^7F000001[0-9A-F]{24}$/);
    const second = await target.send('orders', 'two');
    expect(second.extFields['queueOffset']).toBe('1');
  });

  it('takes the old request form as well as the short one', async () => {
    const response = await target.call(Requests.sendMessage, sendFields('orders'), Buffer.from('v1'));
    expect(response.code).toBe(ResponseCode.SUCCESS);
  });

  it('keeps what the sender wrote and adds region, trace switch, cluster and a unique id', async () => {
    await target.send('orders', 'body', { flag: 7, properties: 'KEYS\u0001k1\u0002TAGS\u0001t', sysFlag: 0 });
    const pulled = await target.pull('orders');
    const message = decodeMessage(pulled.body!);
    expect(message.body.toString()).toBe('body');
    expect(message.flag).toBe(7);
    expect(message.bornTimestamp).toBe(1_700_000_000_000);
    expect(message.properties).toMatchObject({
      KEYS: 'k1',
      TAGS: 't',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
    expect(message.properties['UNIQ_KEY']).toMatch(/^[0-9A-F]{32}$/);
  });

  it('overwrites properties that belong to the broker', async () => {
    await target.send('orders', 'body', {
      properties: encodeProperties({ CLUSTER: 'faked', POP_CK: 'faked', TAGS: 't', UNIQ_KEY: 'U' }),
    });
    const message = decodeMessage((await target.pull('orders')).body!);
    expect(message.properties).toEqual({
      TAGS: 't',
      UNIQ_KEY: 'U',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
      CLUSTER: 'DefaultCluster',
    });
  });

  it('stores a batch as single messages with consecutive offsets', async () => {
    const body = encodeBatchBody(
      ['a', 'b', 'c'].map((text) => ({ body: Buffer.from(text), flag: 0, properties: { TAGS: text } })),
    );
    const response = await target.call(Requests.sendBatchMessage, sendFields('orders', { batch: true }), body);
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(response.extFields['msgId']?.split(',')).toHaveLength(3);
    expect(response.extFields['queueOffset']).toBe('0');
    const messages = decodeMessages((await target.pull('orders')).body!);
    expect(
      messages.map((message) => [message.body.toString(), message.queueOffset, message.properties['TAGS']]),
    ).toEqual([
      ['a', 0, 'a'],
      ['b', 1, 'b'],
      ['c', 2, 'c'],
    ]);
  });

  it('does not answer a one-way send but stores it', async () => {
    await target.send('orders', 'first');
    await target.client.sendOneway(
      target.address,
      createRequest(Requests.sendMessageV2, sendFields('orders'), Buffer.from('oneway')),
    );
    const after = await target.send('orders', 'last');
    expect(after.extFields['queueOffset']).toBe('2');
  });

  it('creates a topic with the queues that the client asks for, at most those of TBW102', async () => {
    await target.send('four', 'x', { defaultTopicQueueNums: 4 });
    await target.send('eight', 'x', { defaultTopicQueueNums: 100 });
    const topics = JSON.parse((await target.call(Requests.getAllTopicConfig, {})).body!.toString());
    expect(topics.topicConfigTable.four).toMatchObject({ readQueueNums: 4, writeQueueNums: 4, perm: 6 });
    expect(topics.topicConfigTable.eight).toMatchObject({ readQueueNums: 8, writeQueueNums: 8, perm: 6 });
  });

  it('picks some queue when the sender asks for queue -1', async () => {
    const response = await target.send('orders', 'x', { queueId: -1 });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(['0', '1', '2', '3']).toContain(response.extFields['queueId']);
  });

  const refusals: [string, Parameters<typeof sendFields>[0], Parameters<typeof sendFields>[1], number, RegExp][] = [
    ['a queue that the topic does not have', 'orders', { queueId: 9 }, ResponseCode.INVALID_PARAMETER, /queueId\[9\]/],
    ['a topic name with illegal characters', 'a b', {}, ResponseCode.INVALID_PARAMETER, /a b/],
    ['the schedule topic', 'SCHEDULE_TOPIC_XXXX', {}, ResponseCode.NO_PERMISSION, /SCHEDULE_TOPIC_XXXX/],
    ['the half message topic', 'RMQ_SYS_TRANS_HALF_TOPIC', {}, ResponseCode.NO_PERMISSION, /TRANS_HALF/],
    ['a default topic that is not there', 'orders', { defaultTopic: 'nope' }, ResponseCode.TOPIC_NOT_EXIST, /orders/],
    ['a batch to a retry topic', '%RETRY%g', { batch: true }, ResponseCode.MESSAGE_ILLEGAL, /%RETRY%g/],
  ];
  it.each(refusals)('refuses %s', async (_what, topic, fields, code, remark) => {
    const response = await target.send(topic, 'x', fields);
    expect(response.code).toBe(code);
    expect(response.remark).toMatch(remark);
    expect(response.extFields['MSG_REGION']).toBe('DefaultRegion');
  });

  it('names field and value when a request is malformed, and goes on serving', async () => {
    const request = createRequest(Requests.sendMessageV2, sendFields('orders'), Buffer.from('x'));
    request.extFields['e'] = 'seven';
    const response = await target.request(request);
    expect(response.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(response.remark).toMatch(/queueId.*seven/);
    expect((await target.send('orders', 'fine')).code).toBe(ResponseCode.SUCCESS);
  });

  it('sends a message that was consumed too often to the dead letters', async () => {
    const response = await target.send('%RETRY%g', 'poison', { reconsumeTimes: 3, maxReconsumeTimes: 2 });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    const dead = await target.pull('%DLQ%g');
    const message = decodeMessage(dead.body!);
    expect([message.body.toString(), message.properties['DELAY']]).toEqual(['poison', '-1']);
  });
});

describe('a broker that does not create topics', () => {
  it('refuses unknown topics and still makes retry topics', async () => {
    const target = await TestBroker.start({ autoCreateTopicEnable: false });
    try {
      expect((await target.send('orders', 'x')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect((await target.send('%RETRY%g', 'x')).code).toBe(ResponseCode.SUCCESS);
    } finally {
      await target.close();
    }
  });
});

describe('a broker with a body limit', () => {
  it('refuses a larger body and names the limit', async () => {
    const target = await TestBroker.start({ maxMessageSize: 1000 });
    try {
      expect((await target.send('orders', 'x'.repeat(1000))).code).toBe(ResponseCode.SUCCESS);
      const response = await target.send('orders', 'x'.repeat(1001));
      expect(response.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
      expect(response.remark).toMatch(/1000B/);
    } finally {
      await target.close();
    }
  });
});

describe('a topic with batch consume queues', () => {
  it('keeps a client batch together, and counts its messages', async () => {
    const target = await TestBroker.start();
    try {
      const created = await target.call(Requests.updateAndCreateTopic, {
        topic: 'batches',
        defaultTopic: 'TBW102',
        readQueueNums: 1,
        writeQueueNums: 1,
        perm: 6,
        topicFilterType: 'SINGLE_TAG',
        order: false,
        attributes: '+queue.type=BatchCQ',
      });
      expect([created.code, created.remark]).toEqual([ResponseCode.SUCCESS, null]);
      const batch = encodeBatchBody(
        ['a', 'b', 'c'].map((text) => ({ body: Buffer.from(text), flag: 0, properties: { TAGS: text } })),
      );
      const fields = { batch: true, properties: encodeProperties({ UNIQ_KEY: 'U1', POP_CK: 'faked' }) };
      const first = await target.call(Requests.sendBatchMessage, sendFields('batches', fields), batch);
      expect(first.code).toBe(ResponseCode.SUCCESS);
      expect(first.extFields).toMatchObject({ queueOffset: '0', batchUniqId: 'U1', transactionId: 'U1' });
      expect((await target.send('batches', 'd')).extFields['queueOffset']).toBe('3');

      // Java's client takes the batch apart; a pull from within it gets it whole.
      const [whole, single] = decodeMessages((await target.pull('batches', { queueOffset: 1 })).body!);
      expect(whole!.sysFlag & 0xc0).toBe(0xc0);
      expect(whole!.properties).toMatchObject({ INNER_NUM: '3', INNER_BASE: '0', CLUSTER: 'DefaultCluster' });
      expect(whole!.properties).not.toHaveProperty('POP_CK');
      expect(decodeBatchBody(whole!.body).map(({ body }) => body.toString())).toEqual(['a', 'b', 'c']);
      expect(single!.body.toString()).toBe('d');

      const unwanted = await target.send('orders', 'x', { properties: encodeProperties({ INNER_NUM: '3' }) });
      expect(unwanted.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    } finally {
      await target.close();
    }
  });
});
