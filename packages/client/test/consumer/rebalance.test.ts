import { expect, it } from '@jest/globals';
import { silentLogger } from '@rocketnest/remoting';
import { allocateAveragely } from '../../src/consumer/allocate.js';
import type { OffsetStore } from '../../src/consumer/offset-store.js';
import { Rebalance } from '../../src/consumer/rebalance.js';
import type { StartOffsets } from '../../src/consumer/start-offset.js';
import type { ClientInstance } from '../../src/instance.js';

const QUEUE = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

// Against a broker this needs a route that arrives within one microtask; hence the stand-ins.
it('takes a queue that appears during a round for a new one, so that nothing sent to it is skipped', async () => {
  const routes = [[], [QUEUE]];
  const appearedOf: boolean[] = [];
  const rebalance = new Rebalance({
    group: 'group',
    instance: {
      routes: { subscribeInfo: () => (routes.length > 1 ? routes.shift() : routes[0]) },
    } as unknown as ClientInstance,
    strategy: allocateAveragely,
    broadcasting: true,
    locks: undefined,
    offsets: { forget: () => {}, persist: async () => {} } as unknown as OffsetStore,
    startOffsets: {
      of: async (_queue: unknown, appeared: boolean) => {
        appearedOf.push(appeared);
        return 0;
      },
    } as unknown as StartOffsets,
    intervalMs: 1_000_000,
    logger: silentLogger,
    topics: () => [QUEUE.topic],
    onAdded: () => {},
    onDropped: () => {},
    onChanged: async () => {},
  });
  try {
    await rebalance.start();
    await rebalance.request();
    expect(appearedOf).toEqual([true]);
  } finally {
    await rebalance.stop();
  }
});
