import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { ManualClock } from '@rocketnest/testing';
import { FaultLatency } from '../../src/producer/fault-latency.js';
import {
  checkSelected,
  queueOfKey,
  RoundRobin,
  selectByHash,
  selectByMachineRoom,
  selectByRandom,
} from '../../src/producer/queue-selector.js';
import { createTopicRoute } from '../../src/routes.js';

const route = createTopicRoute('T', {
  queueDatas: ['broker-b', 'broker-a'].map((brokerName) => ({
    brokerName,
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
    topicSysFlag: 0,
  })),
  brokerDatas: ['broker-a', 'broker-b'].map((brokerName) => ({
    cluster: 'c',
    brokerName,
    brokerAddrs: { 0: `${brokerName}:1` },
  })),
  filterServerTable: {},
});
const queues = route.publishQueues;

describe('queueOfKey', () => {
  // Recorded from SelectMessageQueueByHash of Apache RocketMQ 5.5.0 over the same eight queues.
  it.each([
    ['order-1', 'broker-b', 2],
    ['order-42', 'broker-b', 1],
    ['polygenelubricants', 'broker-a', 0], // its hash is the smallest int
    ['订单-7', 'broker-b', 1],
    ['', 'broker-a', 0],
    ['a very long sharding key with spaces 0123456789', 'broker-b', 2],
    ['customer:9917:eu', 'broker-a', 0],
  ])('chooses the queue a Java producer chooses for %j', (key, brokerName, queueId) => {
    expect(queueOfKey(queues, key)).toMatchObject({ brokerName, queueId });
  });
});

describe('selectors', () => {
  const message = { topic: 'T', body: 'x' };

  // Java: Math.abs(arg.hashCode() % 8) for a String, an Integer and a Long.
  it.each([
    ['order-42', 5],
    [4711, 7],
    [-7, 7],
    [-1n, 0], // Long.hashCode(-1) is 0, Integer's is -1
    [2 ** 40 + 5, 5], // 261
    [9_007_199_254_740_991, 0], // -2097152
  ])('selectByHash(%s) takes the queue a Java producer takes', (key, index) => {
    expect(selectByHash(key)(queues, message)).toBe(queues[index]);
  });

  it('selectByHash refuses a number that is none', () => {
    expect(() => selectByHash(0.5)).toThrow(ConfigurationError);
  });

  it('selectByRandom takes every queue now and then', () => {
    const seen = new Set(Array.from({ length: 1_000 }, () => selectByRandom(queues, message)));
    expect(seen.size).toBe(queues.length);
  });

  it('selectByMachineRoom stays in its rooms while it can', () => {
    const inRooms = ['room1@a', 'room1@b', 'room2@a'].map((brokerName) => ({ topic: 'T', brokerName, queueId: 0 }));
    const taken = (rooms: string[]) => {
      const selector = selectByMachineRoom(rooms);
      return new Set(Array.from({ length: 9 }, () => selector(inRooms, message).brokerName));
    };
    expect(taken(['room1'])).toEqual(new Set(['room1@a', 'room1@b']));
    expect(taken(['room2', 'room3'])).toEqual(new Set(['room2@a']));
    expect(taken(['room3']).size).toBe(3);
  });
});

describe('RoundRobin', () => {
  const take = (picker: RoundRobin, count: number, failed?: string, faults?: FaultLatency) =>
    Array.from({ length: count }, () => picker.next(route, failed, faults));

  it('takes every queue once per round', () => {
    expect(new Set(take(new RoundRobin(), 8)).size).toBe(8);
  });

  it('passes over the broker that failed', () => {
    expect(new Set(take(new RoundRobin(), 20, 'broker-a').map((queue) => queue.brokerName))).toEqual(
      new Set(['broker-b']),
    );
  });

  it('repeats on the failed broker when there is no other', () => {
    const single = createTopicRoute('T', {
      ...route.data,
      queueDatas: route.data.queueDatas.filter((q) => q.brokerName === 'broker-a'),
    });
    expect(new RoundRobin().next(single, 'broker-a', undefined).brokerName).toBe('broker-a');
  });

  it('avoids a faulty broker until its time is over', () => {
    const clock = new ManualClock();
    const faults = new FaultLatency(clock.now);
    faults.failed('broker-a', true);
    const picker = new RoundRobin();
    expect(new Set(take(picker, 20, undefined, faults).map((queue) => queue.brokerName))).toEqual(
      new Set(['broker-b']),
    );
    clock.advance(10_000);
    expect(new Set(take(picker, 20, undefined, faults).map((queue) => queue.brokerName)).size).toBe(2);
  });

  it('prefers a slow broker to an unreachable one, and any broker to none', () => {
    const faults = new FaultLatency(new ManualClock().now);
    faults.failed('broker-a', false);
    faults.failed('broker-b', true);
    expect(new Set(take(new RoundRobin(), 20, undefined, faults).map((queue) => queue.brokerName))).toEqual(
      new Set(['broker-b']),
    );
    faults.failed('broker-b', false);
    expect(take(new RoundRobin(), 1, undefined, faults)).toHaveLength(1);
  });
});

describe('checkSelected', () => {
  it('accepts a queue of the list, also a copy of one', () => {
    expect(checkSelected({ topic: 'T', brokerName: 'broker-a', queueId: 3 }, queues, 'T')).toBe(queues[3]);
  });

  it.each([undefined, null, 3, { topic: 'T', brokerName: 'broker-a', queueId: 4 }])('refuses %j', (selected) => {
    expect(() => checkSelected(selected, queues, 'T')).toThrow(ConfigurationError);
  });
});
