import { afterEach, describe, expect, it } from '@jest/globals';
import { dumpCommitLog, dumpConsumeQueue } from '../src/index.js';
import {
  closeStores,
  message,
  openStore,
  putAll,
  removeDirectories,
  SMALL,
  temporaryDirectory,
  texts,
} from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

describe('dump', () => {
  it('prints a running store: all messages of a file, then how it ends', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const results = await putAll(
      store,
      texts(60).map((text) => message(text.padEnd(400, '.'))),
    );
    const first = [...dumpCommitLog(`${directory}/commitlog/00000000000000000000`)];
    const last = first.pop()!;
    expect(first.map((item) => item.offset)).toEqual(
      results.map(({ commitLogOffset }) => commitLogOffset).filter((offset) => offset < SMALL.mappedFileSizeCommitLog),
    );
    expect(last).toMatchObject({ kind: 'blank', offset: first.at(-1)!.offset + results[0]!.bytes });
    const second = [...dumpCommitLog(`${directory}/commitlog/00000000000000016384`, results[40]!.commitLogOffset)];
    expect(second[0]).toMatchObject({ kind: 'message', message: { queueOffset: 40 } });
    expect(second.at(-1)).toMatchObject({
      kind: 'end',
      reason: 'nothing was written here',
      offset: store.maxCommitLogOffset,
    });
  });

  it('prints a consume queue file', async () => {
    const directory = temporaryDirectory();
    const store = await openStore(directory);
    const results = await putAll(
      store,
      texts(30).map((text) => message(text)),
    );
    await store.close();
    const entries = [...dumpConsumeQueue(`${directory}/consumequeue/T/0/00000000000000000400`)];
    expect(entries).toEqual(
      results.slice(20).map(({ commitLogOffset, bytes, queueOffset }) => ({
        commitLogOffset,
        size: bytes,
        tagsCode: 0,
        queueOffset,
        messageCount: 1,
      })),
    );
  });

  it('refuses a file that is not a segment', () => {
    expect(() => [...dumpCommitLog('/tmp/checkpoint')]).toThrow(/name of 20 digits/);
  });
});
