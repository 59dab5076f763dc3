import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createResponse,
  decodeProperties,
  encodeLockBatchResponse,
  PropertyName,
  parseCheckClientRequest,
  parseHeartbeat,
  parseLockBatchRequest,
  RequestCode,
  ResponseCode,
  retryTopic,
} from '@rocketnest/protocol';
import { PushConsumer, type PushConsumerOptions } from '../../src/consumer/index.js';
import type { MessageHandler } from '../../src/consumer/outcome.js';
import { ok, pullHeader, refuse, ScriptedBroker } from './scripted-broker.js';
import { bodyOf, LogKeeper, range, until } from './testbed.js';

describe('a consumer whose broker misbehaves', () => {
  let broker: ScriptedBroker;
  let consumers: PushConsumer[];
  beforeEach(async () => {
    broker = await ScriptedBroker.start();
    consumers = [];
  });
  afterEach(async () => {
    for (const consumer of consumers) await consumer.close();
    await broker.close();
  });

  async function start(options: Partial<PushConsumerOptions>, handler: MessageHandler): Promise<PushConsumer> {
    const consumer = new PushConsumer({
      namesrvAddr: broker.peer.address,
      group: 'g',
      consumeFrom: 'FIRST_OFFSET',
      pullRetryDelayMs: 50,
      shutdownTimeoutMs: 1_000,
      requestTimeoutMs: 500,
      ...options,
    });
    consumers.push(consumer);
    await consumer.subscribe('T').listen(handler).start();
    return consumer;
  }

  const pullsOf = (topic: string) =>
    broker.received(RequestCode.PULL_MESSAGE).filter((pull) => pull.extFields['topic'] === topic);

  const sendAnswer = { msgId: 'x', queueId: '0', queueOffset: '0' };

  it('sends a failed message anew to the retry topic when its broker cannot take it back', async () => {
    broker.append('m0');
    broker.answers.set(RequestCode.CONSUMER_SEND_MSG_BACK, refuse(ResponseCode.SYSTEM_ERROR));
    broker.answers.set(RequestCode.SEND_MESSAGE_V2, (request) => ok(request, sendAnswer));
    const consumer = await start({}, () => {
      throw new Error('fails');
    });
    await until(() => broker.received(RequestCode.SEND_MESSAGE_V2).length === 1, 'the message is sent');
    const [back] = broker.received(RequestCode.CONSUMER_SEND_MSG_BACK);
    expect(back!.extFields).toMatchObject({
      group: 'g',
      offset: '0',
      delayLevel: '0',
      originMsgId: expect.any(String),
      originTopic: 'T',
      maxReconsumeTimes: '16',
    });
    const [sent] = broker.received(RequestCode.SEND_MESSAGE_V2);
    // Short names of SEND_MESSAGE_V2: b topic, j reconsumeTimes, l maxReconsumeTimes, i properties.
    expect(sent!.extFields).toMatchObject({ b: retryTopic('g'), j: '1', l: '16' });
    expect(decodeProperties(sent!.extFields['i']!)).toMatchObject({
      [PropertyName.RETRY_TOPIC]: 'T',
      [PropertyName.DELAY]: '3',
      [PropertyName.ORIGIN_MESSAGE_ID]: expect.any(String),
    });
    expect(sent!.body!.toString()).toBe('m0');
    await consumer.close();
    expect(broker.committed.get('T')).toBe(1);
  });

  it('keeps a message that nobody stores for its retry, does not commit past it, and handles it again after 5 s', async () => {
    broker.append('m0', 'm1');
    broker.answers.set(RequestCode.CONSUMER_SEND_MSG_BACK, refuse(ResponseCode.SYSTEM_ERROR));
    broker.answers.set(RequestCode.SEND_MESSAGE_V2, refuse(ResponseCode.SERVICE_NOT_AVAILABLE));
    const seen: string[] = [];
    const logger = new LogKeeper();
    const consumer = await start({ logger, persistConsumerOffsetIntervalMs: 50 }, ([message]) => {
      seen.push(`${bodyOf(message!)} ${message!.reconsumeTimes}`);
      if (bodyOf(message!) === 'm0' && message!.reconsumeTimes === 0) throw new Error('fails once');
    });
    await until(() => seen.length === 2, 'both are handled');
    await until(() => logger.of('error').some((line) => /kept here/.test(line.message)), 'the failure is logged');
    expect(broker.committed.get('T') ?? 0).toBe(0);
    await until(() => seen.length === 3, 'the first is handled again');
    expect(seen).toEqual(['m0 0', 'm1 0', 'm0 1']);
    await consumer.close();
    expect(broker.committed.get('T')).toBe(2);
  }, 20_000);

  it('pulls again soon when the broker asks for patience, and after the retry delay on other errors', async () => {
    broker.append('m0');
    const codes = [ResponseCode.FLOW_CONTROL, ResponseCode.SYSTEM_ERROR, ResponseCode.SUBSCRIPTION_NOT_EXIST];
    const usual = broker.answers.get(RequestCode.PULL_MESSAGE)!;
    broker.answers.set(RequestCode.PULL_MESSAGE, (request) => {
      const code = request.extFields['topic'] === 'T' ? codes.shift() : undefined;
      return code === undefined ? usual(request) : createResponse(request, code, 'not now');
    });
    const seen: string[] = [];
    await start({}, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 1, 'the message is handled');
    expect(codes).toEqual([]);
  });

  it('goes on where the broker says when its offset is no longer there', async () => {
    broker.append(...range(10));
    broker.committed.set('T', 500);
    const usual = broker.answers.get(RequestCode.PULL_MESSAGE)!;
    broker.answers.set(RequestCode.PULL_MESSAGE, (request) => {
      if (request.extFields['topic'] !== 'T' || Number(request.extFields['queueOffset']) <= 10) return usual(request);
      return createResponse(request, ResponseCode.PULL_OFFSET_MOVED, 'moved', pullHeader(7, 10));
    });
    const seen: string[] = [];
    const consumer = await start({}, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 3, 'what is left is handled');
    expect(seen).toEqual(['m7', 'm8', 'm9']);
    await consumer.close();
    expect(broker.committed.get('T')).toBe(10);
  });

  it('survives a cut connection without losing or skipping a message', async () => {
    broker.append(...range(3));
    const seen: string[] = [];
    await start({}, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 3, 'three are handled');
    broker.peer.disconnectAll();
    broker.append('after');
    await until(() => seen.includes('after'), 'pulling goes on');
    expect(seen).toEqual([...range(3), 'after']);
  });

  it('never guesses a start offset when the broker cannot tell it', async () => {
    broker.append(...range(3));
    broker.answers.set(RequestCode.QUERY_CONSUMER_OFFSET, refuse(ResponseCode.SYSTEM_ERROR));
    const consumer = await start({}, () => {});
    expect(consumer.assignment).toEqual([]);
    expect(broker.received(RequestCode.PULL_MESSAGE)).toEqual([]);
    broker.answers.set(RequestCode.QUERY_CONSUMER_OFFSET, (request) => ok(request, { offset: '2' }));
    await until(() => consumer.assignment.length === 2, 'the queues are taken over');
    await until(() => pullsOf('T').length > 0, 'the queue is pulled');
    expect(pullsOf('T')[0]!.extFields['queueOffset']).toBe('2');
  });

  it('consumes an ordered queue only once the broker grants its lock', async () => {
    broker.append('m0');
    const grant = broker.answers.get(RequestCode.LOCK_BATCH_MQ)!;
    broker.answers.set(RequestCode.LOCK_BATCH_MQ, (request) =>
      ok(request, {}, encodeLockBatchResponse({ lockOKMQSet: [] })),
    );
    const seen: string[] = [];
    const consumer = await start({ consumeMode: 'ORDERLY' }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    expect(consumer.assignment).toEqual([]);
    broker.answers.set(RequestCode.LOCK_BATCH_MQ, grant);
    await until(() => seen.length === 1, 'the message is handled');
    const [lock] = broker.received(RequestCode.LOCK_BATCH_MQ);
    expect(parseLockBatchRequest(lock!.body as Buffer)).toMatchObject({
      consumerGroup: 'g',
      clientId: consumer.instance.clientId,
      mqSet: [expect.objectContaining({ brokerName: 'b' })],
    });
    await consumer.close();
    expect(broker.received(RequestCode.UNLOCK_BATCH_MQ)).toHaveLength(1);
  });

  it('does not start with an SQL filter that the broker refuses', async () => {
    broker.answers.set(
      RequestCode.CHECK_CLIENT_CONFIG,
      refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, 'no such operator'),
    );
    const consumer = new PushConsumer({ namesrvAddr: broker.peer.address, group: 'g' });
    consumer.subscribe('T', { sql92: 'amount >' }).listen(() => {});
    await expect(consumer.start()).rejects.toThrow(/topic T with the SQL92 filter "amount >".*no such operator/);
    expect(parseCheckClientRequest(broker.received(RequestCode.CHECK_CLIENT_CONFIG)[0]!.body as Buffer)).toMatchObject({
      group: 'g',
      subscriptionData: { topic: 'T', expressionType: 'SQL92', subString: 'amount >' },
    });
    expect(consumer.instance.closed).toBe(true);
    expect(broker.received(RequestCode.HEART_BEAT)).toEqual([]);
  });

  it('tells brokers an SQL filter in heartbeat and pull', async () => {
    broker.append('m0');
    broker.answers.set(RequestCode.CHECK_CLIENT_CONFIG, (request) => ok(request));
    const seen: string[] = [];
    const consumer = new PushConsumer({ namesrvAddr: broker.peer.address, group: 'g', consumeFrom: 'FIRST_OFFSET' });
    consumers.push(consumer);
    consumer.subscribe('T', { sql92: 'amount > 1' }).listen(([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => seen.length === 1, 'the message is handled');
    expect(pullsOf('T')[0]!.extFields).toMatchObject({ expressionType: 'SQL92' });
    const { consumerDataSet } = parseHeartbeat(broker.received(RequestCode.HEART_BEAT)[0]!.body as Buffer);
    expect(consumerDataSet[0]!.subscriptionDataSet).toContainEqual(
      expect.objectContaining({ topic: 'T', expressionType: 'SQL92', subString: 'amount > 1' }),
    );
  });

  it('commits with the next pull what was consumed', async () => {
    broker.append(...range(3));
    const seen: string[] = [];
    await start({}, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 3, 'three are handled');
    broker.append('m3');
    broker.peer.disconnectAll();
    await until(() => seen.length === 4, 'the fourth is handled');
    const pulls = pullsOf('T');
    expect(pulls[0]!.extFields).toMatchObject({ sysFlag: '2', commitOffset: '0', suspendTimeoutMillis: '15000' });
    const later = pulls.find((pull) => pull.extFields['commitOffset'] === '3');
    expect(later?.extFields).toMatchObject({ sysFlag: '3', queueOffset: '3' });
  });
});
