import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Checkpoint } from '../src/checkpoint.js';
import { nodeFiles } from '../src/index.js';
import { FaultyFiles } from './support/faulty-files.js';
import { goldenFile, goldenStore, unpack } from './support/golden.js';
import { removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(removeDirectories);

describe('checkpoint', () => {
  it('is 4096 bytes with six numbers at their places', async () => {
    const path = `${temporaryDirectory()}/checkpoint`;
    const checkpoint = new Checkpoint(nodeFiles, path);
    checkpoint.openSync();
    Object.assign(checkpoint, {
      physicMsgTimestamp: 1_700_000_000_001,
      logicsMsgTimestamp: 2,
      indexMsgTimestamp: 3,
      masterFlushedOffset: 4,
      confirmPhyOffset: 5,
      logicsPhysicalOffset: 2 ** 40,
    });
    await checkpoint.save();
    checkpoint.close();
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(4096);
    const fields = [0, 8, 16, 24, 32, 40].map((at) => Number(bytes.readBigInt64BE(at)));
    expect(fields).toEqual([1_700_000_000_001, 2, 3, 4, 5, 2 ** 40]);
    expect(bytes.subarray(48).every((byte) => byte === 0)).toBe(true);
  });

  it('reads what Apache wrote and keeps what it does not know', async () => {
    const directory = temporaryDirectory();
    const golden = goldenStore('clean');
    unpack(golden, directory);
    const checkpoint = new Checkpoint(nodeFiles, `${directory}/checkpoint`);
    checkpoint.openSync();
    expect(checkpoint.indexMsgTimestamp).toBeGreaterThan(1_700_000_000_000);
    expect(checkpoint.logicsPhysicalOffset).toBeGreaterThan(0);
    await checkpoint.save();
    checkpoint.close();
    expect(readFileSync(`${directory}/checkpoint`)).toEqual(goldenFile(golden, 'checkpoint'));
  });

  it('knows whether we wrote the fields, or Apache after us', async () => {
    const path = `${temporaryDirectory()}/checkpoint`;
    const reopened = (): Checkpoint => {
      const checkpoint = new Checkpoint(nodeFiles, path);
      checkpoint.openSync();
      return checkpoint;
    };
    const first = reopened();
    expect(first.isOurs).toBe(false);
    first.logicsPhysicalOffset = 77;
    first.isOurs = true;
    await first.save();
    first.close();
    const second = reopened();
    expect([second.isOurs, second.logicsPhysicalOffset]).toEqual([true, 77]);
    second.close();
    const bytes = readFileSync(path);
    bytes.writeBigInt64BE(78n, 40); // As Apache writes: this field, and nothing behind it.
    writeFileSync(path, bytes);
    const third = reopened();
    expect([third.isOurs, third.logicsPhysicalOffset]).toEqual([false, 78]);
    third.close();
  });

  it('rejects a save that does not reach the disk', async () => {
    const files = new FaultyFiles();
    const checkpoint = new Checkpoint(files, `${temporaryDirectory()}/checkpoint`);
    checkpoint.openSync();
    files.rule = (operation) => (operation === 'sync' ? new Error('EIO') : null);
    await expect(checkpoint.save()).rejects.toThrow('EIO');
    files.rule = () => null;
    await checkpoint.save();
    checkpoint.close();
  });
});
