import { afterEach, describe, expect, it } from '@jest/globals';
import { MessageStore, type PutResult, parseStoreOptions, type StoreOptions } from '../src/index.js';
import { closeStores, message, openStore, removeDirectories, temporaryDirectory, until } from './support/store.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

describe('a running store', () => {
  it('says what is taken and not on the disk yet, and how old its oldest message is', async () => {
    const store = await openStore(temporaryDirectory(), { flushIntervalCommitLog: 20 });
    expect(await store.earliestTimestamp()).toBe(-1);
    let put: PutResult | undefined;
    store.put(message('a'), (result) => {
      put = result;
    });
    expect(store.undispatchedBytes).toBeGreaterThan(0);
    expect(store.unflushedBytes).toBe(store.undispatchedBytes);
    await until(() => put !== undefined, 'the put is acknowledged');
    expect(store.undispatchedBytes).toBe(0);
    expect(await store.earliestTimestamp()).toBe(put!.storeTimestamp);
    await until(() => store.unflushedBytes === 0, 'everything is on the disk');
  });

  it('follows options that its owner changes: durability, size limit, delay levels', async () => {
    const rootDir = temporaryDirectory();
    const live: Writable<StoreOptions> = {
      ...parseStoreOptions({
        mappedFileSizeCommitLog: 1024 * 1024,
        mappedFileSizeConsumeQueue: 2_000,
        maxHashSlotNum: 100,
        maxIndexNum: 400,
        flushIntervalCommitLog: 3_600_000,
      }),
    };
    const store = new MessageStore({ rootDir, live });
    await store.start();
    try {
      await store.putAsync(message('in the page cache'));
      expect(store.unflushedBytes).toBeGreaterThan(0);

      live.flushDiskType = 'SYNC_FLUSH';
      await store.putAsync(message('on the disk'));
      expect(store.unflushedBytes).toBe(0);

      live.flushDiskType = 'ASYNC_FLUSH';
      live.maxMessageSize = 5;
      expect((await store.putAsync(message('too long'))).status).toBe('MESSAGE_ILLEGAL');

      live.messageDelayLevel = '1s 1h';
      expect(store.delayLevels.delaysMs).toEqual([1_000, 3_600_000]);
    } finally {
      await store.close();
    }
  });

  it('acknowledges what waits for the disk when that is not asked for any more', async () => {
    const live: Writable<StoreOptions> = {
      ...parseStoreOptions({
        mappedFileSizeCommitLog: 1024 * 1024,
        mappedFileSizeConsumeQueue: 2_000,
        maxHashSlotNum: 100,
        maxIndexNum: 400,
        flushDiskType: 'SYNC_FLUSH',
      }),
    };
    const store = new MessageStore({ rootDir: temporaryDirectory(), live });
    await store.start();
    try {
      const waiting = [1, 2, 3].map((body) => store.putAsync(message(String(body))));
      live.flushDiskType = 'ASYNC_FLUSH';
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(['PUT_OK', 'PUT_OK', 'PUT_OK']);
    } finally {
      await store.close();
    }
  });
});
