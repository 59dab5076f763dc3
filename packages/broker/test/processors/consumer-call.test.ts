import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createResponse,
  decodeMessage,
  encodeGetConsumerStatusBody,
  parseGetConsumerStatusBody,
  type RemotingCommand,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Processor } from '@rocketnest/remoting';
import { TestBroker } from '../harness.js';
import { TestConsumer } from '../test-consumer.js';

describe('calls to consumers', () => {
  let target: TestBroker;
  const consumers: TestConsumer[] = [];
  const join = async (clientId: string, answers: Readonly<Record<number, Processor>>, version?: number) => {
    const settings = { clientId, answers, ...(version !== undefined && { version }) };
    consumers.push(await TestConsumer.join(target, 'group', ['orders'], settings));
  };
  const runningInfo = (clientId: string) =>
    target.call(Requests.getConsumerRunningInfo, { consumerGroup: 'group', clientId, jstackEnable: true });
  beforeEach(async () => {
    target = await TestBroker.start();
  });
  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await consumer.close();
    await target.close();
  });

  it('reach the consumer that is meant, and its answer comes back', async () => {
    for (const clientId of ['one', 'two']) {
      await join(clientId, {
        [RequestCode.GET_CONSUMER_RUNNING_INFO]: (request) =>
          createResponse(
            request,
            ResponseCode.SUCCESS,
            null,
            {},
            Buffer.from(`${clientId} ${request.extFields['jstackEnable']}`),
          ),
      });
    }
    expect((await runningInfo('two')).body?.toString()).toBe('two true');
    expect((await runningInfo('one')).body?.toString()).toBe('one true');
  });

  it('pass on refusals', async () => {
    await join('one', {
      [RequestCode.GET_CONSUMER_RUNNING_INFO]: (request) => createResponse(request, 99, 'not today'),
    });
    expect(await runningInfo('one')).toMatchObject({ code: 99, remark: 'not today' });
  });

  it('are refused for consumers that are not there, or too old, or leave', async () => {
    expect(await runningInfo('one')).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'The Consumer <group> <one> not online',
    });
    await join('old', {}, 61);
    expect((await runningInfo('old')).remark).toBe(
      'The Consumer <old> Version <V3_1_7> too low to finish, please upgrade it to V3_1_8_SNAPSHOT',
    );
    await join('leaving', {
      [RequestCode.GET_CONSUMER_RUNNING_INFO]: (_request, connection) => void connection.close(),
    });
    const left = await runningInfo('leaving');
    expect(left.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(left.remark).toMatch(/^invoke consumer <group> <leaving> Exception: /);
  });

  it('carry the stored message to consume it directly', async () => {
    const sent = await target.send('orders', 'special');
    const seen: RemotingCommand[] = [];
    await join('one', {
      [RequestCode.CONSUME_MESSAGE_DIRECTLY]: (request) => {
        seen.push(request);
        return createResponse(request, ResponseCode.SUCCESS, null, {}, Buffer.from('{}'));
      },
    });
    const fields = { consumerGroup: 'group', clientId: 'one', topic: 'orders' };
    const response = await target.call(Requests.consumeMessageDirectly, { ...fields, msgId: sent.extFields['msgId']! });
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(decodeMessage(seen[0]!.body as Buffer).body.toString()).toBe('special');
    expect(seen[0]!.extFields).toMatchObject({ brokerName: 'broker-a', topicSysFlag: '0', groupSysFlag: '0' });
  });

  it('do not consume what is not a message here', async () => {
    const fields = { consumerGroup: 'group', clientId: 'one', topic: 'orders' };
    const nowhere = await target.call(Requests.consumeMessageDirectly, {
      ...fields,
      msgId: '7F00000100002A9F00000000000F4240',
    });
    expect(nowhere.remark).toBe('can not find message by the offset, 1000000');
    for (const msgId of ['nonsense', undefined]) {
      const refused = await target.call(Requests.consumeMessageDirectly, { ...fields, msgId });
      expect(refused.code).toBe(ResponseCode.SYSTEM_ERROR);
      expect(refused.remark).toMatch(/offset message id/);
    }
  });

  it('collect where the consumers of a group are, leaving out those that do not say', async () => {
    const at = (offset: number): Processor => {
      return (request) => {
        const queue = { topic: request.extFields['topic']!, brokerName: 'broker-a', queueId: 0 };
        const body = encodeGetConsumerStatusBody({ messageQueueTable: [{ queue, offset }] });
        return createResponse(request, ResponseCode.SUCCESS, null, {}, body);
      };
    };
    const status = (clientAddr?: string) =>
      target.call(Requests.invokeBrokerToGetConsumerStatus, { topic: 'orders', group: 'group', clientAddr });
    expect(await status()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'No Any Consumer online in the consumer group: [group]',
    });
    await join('one', { [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT]: at(1) });
    await join('two', { [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT]: at(2) });
    await join('three', {
      [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT]: (request) =>
        createResponse(request, ResponseCode.SYSTEM_ERROR, ''),
    });
    const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };
    expect(parseGetConsumerStatusBody((await status()).body!).consumerTable).toEqual({
      one: [{ queue, offset: 1 }],
      two: [{ queue, offset: 2 }],
    });
    expect(parseGetConsumerStatusBody((await status('two')).body!).consumerTable).toEqual({
      two: [{ queue, offset: 2 }],
    });
  });
});
