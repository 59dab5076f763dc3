import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  decodeMessages,
  encodeProperties,
  parsePopCheckPoint,
  parsePopReceipt,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { PopClient, texts, until } from './pop-client.js';

/** Runs so many times as fast as the real one: returning takes the broker seconds. */
const SPEED = 8;
const begin = Date.now();
const clock = { now: () => begin + (Date.now() - begin) * SPEED };

let target: TestBroker;
let client: PopClient;
beforeEach(async () => {
  target = await TestBroker.start({ clock, reviveInterval: 20 });
  client = new PopClient(target);
});
afterEach(() => target.close());

/** Messages behind the last check point that is finished, in all revive queues. */
const offsetOf = async (topic: string, queueId: number, consumerGroup = 'consumers'): Promise<number> => {
  const answer = await target.call(Requests.queryConsumerOffset, { consumerGroup, topic, queueId });
  return Number(answer.extFields['offset'] ?? -1);
};

describe('a message that was popped and not acknowledged', () => {
  it('returns to its group with one attempt more, under its own topic, and can be acknowledged then', async () => {
    await client.send('a', 0, { TAGS: 'red', KEYS: 'k' });
    const [first] = await client.pop({ invisibleTime: 500 });
    const [again] = await client.take(1, 15_000, { invisibleTime: 500 });
    expect(again!.message).toMatchObject({ topic: 'orders', reconsumeTimes: 1 });
    expect(again!.message.properties).toMatchObject({ TAGS: 'red', KEYS: 'k', ORIGIN_GROUP: 'consumers' });
    expect(again!.message.properties['1ST_POP_TIME']).toBe(String(parsePopReceipt(first!.receipt).popTime));
    expect(parsePopReceipt(again!.receipt).kind).toBe('1');
    expect(await client.ack(again!)).toMatchObject({ code: ResponseCode.SUCCESS });
    const other = await client.request({ pollTime: 5_000 });
    expect(other.code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it.each([1, 2])(
    'returns through a retry topic of more than 127 bytes (form %i), which takes messages of version 2',
    async (form) => {
      await target.restart({ enableRetryTopicV2: form === 2 });
      const long = new PopClient(target, 't'.repeat(100), 'g'.repeat(60));
      await long.send('a');
      await long.pop({ invisibleTime: 500 });
      const [again] = await long.take(1, 15_000, { invisibleTime: 60_000 });
      expect(again!.message).toMatchObject({ topic: long.topic, reconsumeTimes: 1 });
      expect(await long.ack(again!)).toMatchObject({ code: ResponseCode.SUCCESS });
    },
  );

  it('returns alone when the others of its pop were acknowledged', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    const [a, , c] = await client.pop({ invisibleTime: 4_000 });
    await client.ack(a!);
    await client.ack(c!);
    expect(texts(await client.take(1))).toEqual(['b']);
  });

  it('returns again and again, counting, in the same retry queue', async () => {
    await client.send('a');
    await client.pop({ invisibleTime: 200 });
    const [second] = await client.take(1, 15_000, { invisibleTime: 200 });
    const [third] = await client.take(1, 15_000, { invisibleTime: 60_000 });
    expect(second!.message.reconsumeTimes).toBe(1);
    expect(third!.message.reconsumeTimes).toBe(2);
    const { body } = await target.pull('%RETRY%consumers_orders');
    expect(decodeMessages(body!)).toHaveLength(2);
  });

  it('returns although somebody wrote nonsense to the revive topic', async () => {
    const topic = 'rmq_sys_REVIVE_LOG_DefaultCluster';
    const point = { t: 'orders', c: 'consumers', q: 0, so: 0, pt: 1, it: 1, d: [], n: 2_000_000_000 };
    await target.send(topic, JSON.stringify(point), { properties: encodeProperties({ TAGS: 'ck' }) });
    await target.send(topic, JSON.stringify({ ...point, n: 2, d: [0] }), {
      properties: encodeProperties({ TAGS: 'ck' }),
    });
    await target.send(topic, '{', { properties: encodeProperties({ TAGS: 'ack' }) });
    await client.send('a');
    await client.pop({ invisibleTime: 200 });
    expect(texts(await client.take(1))).toEqual(['a']);
  });

  it('goes to retry topics named the new way when that is wanted', async () => {
    await target.restart({ enableRetryTopicV2: true, retrieveMessageFromPopRetryTopicV1: false });
    await client.send('a');
    await client.pop({ invisibleTime: 200 });
    const [again] = await client.take(1);
    expect(parsePopReceipt(again!.receipt).kind).toBe('2');
    expect(await client.ack(again!)).toMatchObject({ code: ResponseCode.SUCCESS });
  });

  it('keeps its body, compressed or not, and what it was delayed by counts once', async () => {
    await target.restart({ messageDelayLevel: '1s 1h' });
    await client.send('a', 0, { DELAY: '1' });
    const [first] = await client.take(1, 15_000, { invisibleTime: 200 });
    expect(first!.message.properties['DELAY']).toBe('1');
    const [again] = await client.take(1);
    expect(again!.text).toBe('a');
  });

  it('goes to a retry queue of its own queue when that is wanted', async () => {
    await target.restart({ useSeparateRetryQueue: true });
    for (const [queueId, text] of ['a', 'b', 'c'].entries()) await client.send(text, queueId);
    await client.pop({ invisibleTime: 200 });
    for (const { text, message } of await client.take(3)) expect(message.queueId).toBe('abc'.indexOf(text));
  });

  it('comes before newer messages as often as popFromRetryProbability says', async () => {
    await target.restart({ popFromRetryProbability: 100 });
    await client.send('a');
    await client.pop({ invisibleTime: 200 });
    await client.take(1, 15_000, { invisibleTime: 200, maxMsgNums: 1 });
    await client.send('b');
    await until(async () => (await target.pull('%RETRY%consumers_orders', { queueOffset: 1 })).body !== null);
    expect(texts(await client.pop({ maxMsgNums: 1 }))).toEqual(['a']);
  });

  it('is tried again 10 s later when its return fails', async () => {
    // The longest properties that fit: no room is left for what the broker adds on the way back.
    let length = 32_767;
    const fits = () =>
      client.send('a', 0, { filling: 'x'.repeat(length) }).then(
        () => true,
        () => false,
      );
    while (!(await fits())) length -= 10;
    await client.pop({ invisibleTime: 200 });
    await until(async () => (await target.pull('rmq_sys_wheel_timer')).body !== null);
    const { body } = await target.pull('rmq_sys_wheel_timer');
    const [point] = decodeMessages(body!).map((message) => parsePopCheckPoint(message.body));
    expect(point).toMatchObject({ t: 'orders', so: 0, n: 1, d: [0], it: 10_200, rp: '1' });
  });

  it('returns after a restart, and what was acknowledged does not', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    const [, b] = await client.pop({ invisibleTime: 4_000 });
    await client.ack(b!);
    await target.restart();
    const back = await client.take(2);
    expect(texts(back).sort()).toEqual(['a', 'c']);
    for (const popped of back) await client.ack(popped);
    expect((await client.request({ pollTime: 3_000 })).code).toBe(ResponseCode.POLLING_TIMEOUT);
  });
});

describe('a message that was acknowledged', () => {
  it('does not return, and its check point is finished', async () => {
    await client.send('a');
    const [a] = await client.pop({ invisibleTime: 4_000 });
    expect(await client.ack(a!)).toMatchObject({ code: ResponseCode.SUCCESS });
    expect((await client.request({ pollTime: 10_000 })).code).toBe(ResponseCode.POLLING_TIMEOUT);
    const { reviveQueueId } = parsePopReceipt(a!.receipt);
    expect(await offsetOf('rmq_sys_REVIVE_LOG_DefaultCluster', reviveQueueId, 'CID_RMQ_SYS_REVIVE_GROUP')).toBe(0);
  });

  it('in a batch does not, either', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    const [a, b, c] = await client.pop({ invisibleTime: 4_000 });
    expect(await client.batchAck([a!, c!])).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(texts(await client.take(1))).toEqual(['b']);
    expect(b!.text).toBe('b');
    expect((await client.request({ pollTime: 1_000 })).code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it.each([
    ['a topic that is not there', { topic: 'none' }, ResponseCode.TOPIC_NOT_EXIST],
    ['a queue that is not there', { queueId: 9 }, ResponseCode.MESSAGE_ILLEGAL],
    ['an offset that is not there', { offset: 17 }, ResponseCode.NO_MESSAGE],
    ['a receipt that is none', { extraInfo: 'x' }, ResponseCode.SYSTEM_ERROR],
    ['a revive queue that is not there', { extraInfo: '0 1 1 77 0 broker-a 0' }, ResponseCode.INVALID_PARAMETER],
  ])('with %s is refused', async (_what, changes, code) => {
    await client.send('a');
    const [a] = await client.pop();
    expect(await client.ack(a!, changes)).toMatchObject({ code });
  });

  it('in an empty batch is refused', async () => {
    expect(await target.call(Requests.batchAckMessage, {})).toMatchObject({ code: ResponseCode.NO_MESSAGE });
  });
});

describe('CHANGE_MESSAGE_INVISIBLETIME', () => {
  it('lets a message return sooner', async () => {
    await client.send('a');
    const [a] = await client.pop({ invisibleTime: 600_000 });
    const answer = await client.changeInvisible(a!, 200);
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { invisibleTime: '200' } });
    expect(texts(await client.take(1))).toEqual(['a']);
  });

  it('lets a message return without counting the attempt', async () => {
    await client.send('a');
    const [a] = await client.pop({ invisibleTime: 600_000 });
    await client.changeInvisible(a!, 200, true);
    const [again] = await client.take(1);
    expect(again!.message.reconsumeTimes).toBe(0);
  });

  it('lets a message return later, once, and the new receipt acknowledges it', async () => {
    await client.send('a');
    await client.send('b', 1);
    const popped = await client.pop({ invisibleTime: 4_000 });
    const renewed = [];
    for (const each of popped) {
      const { extFields } = await client.changeInvisible(each, 60_000);
      const { startOffset, kind, brokerName, queueId, queueOffset } = parsePopReceipt(each.receipt);
      expect(startOffset).toBe(0);
      const { popTime, invisibleTime, reviveQid } = extFields;
      const receipt = `${queueOffset} ${popTime} ${invisibleTime} ${reviveQid} ${kind} ${brokerName} ${queueId}`;
      renewed.push({ ...each, receipt });
    }
    expect((await client.request({ pollTime: 10_000 })).code).toBe(ResponseCode.POLLING_TIMEOUT);
    for (const each of renewed) expect(await client.ack(each)).toMatchObject({ code: ResponseCode.SUCCESS });
  });

  it('for a message that is not there is refused', async () => {
    await client.send('a');
    const [a] = await client.pop();
    const message = { ...a!.message, queueOffset: 5 };
    expect(await client.changeInvisible({ ...a!, message }, 1_000)).toMatchObject({ code: ResponseCode.NO_MESSAGE });
  });
});

describe('with enablePopBufferMerge', () => {
  beforeEach(() => target.restart({ enablePopBufferMerge: true, popCkStayBufferTime: 20_000 }));

  it('what is acknowledged in time is never written', async () => {
    for (const text of ['a', 'b']) await client.send(text);
    for (const popped of await client.pop()) await client.ack(popped);
    expect(await offsetOf('orders', 0)).toBe(2);
    expect((await target.pull('rmq_sys_wheel_timer')).body).toBeNull();
  });

  it('the offset of the group waits for what is not acknowledged, and the next pop does not', async () => {
    for (const text of ['a', 'b']) await client.send(text);
    await client.pop({ maxMsgNums: 1 });
    const [b] = await client.pop();
    expect(b!.text).toBe('b');
    await client.ack(b!);
    expect(await offsetOf('orders', 0)).toBe(0);
  });

  it('what is not acknowledged is written at stop with the acknowledgements that came', async () => {
    for (const text of ['a', 'b', 'c']) await client.send(text);
    const [, b] = await client.pop({ invisibleTime: 12_000 });
    await client.ack(b!);
    await target.restart();
    expect(await offsetOf('orders', 0)).toBe(3);
    expect(texts(await client.take(2, 20_000)).sort()).toEqual(['a', 'c']);
  });
});
