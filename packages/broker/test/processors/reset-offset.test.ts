import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  type DecodedCommand,
  parseResetOffsetBody,
  parseResetOffsetBodyForC,
  RequestCode,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { TestConsumer } from '../test-consumer.js';

const queue = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };

let target: TestBroker;
const reset = (changes: Partial<RequestInput<typeof Requests.invokeBrokerToResetOffset>> = {}) =>
  target.call(Requests.invokeBrokerToResetOffset, {
    group: 'consumers',
    topic: 'orders',
    timestamp: 0,
    isForce: true,
    ...changes,
  });
const committed = async () => (await target.call(Requests.queryConsumerOffset, queue)).extFields['offset'];
const commit = (commitOffset: number) => target.call(Requests.updateConsumerOffset, { ...queue, commitOffset });
const offsetsIn = ({ body }: DecodedCommand) =>
  parseResetOffsetBody(body!).offsetTable.map(({ queue, offset }) => [queue.queueId, offset]);

async function start(useServerSideResetOffset: boolean): Promise<void> {
  target = await TestBroker.start({ useServerSideResetOffset });
  for (const text of ['a', 'b', 'c', 'd']) await target.send('orders', text);
  await target.pull('orders');
  await commit(3);
}

describe('offsets reset by the broker', () => {
  beforeEach(() => start(true));
  afterEach(() => target.close());

  it('are those of a time in all queues, whether anybody is connected or not', async () => {
    const response = await reset();
    expect(offsetsIn(response)).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    expect(await committed()).toBe('0');
  });

  it('are behind the last message for a negative time', async () => {
    expect(offsetsIn(await reset({ timestamp: -1, queueId: 0 }))).toEqual([[0, 4]]);
    expect(await committed()).toBe('4');
  });

  it('are one offset in one queue when both are given, as far as the queue reaches', async () => {
    expect(offsetsIn(await reset({ queueId: 0, offset: 2 }))).toEqual([[0, 2]]);
    expect(offsetsIn(await reset({ queueId: 0, offset: 5 }))).toEqual([[0, 5]]);
    const beyond = await reset({ queueId: 0, offset: 6 });
    expect(beyond).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'Target offset 6 not in consume queue range [0-4]',
    });
  });

  it('win over commits until the group has pulled, and are told once', async () => {
    await reset({ queueId: 0, offset: 1 });
    expect(await commit(4)).toMatchObject({
      code: ResponseCode.SUCCESS,
      remark: 'Offset has been previously reset',
    });
    expect(await committed()).toBe('1');
    const moved = await target.pull('orders', { queueOffset: 4 });
    expect(moved.code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect(moved.extFields['nextBeginOffset']).toBe('1');
    expect((await target.pull('orders', { queueOffset: 1 })).code).toBe(ResponseCode.SUCCESS);
    await commit(4);
    expect(await committed()).toBe('4');
  });

  it('are not undone by what the pull that learns of them commits', async () => {
    await reset({ queueId: 0, offset: 1 });
    const moved = await target.pull('orders', { queueOffset: 4, sysFlag: 5, commitOffset: 4 });
    expect(moved).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, extFields: { nextBeginOffset: '1' } });
    expect(await committed()).toBe('1');
  });

  it('wake a waiting pull of the group and leave those of other groups waiting', async () => {
    const waiting = target.pull('orders', { queueOffset: 4 }, 60_000);
    const other = target.pull('orders', { consumerGroup: 'others', queueOffset: 4 }, 60_000);
    while ((await runtime('pullHoldSize')) !== '2') await new Promise(setImmediate);
    await reset({ queueId: 0, offset: 1 });
    expect(await waiting).toMatchObject({ code: ResponseCode.PULL_OFFSET_MOVED, remark: 'OFFSET_RESET' });
    expect(await runtime('pullHoldSize')).toBe('1');
    await target.send('orders', 'e');
    expect((await other).code).toBe(ResponseCode.SUCCESS);
  });

  it('are kept when the broker restarts', async () => {
    await reset({ queueId: 0, offset: 1 });
    await target.restart();
    expect(await committed()).toBe('1');
  });

  it('need a known topic and group', async () => {
    expect(await reset({ topic: 'nothing' })).toMatchObject({
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: 'Topic nothing does not exist',
    });
    expect(await reset({ group: 'nobody' })).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      remark: 'Group nobody does not exist',
    });
  });

  async function runtime(name: string): Promise<string | undefined> {
    const { body } = await target.call(Requests.getBrokerRuntimeInfo, {});
    return JSON.parse(body!.toString()).table[name];
  }
});

describe('offsets reset by the consumers', () => {
  const told: Buffer[] = [];
  const consumers: TestConsumer[] = [];
  const join = async (clientId: string, version?: number) => {
    const answers = {
      [RequestCode.RESET_CONSUMER_CLIENT_OFFSET]: ({ body }: { body: unknown }) => void told.push(body as Buffer),
    };
    consumers.push(
      await TestConsumer.join(target, 'consumers', ['orders'], { clientId, answers, ...(version && { version }) }),
    );
  };
  const commitAll = async () => {
    for (const queueId of [1, 2, 3])
      await target.call(Requests.updateConsumerOffset, { ...queue, queueId, commitOffset: 0 });
  };
  beforeEach(async () => {
    told.length = 0;
    await start(false);
  });
  afterEach(async () => {
    for (const consumer of consumers.splice(0)) await consumer.close();
    await target.close();
  });

  it('are told to every connected consumer', async () => {
    await commitAll();
    await join('one');
    await join('two');
    const response = await reset();
    expect(offsetsIn(response)).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    while (told.length < 2) await new Promise(setImmediate);
    expect(told.map((body) => parseResetOffsetBody(body).offsetTable[0])).toEqual(
      Array(2).fill({ queue: { topic: 'orders', brokerName: 'broker-a', queueId: 0 }, offset: 0 }),
    );
    expect(await committed()).toBe('3');
  });

  it('go forward only when forced', async () => {
    await commitAll();
    await join('one');
    expect(offsetsIn(await reset({ timestamp: -1, isForce: false }))[0]).toEqual([0, 3]);
    expect(offsetsIn(await reset({ timestamp: -1, isForce: true }))[0]).toEqual([0, 4]);
  });

  it('have a format of their own when a C++ tool asks', async () => {
    await commitAll();
    await join('one');
    const fields = { group: 'consumers', topic: 'orders', timestamp: 0, isForce: true };
    const request = createRequest(Requests.invokeBrokerToResetOffset, fields);
    request.language = 'CPP';
    await target.request(request);
    while (told.length < 1) await new Promise(setImmediate);
    expect(parseResetOffsetBodyForC(told[0]!).offsetTable[0]).toEqual({
      topic: 'orders',
      brokerName: 'broker-a',
      queueId: 0,
      offset: 0,
    });
  });

  it('are refused when the group never consumed, nobody is connected, or a consumer is too old', async () => {
    expect(await reset({ group: 'others' })).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'THe consumer group <others> not exist',
    });
    await commitAll();
    expect(await reset()).toMatchObject({ code: ResponseCode.CONSUMER_NOT_ONLINE });
    await join('old', 27);
    expect(await reset()).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'the client does not support this feature. version=V3_0_6',
    });
  });
});
