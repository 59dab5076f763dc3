import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  createResponse,
  encodeConsumerRunningInfo,
  encodeProperties,
  parseSubscription,
  type RemotingCommand,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { bodies, pullFields, TestBroker } from './harness.js';
import { TestConsumer } from './test-consumer.js';

describe('a pull with a newer subscription than the last heartbeat', () => {
  let target: TestBroker;
  let consumer: TestConsumer | undefined;
  let questions: number;

  beforeEach(async () => {
    target = await TestBroker.start({ enablePropertyFilter: true });
    questions = 0;
    for (const tag of ['a', 'c']) await target.send('orders', tag, { properties: encodeProperties({ TAGS: tag }) });
  });
  afterEach(async () => {
    await consumer?.close();
    await target.close();
  });

  /** Its heartbeat said `a || b`, version 1. */
  const join = async (answer: (request: RemotingCommand) => RemotingCommand): Promise<void> => {
    consumer = await TestConsumer.join(target, 'group', ['orders'], {
      answers: {
        [RequestCode.GET_CONSUMER_RUNNING_INFO]: (request) => {
          questions++;
          return answer(request);
        },
      },
    });
  };
  const runningInfo = (expression: string, type: string, version: number) => (request: RemotingCommand) =>
    createResponse(
      request,
      ResponseCode.SUCCESS,
      null,
      {},
      encodeConsumerRunningInfo({
        properties: {},
        subscriptionSet: [parseSubscription('orders', expression, type, version)],
        mqTable: [],
        mqPopTable: [],
        statusTable: {},
        userConsumerInfo: {},
        jstack: undefined,
      }),
    );
  const pull = (subVersion: number, expressionType = 'TAG') =>
    consumer!.call(
      createRequest(
        Requests.pullMessage,
        pullFields('orders', { consumerGroup: 'group', sysFlag: 0, subVersion, expressionType }),
      ),
    );

  it('is answered by the subscription that the consumer has, when it is asked', async () => {
    await join(runningInfo('c', 'TAG', 2));
    expect(bodies((await pull(1)).body)).toEqual(['a']);
    expect(questions).toBe(0);
    expect(bodies((await pull(2)).body)).toEqual(['c']);
    expect(bodies((await pull(2)).body)).toEqual(['c']);
    expect(questions).toBe(1);
  });

  it('asks once for pulls that come together', async () => {
    await join(runningInfo('*', 'TAG', 2));
    const answers = await Promise.all([pull(2), pull(2), pull(2)]);
    expect(answers.map(({ body }) => bodies(body))).toEqual(Array(3).fill(['a', 'c']));
    expect(questions).toBe(1);
  });

  it('learns an expression of SQL92, too', async () => {
    await join(runningInfo("TAGS = 'c'", 'SQL92', 2));
    expect(bodies((await pull(2, 'SQL92')).body)).toEqual(['c']);
  });

  it('is refused when the consumer has no newer one, does not tell, or tells nonsense', async () => {
    await join(runningInfo('*', 'TAG', 2));
    expect((await pull(3)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
    await consumer?.close();
    for (const answer of [
      (request: RemotingCommand) => createResponse(request, ResponseCode.SYSTEM_ERROR, 'not today'),
      (request: RemotingCommand) => createResponse(request, ResponseCode.SUCCESS, null, {}, Buffer.from('no JSON')),
      (request: RemotingCommand) => createResponse(request, ResponseCode.SUCCESS, null, {}, Buffer.from('{}')),
    ]) {
      await join(answer);
      expect((await pull(3)).code).toBe(ResponseCode.SUBSCRIPTION_NOT_LATEST);
      await consumer?.close();
    }
    expect(questions).toBe(4);
  });
});
