import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rocketnest/remoting';
import { QueueWatch } from '../../../src/consumer/lite-pull/queue-watch.js';
import { LogKeeper } from '../testbed.js';

const route = (topic: string, queues: number) => ({
  topic,
  subscribeQueues: Array.from({ length: queues }, (_, queueId) => ({ topic, brokerName: 'broker-a', queueId })),
});

describe('QueueWatch', () => {
  it('tells listeners of other queues than those seen first', () => {
    const watch = new QueueWatch(silentLogger);
    const seen: [string, number][] = [];
    watch.add('orders', (topic, queues) => seen.push([topic, queues.length]));
    for (const queues of [2, 2, 3, 3, 1]) watch.see(route('orders', queues));
    watch.see(route('others', 9));
    expect(seen).toEqual([
      ['orders', 3],
      ['orders', 1],
    ]);
  });

  it('forgets a topic with its last listener', () => {
    const watch = new QueueWatch(silentLogger);
    const removes = [1, 2].map(() => watch.add('orders', () => {}));
    removes[0]!();
    expect([...watch.topics()]).toEqual(['orders']);
    removes[1]!();
    removes[1]!();
    expect([...watch.topics()]).toEqual([]);
  });

  it('logs what a listener throws, and goes on with the next', () => {
    const logger = new LogKeeper();
    const watch = new QueueWatch(logger);
    let called = 0;
    watch.add('orders', () => {
      throw new Error('broken');
    });
    watch.add('orders', () => called++);
    watch.see(route('orders', 1));
    watch.see(route('orders', 2));
    expect(called).toBe(1);
    expect(logger.of('warn')).toHaveLength(1);
  });
});
