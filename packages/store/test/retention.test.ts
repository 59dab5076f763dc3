import { readdirSync, utimesSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isHourOf } from '../src/retention.js';
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
