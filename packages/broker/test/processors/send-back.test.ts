import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  decodeMessage,
  decodeOffsetMsgId,
  encodeProperties,
  encodeSubscriptionGroupConfig,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';

describe('a message that could not be consumed', () => {
  let target: TestBroker;
  beforeEach(async () => {
    // Retries wait for level 3 and up: let them be short.
    target = await TestBroker.start({ messageDelayLevel: '1s 1s 1s 1s' });
  });
  afterEach(() => target.close());

  const sent = async (): Promise<string> => {
    const response = await target.send('orders', 'poison', {
      properties: encodeProperties({ UNIQ_KEY: 'U1', TAGS: 't' }),
    });
    return response.extFields['msgId']!;
  };
  const sendBack = (msgId: string, fields: { delayLevel?: number; maxReconsumeTimes?: number; group?: string } = {}) =>
    target.call(Requests.consumerSendMsgBack, {
      offset: decodeOffsetMsgId(msgId).commitLogOffset,
      group: 'consumers',
      delayLevel: 0,
      originMsgId: 'U1',
      originTopic: 'orders',
      maxReconsumeTimes: 16,
      ...fields,
    });

  it('waits in the schedule topic for its retry, one level longer each time', async () => {
    expect((await sendBack(await sent())).code).toBe(ResponseCode.SUCCESS);
    const waiting = await target.pull('SCHEDULE_TOPIC_XXXX', { queueId: 2 });
    const message = decodeMessage(waiting.body!);
    expect(message.reconsumeTimes).toBe(1);
    expect(message.properties).toMatchObject({
      DELAY: '3',
      REAL_TOPIC: '%RETRY%consumers',
      RETRY_TOPIC: 'orders',
      ORIGIN_MESSAGE_ID: expect.stringMatching(/^7F000001/),
      TAGS: 't',
      UNIQ_KEY: 'U1',
    });
  });

  it('comes back in the retry topic', async () => {
    await sendBack(await sent(), { delayLevel: 1 });
    const retried = await target.pull('%RETRY%consumers', {}, 10_000);
    const message = decodeMessage(retried.body!);
    expect(message.body.toString()).toBe('poison');
    expect(message.reconsumeTimes).toBe(1);
    expect(message.properties['RETRY_TOPIC']).toBe('orders');
  });

  it.each([
    ['its limit is reached', { maxReconsumeTimes: 0 }],
    ['the consumer gives it up', { delayLevel: -1 }],
  ])('goes to the dead letters when %s', async (_why, fields) => {
    expect((await sendBack(await sent(), fields)).code).toBe(ResponseCode.SUCCESS);
    const dead = decodeMessage((await target.pull('%DLQ%consumers')).body!);
    expect(dead.body.toString()).toBe('poison');
    expect(dead.properties['RETRY_TOPIC']).toBe('orders');
  });

  it('is dropped when the group has no retry queues', async () => {
    await target.call(
      Requests.updateAndCreateSubscriptiongroup,
      {},
      encodeSubscriptionGroupConfig({ groupName: 'consumers', retryQueueNums: 0 }),
    );
    expect((await sendBack(await sent())).code).toBe(ResponseCode.SUCCESS);
    const stats = await target.call(Requests.getMaxOffset, { topic: 'SCHEDULE_TOPIC_XXXX', queueId: 2 });
    expect(stats.extFields['offset']).toBe('0');
  });

  it('is refused when it is not there', async () => {
    await sent();
    const response = await target.call(Requests.consumerSendMsgBack, {
      offset: 12_345_678,
      group: 'consumers',
      delayLevel: 0,
    });
    expect(response.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(response.remark).toMatch(/12345678/);
  });

  it('is refused for a group that cannot exist', async () => {
    const response = await sendBack(await sent(), { group: 'no such group' });
    expect(response.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });
});
