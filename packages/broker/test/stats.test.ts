import { describe, expect, it } from '@jest/globals';
import { BrokerStats } from '../src/stats.js';

const options = { brokerClusterName: 'c', enableDetailStat: true, maxStatsIdleTimeInMinutes: -1 };
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Statistics and a clock of their own that samples every second, as the broker does. */
function ticking(start = Date.UTC(2024, 0, 2, 12), changes: Partial<typeof options> = {}) {
  let now = start;
  const stats = new BrokerStats({ now: () => now }, { ...options, ...changes });
  return {
    stats,
    pass(ms: number, each: () => void = () => undefined) {
      for (let passed = 0; passed < ms; passed += SECOND) {
        each();
        now += SECOND;
        stats.sample();
      }
    },
  };
}

describe('broker statistics', () => {
  it('average over 10, 60 and 600 seconds', () => {
    const { stats, pass } = ticking();
    let second = 0;
    pass(60 * SECOND, () => {
      stats.totals.putMessages += ++second > 50 ? 100 : 10;
    });
    expect(stats.rate('putMessages')).toBe('100.0 25.0 25.0');
  });

  it('count what users put and got until the last two midnights', () => {
    const { stats, pass } = ticking(new Date(2024, 0, 1, 23, 59, 59).getTime());
    stats.put('orders', 0, 5, 500);
    stats.put('SCHEDULE_TOPIC_XXXX', 2, 1, 100);
    stats.got('g', 'orders', 2, 200);
    pass(2 * SECOND);
    stats.put('orders', 0, 3, 300);
    expect(stats.days).toEqual({
      yesterdayMorning: { put: 0, got: 0 },
      todayMorning: { put: 5, got: 2 },
      now: { put: 8, got: 2 },
    });
    pass(24 * HOUR);
    expect(stats.days).toMatchObject({ yesterdayMorning: { put: 5 }, todayMorning: { put: 8 }, now: { put: 8 } });
  });

  it("keep Apache's items under Apache's names and keys", () => {
    const { stats, pass } = ticking();
    stats.put('orders', 3, 2, 200, 7);
    stats.put('SCHEDULE_TOPIC_XXXX', 2, 1, 100);
    stats.got('g', 'orders', 4, 400);
    stats.getTook('g', 'orders', 3, 9);
    stats.sentBack('g', 'orders');
    stats.deadLettered('g', 'orders', undefined);
    stats.acked('g', 'orders', 5);
    stats.checkpointed('g', 'orders', 6);
    pass(10 * SECOND);
    const sum = (name: string, key: string) => stats.snapshot(name, key).sum;
    expect({
      puts: sum('TOPIC_PUT_NUMS', 'orders'),
      putSize: sum('TOPIC_PUT_SIZE', 'orders'),
      putLatency: sum('TOPIC_PUT_LATENCY', '3@orders'),
      queuePuts: sum('QUEUE_PUT_NUMS', 'SCHEDULE_TOPIC_XXXX@2'),
      gets: sum('GROUP_GET_NUMS', 'orders@g'),
      getSize: sum('GROUP_GET_SIZE', 'orders@g'),
      getLatency: sum('GROUP_GET_LATENCY', '3@orders@g'),
      back: sum('SNDBCK_PUT_NUMS', 'orders@g'),
      dead: sum('SNDBCK2DLQ_TIMES', 'null@orders@g@SEND_BACK_TO_DLQ'),
      acks: sum('GROUP_ACK_NUMS', 'orders@g'),
      checkpoints: sum('GROUP_CK_NUMS', 'orders@g'),
      broker: ['BROKER_PUT_NUMS', 'BROKER_GET_NUMS', 'BROKER_ACK_NUMS', 'BROKER_CK_NUMS'].map((name) => sum(name, 'c')),
    }).toEqual({
      puts: 2,
      putSize: 200,
      putLatency: 7,
      queuePuts: 1,
      gets: 4,
      getSize: 400,
      getLatency: 9,
      back: 1,
      dead: 1,
      acks: 5,
      checkpoints: 6,
      broker: [3, 4, 5, 6],
    });
    expect(stats.find('TOPIC_PUT_NUMS', 'nobody')).toBeUndefined();
    expect(stats.find('NO_SUCH_NUMS', 'orders')).toBeUndefined();
  });

  it('count connections and heartbeats', () => {
    const { stats } = ticking();
    stats.channel('CONNECT');
    stats.channel('CONNECT');
    stats.channel('CLOSE');
    stats.registered(2, 1, 3);
    stats.registered(0, 1, 1);
    const of = (name: string, key: string) => [stats.find(name, key)?.value, stats.find(name, key)?.times];
    expect(of('CHANNEL_ACTIVITY', 'CONNECT')).toEqual([2, 2]);
    expect(of('CHANNEL_ACTIVITY', 'CLOSE')).toEqual([1, 1]);
    expect(of('CONSUMER_REGISTER_TIME', 'c')).toEqual([3, 2]);
    expect(of('PRODUCER_REGISTER_TIME', 'c')).toEqual([4, 2]);
  });

  it('say what happened in the last minute, hour and day', () => {
    const { stats, pass } = ticking();
    pass(25 * HOUR, () => stats.put('orders', 0, 2, 10));
    const item = stats.find('TOPIC_PUT_NUMS', 'orders')!;
    expect(item.snapshot('minute')).toEqual({ sum: 120, tps: 2, avgpt: 2 });
    expect(item.snapshot('hour')).toEqual({ sum: 7_200, tps: 2, avgpt: 2 });
    expect(item.snapshot('day')).toEqual({ sum: 24 * 7_200, tps: 2, avgpt: 2 });
    pass(HOUR);
    expect(item.snapshot('minute')).toEqual({ sum: 0, tps: 0, avgpt: 0 });
    expect(item.snapshot('hour').sum).toBe(0);
    expect(item.snapshot('day').sum).toBe(23 * 7_200);
  });

  it('forget a deleted topic and a deleted group, and count them anew', () => {
    const { stats } = ticking();
    const count = () => {
      for (const topic of ['orders', 'other']) {
        stats.put(topic, 0, 1, 1, 1);
        for (const group of ['g', 'h']) {
          stats.got(group, topic, 1, 1);
          stats.getTook(group, topic, 0, 1);
        }
      }
    };
    count();
    stats.topicDeleted('orders');
    stats.groupDeleted('h');
    expect(stats.find('TOPIC_PUT_NUMS', 'orders')).toBeUndefined();
    expect(stats.find('TOPIC_PUT_LATENCY', '0@orders')).toBeUndefined();
    expect(stats.find('GROUP_GET_NUMS', 'orders@g')).toBeUndefined();
    expect(stats.find('GROUP_GET_LATENCY', '0@orders@g')).toBeUndefined();
    expect(stats.find('GROUP_GET_NUMS', 'other@h')).toBeUndefined();
    expect(stats.find('GROUP_GET_NUMS', 'other@g')?.value).toBe(1);
    count();
    expect(stats.find('TOPIC_PUT_NUMS', 'orders')?.value).toBe(1);
    expect(stats.find('GROUP_GET_NUMS', 'other@h')?.value).toBe(1);
    expect(stats.find('GROUP_GET_NUMS', 'other@g')?.value).toBe(2);
  });

  it('drop what is idle, when told how long', () => {
    const { stats, pass } = ticking(undefined, { maxStatsIdleTimeInMinutes: 20 });
    stats.put('idle', 0, 1, 1);
    pass(19 * 60 * SECOND, () => stats.put('busy', 0, 1, 1));
    expect(stats.find('TOPIC_PUT_NUMS', 'idle')).toBeDefined();
    pass(12 * 60 * SECOND, () => stats.put('busy', 0, 1, 1));
    expect(stats.find('TOPIC_PUT_NUMS', 'idle')).toBeUndefined();
    expect(stats.find('TOPIC_PUT_NUMS', 'busy')?.value).toBe(31 * 60);
  });
});
