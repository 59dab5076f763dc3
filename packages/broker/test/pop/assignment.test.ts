import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  encodeHeartbeat,
  encodeQueryAssignmentRequest,
  encodeSetMessageRequestModeRequest,
  type MessageQueue,
  parseMessageRequestModes,
  parseQueryAssignmentResponse,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { allocate, allocateForPop } from '../../src/pop/allocation.js';
import { TestBroker } from '../harness.js';

const queues = (count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic: 't', brokerName: 'b', queueId }));
const ids = (assigned: readonly MessageQueue[] | null): number[] | null =>
  assigned === null ? null : assigned.map(({ queueId }) => queueId);

/** Each row: queues, members, and what Java gives to the first, second … member. */
describe('shares of the queues', () => {
  const members = (count: number) => ['a', 'b', 'c', 'd'].slice(0, count);

  it.each([
    [
      'AVG',
      8,
      3,
      [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
      ],
    ],
    ['AVG', 2, 3, [[0], [1], []]],
    ['AVG', 4, 1, [[0, 1, 2, 3]]],
    [
      'AVG_BY_CIRCLE',
      5,
      2,
      [
        [0, 2, 4],
        [1, 3],
      ],
    ],
    ['AVG_BY_CIRCLE', 1, 2, [[0], []]],
  ])('%s of %d queues for %d members', (strategy, count, size, expected) => {
    const shares = members(size).map((member) => ids(allocate(strategy, queues(count), members(size), member)));
    expect(shares).toEqual(expected);
  });

  it('are empty for a client that is no member, and null for a strategy nobody knows', () => {
    expect(allocate('AVG', queues(4), ['a'], 'stranger')).toEqual([]);
    expect(allocate('toString', queues(4), ['a'], 'a')).toBeNull();
  });

  it.each([
    ['everybody pops everything', 4, 3, 0, 'a', [-1, -1, -1, -1]],
    ['so many share that it is everybody', 4, 3, 2, 'a', [-1, -1, -1, -1]],
    ['a member shares with the next one', 6, 3, 1, 'c', [4, 5, 0, 1]],
    ['there are more members than queues', 2, 4, 1, 'd', [1]],
  ])('for pop when %s', (_when, count, size, share, member, expected) => {
    expect(ids(allocateForPop('AVG', queues(count), members(size), member, share))).toEqual(expected);
  });
});

describe('QUERY_ASSIGNMENT', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
    await target.send('orders', 'a');
    await target.call(
      Requests.heartBeat,
      {},
      encodeHeartbeat({
        clientID: 'client',
        producerDataSet: [],
        consumerDataSet: [
          {
            groupName: 'consumers',
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            subscriptionDataSet: [],
            unitMode: false,
          },
        ],
      } as never),
    );
  });
  afterEach(() => target.close());

  const ask = async (changes = {}) => {
    const body = encodeQueryAssignmentRequest({
      topic: 'orders',
      consumerGroup: 'consumers',
      clientId: 'client',
      strategyName: 'AVG',
      messageModel: 'CLUSTERING',
      ...changes,
    });
    const answer = await target.call(Requests.queryAssignment, {}, body);
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    const { messageQueueAssignments: assigned } = parseQueryAssignmentResponse(answer.body);
    return (
      assigned?.map(({ messageQueue, mode }) => `${mode} ${messageQueue.brokerName} ${messageQueue.queueId}`) ?? null
    );
  };
  const setMode = (changes = {}) => {
    const mode = { topic: 'orders', consumerGroup: 'consumers', mode: 'POP', popShareQueueNum: 0, ...changes } as const;
    return target.call(Requests.setMessageRequestMode, {}, encodeSetMessageRequestModeRequest(mode));
  };

  it('gives the only member all queues, to pull', async () => {
    expect(await ask()).toEqual([0, 1, 2, 3].map((queueId) => `PULL broker-a ${queueId}`));
  });

  it('gives a group that was switched to pop the broker as a whole, also after a restart', async () => {
    expect(await setMode()).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(await ask()).toEqual(['POP broker-a -1']);
    const file = await readFile(join(target.rootDir, 'config', 'messageRequestMode.json'));
    expect(parseMessageRequestModes(file).messageRequestModeMap['orders']?.['consumers']?.mode).toBe('POP');
    await target.restart();
    const all = await target.call(Requests.getAllMessageRequestMode, {});
    expect(JSON.parse(all.body!.toString())).toMatchObject({ messageRequestModeMap: { orders: { consumers: {} } } });
  });

  it('says nothing when it cannot know: the client keeps what it has', async () => {
    expect(await ask({ topic: 'none' })).toBeNull();
    expect(await ask({ consumerGroup: 'nobody' })).toBeNull();
    expect(await ask({ strategyName: 'MACHINE_ROOM' })).toBeNull();
  });

  it('gives everything to everybody when broadcasting, or when the broker does not share', async () => {
    expect(await ask({ messageModel: 'BROADCASTING', consumerGroup: 'nobody' })).toHaveLength(4);
    await target.restart({ serverLoadBalancerEnable: false });
    expect(await ask({ clientId: 'stranger' })).toHaveLength(4);
  });

  it('obeys the default mode, but retry topics are pulled', async () => {
    await target.restart({ defaultMessageRequestMode: 'POP', serverLoadBalancerEnable: false });
    expect((await ask())?.[0]).toMatch(/^POP/);
    await target.send('%RETRY%consumers', 'a');
    for (const assignment of (await ask({ topic: '%RETRY%consumers' })) ?? []) expect(assignment).toMatch(/^PULL/);
  });

  it('modes of what does not exist are refused', async () => {
    expect(await setMode({ topic: 'none' })).toMatchObject({ code: ResponseCode.TOPIC_NOT_EXIST });
    expect(await setMode({ topic: '%RETRY%consumers' })).toMatchObject({ code: ResponseCode.NO_PERMISSION });
    await target.restart({ autoCreateSubscriptionGroup: false });
    expect(await setMode({ consumerGroup: 'nobody' })).toMatchObject({
      code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    });
  });
});
