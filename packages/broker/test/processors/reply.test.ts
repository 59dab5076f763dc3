import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createResponse,
  type DecodedCommand,
  decodeMessages,
  encodeHeartbeat,
  encodeProperties,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { sendFields, TestBroker } from '../harness.js';

const REPLY_TOPIC = 'DefaultCluster_REPLY_TOPIC';

describe('a reply', () => {
  let target: TestBroker;
  let pushed: DecodedCommand[];
  let accept = true;
  beforeEach(async () => {
    pushed = [];
    accept = true;
    const processors = new Map([
      [
        RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
        (request: DecodedCommand) => {
          pushed.push(request);
          return createResponse(request, accept ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR, 'not mine');
        },
      ],
    ]);
    target = await TestBroker.start({}, processors);
    await target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({ clientID: 'asker', producerDataSet: [{ groupName: 'askers' }], consumerDataSet: [] }),
    );
  });
  afterEach(() => target.close());

  const reply = (properties: Record<string, string>, topic = REPLY_TOPIC) =>
    target.call(
      Requests.sendReplyMessageV2,
      sendFields(topic, { properties: encodeProperties(properties) }),
      Buffer.from('forty-two'),
    );

  it('reaches the client that asked, and is kept', async () => {
    const response = await reply({ REPLY_TO_CLIENT: 'asker', CORRELATION_ID: 'c-1', UNIQ_KEY: 'U1' });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(response.extFields).toMatchObject({ queueId: '0', queueOffset: '0', MSG_REGION: 'DefaultRegion' });
    expect(response.extFields['msgId']).toMatch(/^[0-9A-F]{32}$/);
    expect(pushed).toHaveLength(1);
    expect(pushed[0]!.body!.toString()).toBe('forty-two');
    expect(pushed[0]!.extFields).toMatchObject({ topic: REPLY_TOPIC, producerGroup: 'producers', unitMode: 'false' });
    expect(pushed[0]!.extFields['bornHost']).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(pushed[0]!.extFields['storeHost']).toBe(target.address);
    expect(pushed[0]!.extFields['properties']).toMatch(/CORRELATION_ID.c-1.*PUSH_REPLY_TIME/);
    const kept = decodeMessages((await target.pull(REPLY_TOPIC)).body!);
    expect(kept.map(({ body, properties }) => [body.toString(), properties['CORRELATION_ID']])).toEqual([
      ['forty-two', 'c-1'],
    ]);
  });

  it('is refused when nobody asked, or the one who did is gone or does not want it', async () => {
    const unaddressed = await reply({});
    expect([unaddressed.code, unaddressed.remark]).toEqual([
      ResponseCode.SYSTEM_ERROR,
      'reply message properties[REPLY_TO_CLIENT] is null',
    ]);
    expect((await reply({ REPLY_TO_CLIENT: 'nobody' })).remark).toMatch(/channel of <nobody> not found/);
    accept = false;
    expect((await reply({ REPLY_TO_CLIENT: 'asker' })).remark).toMatch(/push reply message to asker fail/);
    await target.call(Requests.unregisterClient, { clientID: 'asker', producerGroup: 'askers' });
    expect((await reply({ REPLY_TO_CLIENT: 'asker' })).remark).toMatch(/channel of <asker> not found/);
  });

  it('passes the same checks as a message', async () => {
    const properties = { REPLY_TO_CLIENT: 'asker' };
    expect((await reply(properties, 'SCHEDULE_TOPIC_XXXX')).code).toBe(ResponseCode.NO_PERMISSION);
    expect((await reply(properties, 'a b')).code).toBe(ResponseCode.INVALID_PARAMETER);
    expect(pushed).toEqual([]);
  });

  it('is not kept with storeReplyMessageEnable=false', async () => {
    await target.restart({ storeReplyMessageEnable: false });
    await target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({ clientID: 'asker', producerDataSet: [{ groupName: 'askers' }], consumerDataSet: [] }),
    );
    const response = await reply({ REPLY_TO_CLIENT: 'asker' });
    expect(response.extFields).toMatchObject({ msgId: '0', queueOffset: '0' });
    expect((await target.pull(REPLY_TOPIC)).code).toBe(ResponseCode.PULL_NOT_FOUND);
  });
});
