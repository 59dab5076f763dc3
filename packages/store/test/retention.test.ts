import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { MessageStore } from '../src/index.js';
import { isHourOf, type Retention } from '../src/retention.js';
import { FaultyFiles } from './support/faulty-files.js';
import {
  bodies,
  closeStores,
  message,
  openStore,
  putAll,
  readQueue,
  removeDirectories,
  SMALL,
  temporaryDirectory,
  texts,
  until,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const at = (hour: number): number => new Date(2026, 0, 15, hour, 30).getTime();

describe('deleteWhen', () => {
  it.each([
    ['04', 4, true],
    ['4', 4, true],
    ['04', 5, false],
    ['04;16', 16, true],
    ['00', 0, true],
  ])('%s at %i o’clock: %s', (when, hour, expected) => {
    expect(isHourOf(when, at(hour))).toBe(expected);
  });
});

describe('retention', () => {
  it('deletes old commit log files in the hour of deleteWhen and moves the queues along', async () => {
    const directory = temporaryDirectory();
    let now = at(3);
    const store = await openStore(directory, {
      cleanResourceInterval: 5,
      fileReservedTime: 1,
      clock: { now: () => now },
    });
    const messages = texts(200).map((text, i) =>
      message(text.padEnd(400, '.'), { queueId: i % 2, properties: { KEYS: text } }),
    );
    await putAll(store, messages);
    await putAll(store, [message('old', { topic: 'Idle' })]);
    const log = (): string[] => readdirSync(`${directory}/commitlog`).sort();
    const before = log();
    const old = before.slice(0, 3);
    const long = new Date(at(2) - 3_600_000);
    for (const name of old) utimesSync(`${directory}/commitlog/${name}`, long, long);
    for (const name of before.slice(3)) utimesSync(`${directory}/commitlog/${name}`, new Date(at(4)), new Date(at(4)));
    now = at(4);
    await until(() => log().length === before.length - 3, 'the deletion');
    expect(log()).toEqual(before.slice(3));
    const minimum = 3 * SMALL.mappedFileSizeCommitLog;
    expect(store.minCommitLogOffset).toBe(minimum);
    await until(() => store.minOffset('T', 1) > 0, 'the queues');
    for (const queueId of [0, 1]) {
      const left = await readQueue(store, 'T', queueId);
      expect(left.length).toBe(100 - store.minOffset('T', queueId));
      expect(left[0]!.commitLogOffset).toBeGreaterThanOrEqual(minimum);
      expect(await store.get('T', queueId, 0, 32, 1e6)).toMatchObject({
        status: 'OFFSET_TOO_SMALL',
        nextBeginOffset: store.minOffset('T', queueId),
      });
    }
    expect((await store.queryByKey('T', 'm0', 10, 0, 1e13)).messages.length).toBe(0);
    expect((await store.queryByKey('T', 'm199', 10, 0, 1e13)).messages.length).toBe(1);
    expect(bodies(await readQueue(store, 'Idle'))).toEqual(['old']);
    const minimumOffsets = [0, 1].map((queueId) => store.minOffset('T', queueId));
    await store.close();
    const again = await openStore(directory);
    expect([0, 1].map((queueId) => again.minOffset('T', queueId))).toEqual(minimumOffsets);
  });

  it('never deletes the file that is being written, however old', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, {
      cleanResourceInterval: 5,
      fileReservedTime: 0,
      clock: { now: () => at(4) },
    });
    await putAll(
      store,
      texts(50).map((text) => message(text.padEnd(400, '.'))),
    );
    const old = new Date(at(0));
    for (const name of readdirSync(`${directory}/commitlog`)) utimesSync(`${directory}/commitlog/${name}`, old, old);
    await until(() => store.minCommitLogOffset > 0, 'the deletion of the full file');
    expect(store.maxCommitLogOffset - store.minCommitLogOffset).toBeLessThan(SMALL.mappedFileSizeCommitLog);
    await until(() => store.minOffset('T', 0) > 0, 'the queue');
    expect((await readQueue(store)).length).toBeGreaterThan(0);
  });
});

const GIB = 2 ** 30;

/** A disk of 100 GiB with `used` percent in use. */
const disk = (used: number): { totalBytes: number; freeBytes: number; availableBytes: number } => ({
  totalBytes: 100 * GIB,
  freeBytes: (100 - used) * GIB,
  availableBytes: (100 - used) * GIB,
});

describe('retention by disk space', () => {
  /** A store of about ten commit log files, at an hour when nothing is due. */
  async function fullStore(
    options: object = {},
  ): Promise<{ store: MessageStore; files: FaultyFiles; pass: () => Promise<number> }> {
    const files = new FaultyFiles();
    files.disk = disk(10);
    const store = await openStore(temporaryDirectory(), {
      files,
      clock: { now: () => at(3) },
      deleteCommitLogFilesInterval: 0,
      ...options,
    });
    await putAll(
      store,
      texts(180).map((text) => message(text.padEnd(800, '.'))),
    );
    for (const name of readdirSync(`${store.rootDir}/commitlog`))
      utimesSync(`${store.rootDir}/commitlog/${name}`, at(1) / 1000, at(1) / 1000);
    const { retention } = store as unknown as { retention: Retention };
    return { store, files, pass: () => retention.run() };
  }

  it('above diskMaxUsedSpaceRatio, deletes expired files at any hour, and no others', async () => {
    const { store, files, pass } = await fullStore({ fileReservedTime: 1 });
    expect(await pass()).toBe(0);
    files.disk = disk(75);
    expect(await pass()).toBe(0);
    files.disk = disk(76);
    expect(await pass()).toBe(9);
    expect(store.minCommitLogOffset).toBe(9 * SMALL.mappedFileSizeCommitLog);

    const young = await fullStore({ fileReservedTime: 3 });
    young.files.disk = disk(80);
    expect(await young.pass()).toBe(0);
  });

  it('above diskSpaceCleanForciblyRatio, deletes the oldest files whatever their age, unless that is switched off', async () => {
    const { store, files, pass } = await fullStore({ deleteFileBatchMax: 3 });
    files.disk = disk(86);
    expect([await pass(), await pass(), await pass()]).toEqual([3, 3, 3]);
    expect(await pass()).toBe(0); // The file being written stays.
    expect(bodies(await readQueue(store)).at(-1)).toContain('m179');
    const kept = await fullStore({ cleanFileForciblyEnable: false });
    kept.files.disk = disk(99);
    expect(await kept.pass()).toBe(0);
  });

  it('refuses messages when the disk is full in percent and in bytes, says the numbers, and takes them again', async () => {
    const { store, files, pass } = await fullStore({ cleanFileForciblyEnable: false });
    files.disk = disk(95); // 5 GiB free: more than diskFullFreeBytes.
    await pass();
    expect(store.isWritable).toBe(true);
    files.disk = disk(97);
    await pass();
    expect(store.isWritable).toBe(false);
    expect((await store.putAsync(message('x'))).status).toBe('SERVICE_NOT_AVAILABLE');
    expect(store.diskFull).toMatch(
      /^the disk of .*commitlog is 97 % full \(limit 90 %, diskSpaceWarningLevelRatio\): 3\.00 GiB of 100\.00 GiB are free/,
    );
    expect(store.diskUses.map(({ usedRatio }) => usedRatio)).toEqual([0.97, 0.97]);
    expect((await readQueue(store)).length).toBe(180);
    files.disk = disk(50);
    await pass();
    expect([store.isWritable, store.diskFull]).toEqual([true, null]);
    expect((await store.putAsync(message('x'))).status).toBe('PUT_OK');
  });

  it('takes messages when the disk cannot be measured', async () => {
    const { store, files, pass } = await fullStore();
    files.disk = new Error('no statfs here');
    expect(await pass()).toBe(0);
    expect([store.isWritable, store.diskUses]).toEqual([true, []]);
  });

  it('deletes expired files on demand whatever the hour', async () => {
    const { store, pass } = await fullStore({ fileReservedTime: 1, deleteFileBatchMax: 4 });
    expect(await pass()).toBe(0);
    store.deleteFilesManually();
    expect([await pass(), await pass(), await pass()]).toEqual([4, 4, 1]);
    for (let i = 0; i < 20; i++) await pass();
    expect(await pass()).toBe(0);
  });

  it('measures the real disk', async () => {
    const store = await openStore(temporaryDirectory());
    await until(() => store.diskUses.length > 0, 'the first look at the disk');
    for (const { totalBytes, freeBytes, usedRatio } of store.diskUses) {
      expect(totalBytes).toBeGreaterThan(freeBytes);
      expect(usedRatio).toBeGreaterThan(0);
      expect(usedRatio).toBeLessThanOrEqual(1);
    }
  });
});

describe('queues whose messages are gone', () => {
  it('are removed on demand, system topics excepted, and begin again at 0', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory, {
      clock: { now: () => at(4) },
      fileReservedTime: 0,
      deleteCommitLogFilesInterval: 0,
    });
    await putAll(store, [message('a', { topic: 'Gone' }), message('b', { topic: 'SCHEDULE_TOPIC_XXXX' })]);
    await putAll(
      store,
      texts(100).map((text) => message(text.padEnd(400, '.'))),
    );
    expect(await store.cleanExpiredConsumeQueues()).toBe(0);
    for (const name of readdirSync(`${directory}/commitlog`)) utimesSync(`${directory}/commitlog/${name}`, 1, 1);
    await (store as unknown as { retention: Retention }).retention.run();
    expect(store.minOffset('Gone', 0)).toBe(1);
    expect(await store.cleanExpiredConsumeQueues()).toBe(1);
    expect([...store.queues()].map(({ topic }) => topic).sort()).toEqual(['SCHEDULE_TOPIC_XXXX', 'T']);
    expect(existsSync(`${directory}/consumequeue/Gone`)).toBe(false);
    expect((await putAll(store, [message('c', { topic: 'Gone' })]))[0]!.queueOffset).toBe(0);
  });

  it('are removed with their topic when nobody retains it', async () => {
    const store = await openStore(temporaryDirectory());
    for (const topic of ['Kept', 'Unused', 'SCHEDULE_TOPIC_XXXX']) await putAll(store, [message('x', { topic })]);
    expect(await store.cleanUnusedTopics(new Set(['Kept']))).toBe(1);
    expect([...store.queues()].map(({ topic }) => topic).sort()).toEqual(['Kept', 'SCHEDULE_TOPIC_XXXX']);
  });
});
