import { afterEach, describe, expect, it } from '@jest/globals';
import type { MessageStore } from '../src/index.js';
import { closeStores, message, openStore, putAll, removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

/** A queue whose messages were stored at these times. */
async function storedAt(times: readonly number[]): Promise<MessageStore> {
  let now = 0;
  const store = await openStore(temporaryDirectory(), { clock: { now: () => now } });
  for (const time of times) {
    now = time;
    await putAll(store, [message('x')]);
  }
  return store;
}

describe('offset by timestamp', () => {
  // Offsets 0 1 2 3 4 5, as in the example of Apache's ConsumeQueue.
  const times = [100, 100, 100, 300, 300, 400];

  it.each([
    [50, 'LOWER', 0],
    [50, 'UPPER', 0],
    [100, 'LOWER', 0],
    [100, 'UPPER', 2],
    [200, 'LOWER', 3],
    [200, 'UPPER', 2],
    [300, 'LOWER', 3],
    [300, 'UPPER', 4],
    [400, 'LOWER', 5],
    [400, 'UPPER', 5],
    [401, 'LOWER', 6],
    [401, 'UPPER', 5],
  ] as const)('%i %s is %i', async (timestamp, boundary, expected) => {
    const store = await storedAt(times);
    expect(await store.offsetByTimestamp('T', 0, timestamp, boundary)).toBe(expected);
  });

  it('searches over the borders of files', async () => {
    const store = await storedAt(Array.from({ length: 100 }, (_, i) => 1000 + i * 10));
    for (const i of [0, 19, 20, 21, 59, 60, 99]) {
      expect(await store.offsetByTimestamp('T', 0, 1000 + i * 10)).toBe(i);
      expect(await store.offsetByTimestamp('T', 0, 995 + i * 10)).toBe(i);
    }
  });

  it('is 0 for an unknown queue', async () => {
    expect(await (await storedAt([])).offsetByTimestamp('T', 0, 1)).toBe(0);
  });
});

describe('store times', () => {
  it('are those of the clock when a message was put; -1 where there is no message', async () => {
    const store = await storedAt([111, 222]);
    expect(await store.storeTimestampAt('T', 0, 1)).toBe(222);
    expect(await store.storeTimestampAt('T', 0, 2)).toBe(-1);
    expect(await store.storeTimestampAt('T', 0, -1)).toBe(-1);
    expect(await store.earliestMessageTime('T', 0)).toBe(111);
    expect(await store.earliestMessageTime('T', 9)).toBe(-1);
  });
});
