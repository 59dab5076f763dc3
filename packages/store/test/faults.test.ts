import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { PutResult, StoreFile } from '../src/index.js';
import { FaultyFiles } from './support/faulty-files.js';
import {
  bodies,
  closeStores,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';
import { forwarding, WrappedFiles } from './support/wrapped-files.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const failure = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code });
const inLog = (path: string): boolean => path.includes('/commitlog/');

describe.each(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const)('%s: a failed write of the log', (flushDiskType) => {
  it('is never acknowledged, stops the store with a reason, and a restart finds what was acknowledged', async () => {
    const directory = temporaryDirectory();
    const files = new FaultyFiles();
    const errors: string[] = [];
    const nothing = (): void => {};
    const logger = { debug: nothing, info: nothing, warn: nothing, error: (text: string) => void errors.push(text) };
    const store = await openStore(directory, { files, flushDiskType, logger });
    await putAll(
      store,
      texts(10).map((text) => message(text)),
    );
    files.rule = (operation, path) => (operation === 'write' && inLog(path) ? failure('ENOSPC') : null);
    const results = await Promise.all(texts(5, 'lost').map((text) => store.putAsync(message(text))));
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('UNKNOWN_ERROR'));
    expect(store.isWritable).toBe(false);
    expect(errors).toContainEqual(expect.stringMatching(/commit log cannot be written/));
    expect((await store.putAsync(message('later'))).status).toBe('SERVICE_NOT_AVAILABLE');
    expect(bodies(await readQueue(store))).toEqual(texts(10)); // Reading goes on.
    await store.close();
    expect(existsSync(`${directory}/abort`)).toBe(true);

    const again = await openStore(directory);
    expect(bodies(await readQueue(again))).toEqual(texts(10));
    expect((await putAll(again, [message('next')]))[0]!.queueOffset).toBe(10);
  });
});

describe('SYNC_FLUSH', () => {
  it('acknowledges and shows nothing before the disk has it, and syncs many messages at once', async () => {
    const files = new FaultyFiles();
    const store = await openStore(temporaryDirectory(), { files, flushDiskType: 'SYNC_FLUSH' });
    await putAll(store, [message('first')]);
    files.heldSyncs = [];
    const results: PutResult[] = [];
    for (const text of texts(50)) store.put(message(text), (result) => results.push(result));
    const noWait = await store.putAsync(message('no wait', { waitStoreOk: false }));
    expect(noWait.status).toBe('PUT_OK'); // Written, hence the messages before it are written, too; but not synced.
    await until(() => files.heldSyncs!.length === 1, 'a sync');
    expect(results).toEqual([]);
    expect(store.maxOffset('T', 0)).toBe(1);

    const held = files.heldSyncs;
    files.heldSyncs = null;
    for (const letGo of held) letGo();
    await until(() => results.length === 50, 'acknowledgements');
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['PUT_OK']));
    await until(() => store.maxOffset('T', 0) === 52, 'the last message');
    expect(files.counts.sync).toBeLessThan(10);
  });

  it('answers FLUSH_DISK_TIMEOUT when the disk takes too long, and shows the message when it is there', async () => {
    const files = new FaultyFiles();
    const store = await openStore(temporaryDirectory(), { files, flushDiskType: 'SYNC_FLUSH', syncFlushTimeout: 20 });
    files.heldSyncs = [];
    const result = await store.putAsync(message('slow'));
    expect(result).toMatchObject({ status: 'FLUSH_DISK_TIMEOUT', queueOffset: 0, commitLogOffset: 0 });
    expect(store.maxOffset('T', 0)).toBe(0);
    const held = files.heldSyncs;
    files.heldSyncs = null;
    for (const letGo of held) letGo();
    await until(() => store.maxOffset('T', 0) === 1, 'the message');
  });

  it('never acknowledges after a failed fsync, nor tries it again', async () => {
    const directory = temporaryDirectory();
    const files = new FaultyFiles();
    const store = await openStore(directory, { files, flushDiskType: 'SYNC_FLUSH' });
    await putAll(store, [message('safe')]);
    files.rule = (operation, path) => (operation === 'sync' && inLog(path) ? failure('EIO') : null);
    expect((await store.putAsync(message('unsafe'))).status).toBe('UNKNOWN_ERROR');
    files.rule = () => null; // A second fsync would succeed and lie.
    expect((await store.putAsync(message('more'))).status).toBe('SERVICE_NOT_AVAILABLE');
    await store.close();
    expect(existsSync(`${directory}/abort`)).toBe(true);
  });
});

describe('ASYNC_FLUSH', () => {
  it('stops taking messages when the background fsync fails', async () => {
    const files = new FaultyFiles();
    const store = await openStore(temporaryDirectory(), { files, flushIntervalCommitLog: 5 });
    files.rule = (operation, path) => (operation === 'sync' && inLog(path) ? failure('EIO') : null);
    await putAll(store, [message('x')]);
    await until(() => !store.isWritable, 'the store to stop');
    expect((await store.putAsync(message('y'))).status).toBe('SERVICE_NOT_AVAILABLE');
  });
});

describe('creating the next commit log file', () => {
  it('may fail while it is not needed', async () => {
    const files = new FaultyFiles();
    const store = await openStore(temporaryDirectory(), { files });
    await putAll(store, [message('x')]);
    files.rule = (operation) => (operation === 'create' ? failure('ENOSPC') : null);
    await putAll(
      store,
      texts(9).map(() => message(Buffer.alloc(1200))),
    ); // More than half of the file, less than all of it.
    await until(() => files.counts.create >= 2, 'an attempt to create the next file');
    expect(store.isWritable).toBe(true);
    files.rule = () => null;
    await putAll(
      store,
      texts(20).map(() => message(Buffer.alloc(1200))),
    );
    expect((await readQueue(store)).length).toBe(30);
  });

  it('answers CREATE_MAPPED_FILE_FAILED when it fails and is needed', async () => {
    const files = new FaultyFiles();
    const directory = temporaryDirectory();
    const store = await openStore(directory, { files });
    await putAll(store, [message('x')]);
    files.rule = (operation) => (operation === 'create' ? failure('ENOSPC') : null);
    await putAll(store, [message(Buffer.alloc(15_000))]);
    expect((await store.putAsync(message(Buffer.alloc(15_000)))).status).toBe('CREATE_MAPPED_FILE_FAILED');
    await store.close();
    expect((await readQueue(await openStore(directory))).length).toBe(2);
  });
});

describe('consume queue and index files', () => {
  it('are written again after a failure; nothing is lost', async () => {
    const directory = temporaryDirectory();
    const files = new FaultyFiles();
    const store = await openStore(directory, { files, flushIntervalConsumeQueue: 5 });
    let failures = 0;
    files.rule = (operation, path) => (operation === 'write' && !inLog(path) && failures++ < 5 ? failure('EIO') : null);
    await putAll(
      store,
      texts(60).map((text) => message(text, { properties: { KEYS: text } })),
    );
    await until(() => failures > 5, 'writes after the failures');
    await store.close();
    expect(existsSync(`${directory}/abort`)).toBe(false);
    const again = await openStore(directory);
    expect(bodies(await readQueue(again))).toEqual(texts(60));
    expect((await again.queryByKey('T', 'm42', 10, 0, Date.now() + 1000)).messages.length).toBe(1);
  });
});

/** Whoever writes to a consume queue before the call returns is held up. */
class SlowFiles extends WrappedFiles {
  readonly writes = { now: 0, pooled: 0 };

  protected override wrap(file: StoreFile): StoreFile {
    if (!file.path.includes('/consumequeue/')) return file;
    return {
      ...forwarding(file),
      writeSync: (buffer, position) => {
        this.writes.now++;
        for (const until = performance.now() + 10; performance.now() < until; );
        file.writeSync(buffer, position);
      },
      write: (buffers, position, done) => {
        this.writes.pooled++;
        file.write(buffers, position, done);
      },
    };
  }
}

describe('consume queues', () => {
  it('are written by the thread pool for a while once the disk has made the event loop wait', async () => {
    const directory = temporaryDirectory();
    const files = new SlowFiles();
    const store = await openStore(directory, { files, flushIntervalConsumeQueue: 5 });
    const queueIds = Array.from({ length: 20 }, (_, queueId) => queueId);
    await putAll(
      store,
      queueIds.map((queueId) => message(`in ${queueId}`, { queueId })),
    );
    await until(() => files.writes.now + files.writes.pooled === queueIds.length, 'the flush');
    expect(files.writes).toEqual({ now: 1, pooled: queueIds.length - 1 });
    await store.close();
    const again = await openStore(directory);
    for (const queueId of queueIds) expect(bodies(await readQueue(again, 'T', queueId))).toEqual([`in ${queueId}`]);
  });
});

describe('checkpoint', () => {
  it('never speaks of messages that are not on the disk', async () => {
    const directory = temporaryDirectory();
    const files = new FaultyFiles();
    const store = await openStore(directory, {
      files,
      flushIntervalConsumeQueue: 5,
      flushConsumeQueueThoroughInterval: 1,
      flushIntervalCommitLog: 5,
    });
    const [first] = await putAll(store, [message('first')]);
    const field = (at: number): number => Number(readFileSync(`${directory}/checkpoint`).readBigInt64BE(at));
    await until(() => field(8) === first!.storeTimestamp, 'the checkpoint of the first message');
    expect(field(0)).toBe(first!.storeTimestamp);
    expect(field(40)).toBe(0);
    files.heldSyncs = [];
    const [second] = await putAll(store, [message('second')]);
    await until(() => files.heldSyncs!.length > 0, 'a sync');
    await new Promise((resolve) => setTimeout(resolve, 50)); // Time enough for several flushes, if they did not wait.
    expect(field(40)).toBe(0);
    const held = files.heldSyncs;
    files.heldSyncs = null;
    for (const letGo of held) letGo();
    await until(() => field(40) === second!.commitLogOffset, 'the checkpoint of the second message');
  });
});
