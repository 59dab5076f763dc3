import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRequest, encodeHeartbeat, encodeProperties, Requests, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { bodies, pullFields, TestBroker } from '../harness.js';

describe('pulling', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(() => target.close());

  it('answers messages from an offset on, with the next offset and the bounds of the queue', async () => {
    for (const text of ['a', 'b', 'c']) await target.send('orders', text);
    const response = await target.pull('orders', { queueOffset: 1 });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(response.remark).toBe('FOUND');
    expect(bodies(response.body)).toEqual(['b', 'c']);
    expect(response.extFields).toMatchObject({
      nextBeginOffset: '3',
      minOffset: '0',
      maxOffset: '3',
      suggestWhichBrokerId: '0',
      topicSysFlag: '0',
      groupSysFlag: '0',
    });
  });

  it('answers at most as many messages as asked for', async () => {
    for (const text of ['a', 'b', 'c']) await target.send('orders', text);
    expect(bodies((await target.pull('orders', { maxMsgNums: 2 })).body)).toEqual(['a', 'b']);
  });

  it('filters by the hash of the tag', async () => {
    for (const tag of ['red', 'blue', 'red']) {
      await target.send('orders', tag, { properties: encodeProperties({ TAGS: tag }) });
    }
    expect(bodies((await target.pull('orders', { subscription: 'blue' })).body)).toEqual(['blue']);
    expect(bodies((await target.pull('orders', { subscription: 'red || blue' })).body)).toEqual(['red', 'blue', 'red']);
    const none = await target.pull('orders', { subscription: 'green' });
    expect(none.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(none.extFields['nextBeginOffset']).toBe('3');
  });

  it('answers at once when nothing is there and the client does not wait', async () => {
    await target.send('orders', 'a');
    const response = await target.pull('orders', { queueOffset: 1 });
    expect(response.code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it('holds a pull until a message arrives', async () => {
    await target.send('orders', 'old');
    const held = target.pull('orders', { queueOffset: 1 }, 60_000);
    // Requests of one connection are handled in order: once this is answered, the pull is held.
    await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    await target.send('orders', 'new');
    expect(bodies((await held).body)).toEqual(['new']);
  });

  it('holds a pull of an empty queue', async () => {
    await target.send('orders', 'elsewhere', { queueId: 1 });
    const held = target.pull('orders', {}, 60_000);
    await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    await target.send('orders', 'here');
    expect(bodies((await held).body)).toEqual(['here']);
  });

  it('does not wake a held pull for a tag it does not want', async () => {
    await target.send('orders', 'old');
    const held = target.pull('orders', { queueOffset: 1, subscription: 'blue' }, 60_000);
    await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    await target.send('orders', 'red', { properties: encodeProperties({ TAGS: 'red' }) });
    await target.send('orders', 'blue', { properties: encodeProperties({ TAGS: 'blue' }) });
    const response = await held;
    expect(bodies(response.body)).toEqual(['blue']);
  });

  it('answers held pulls when the broker closes', async () => {
    await target.send('orders', 'old');
    const held = target.pull('orders', { queueOffset: 1 }, 60_000);
    await target.call(Requests.getMaxOffset, { topic: 'orders', queueId: 0 });
    await target.broker.close();
    expect((await held).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });

  it.each([
    ['beyond the end', 7, '1'],
    ['far beyond the end', 1_000_000, '1'],
  ])('corrects an offset %s', async (_what, queueOffset, next) => {
    await target.send('orders', 'a');
    const response = await target.pull('orders', { queueOffset });
    expect(response.code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect(response.extFields['nextBeginOffset']).toBe(next);
  });

  it('commits the offset that a pull carries', async () => {
    await target.send('orders', 'a');
    await target.pull('orders', { sysFlag: 4 | 1, commitOffset: 1 });
    const response = await target.call(Requests.queryConsumerOffset, {
      consumerGroup: 'consumers',
      topic: 'orders',
      queueId: 0,
    });
    expect(response.extFields['offset']).toBe('1');
  });

  it.each([
    ['an unknown topic', 'nowhere', {}, ResponseCode.TOPIC_NOT_EXIST, /nowhere/],
    ['a queue that is not there', 'orders', { queueId: 44 }, ResponseCode.INVALID_PARAMETER, /queueId\[44\]/],
    [
      'a group name with illegal characters',
      'orders',
      { consumerGroup: 'a b' },
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      /a b/,
    ],
    [
      'a group without heartbeat or subscription',
      'orders',
      { sysFlag: 0 },
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      /group info/,
    ],
    [
      'SQL92 while enablePropertyFilter is off',
      'orders',
      { expressionType: 'SQL92', subscription: 'a > 1' },
      ResponseCode.SYSTEM_ERROR,
      /does not support.*SQL92/,
    ],
  ] as const)('refuses %s', async (_what, topic, fields, code, remark) => {
    await target.send('orders', 'a');
    const response = await target.pull(topic, fields);
    expect(response.code).toBe(code);
    expect(response.remark).toMatch(remark);
  });

  it('uses the subscription of the heartbeat and refuses an outdated one', async () => {
    await target.send('orders', 'a', { properties: encodeProperties({ TAGS: 'x' }) });
    await target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({
        clientID: 'c1',
        producerDataSet: [],
        consumerDataSet: [
          {
            groupName: 'consumers',
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
            consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
            subscriptionDataSet: [
              {
                classFilterMode: false,
                topic: 'orders',
                subString: '*',
                tagsSet: [],
                codeSet: [],
                subVersion: 100,
                expressionType: 'TAG',
              },
            ],
            unitMode: false,
          },
        ],
      }),
    );
    const found = await target.pull('orders', { sysFlag: 0, subVersion: 100 });
    expect(bodies(found.body)).toEqual(['a']);
    const outdated = await target.pull('orders', { sysFlag: 0, subVersion: 101 });
    expect(outdated.code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
    const other = await target.pull('%RETRY%consumers', { sysFlag: 0 });
    expect(other.code).toBe(ResponseCode.SUBSCRIPTION_NOT_EXIST);
  });

  it('serves others while one client sends garbage', async () => {
    const { connect } = await import('node:net');
    const [host, port] = target.address.split(':');
    const rogue = connect(Number(port), host);
    await new Promise((resolve) => rogue.once('connect', resolve));
    rogue.on('error', () => undefined);
    const gone = new Promise((resolve) => rogue.once('close', resolve));
    rogue.write(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await gone;
    expect((await target.send('orders', 'fine')).code).toBe(ResponseCode.SUCCESS);
  });

  it('forgets a held pull whose client went away', async () => {
    await target.send('orders', 'old');
    const other = new RemotingClient();
    const held = other.request(
      target.address,
      createRequest(Requests.pullMessage, pullFields('orders', { queueOffset: 1 }, 60_000)),
    );
    const lost = expect(held).rejects.toThrow();
    await other.request(target.address, createRequest(Requests.getMaxOffset, { topic: 'orders', queueId: 0 }));
    await other.close();
    await lost;
    expect((await target.send('orders', 'new')).code).toBe(ResponseCode.SUCCESS);
    expect(bodies((await target.pull('orders', { queueOffset: 1 })).body)).toEqual(['new']);
  });
});
