import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { StoreLock } from '../src/store-lock.js';
import { removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(removeDirectories);

describe('store lock', () => {
  it("begins with Apache's content, and is only that after release", () => {
    const path = `${temporaryDirectory()}/lock`;
    const lock = StoreLock.acquireSync(path);
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^lock ${process.pid} `));
    expect(() => StoreLock.acquireSync(path)).toThrow(
      new RegExp(`in use by process ${process.pid} .*stop that process`),
    );
    lock.releaseSync();
    expect(readFileSync(path, 'utf8')).toBe('lock');
    StoreLock.acquireSync(path).releaseSync();
  });

  it('is not held by a process that is dead, nor by another process with the same number', async () => {
    const path = `${temporaryDirectory()}/lock`;
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeFileSync(path, 'lock');
    const { ino } = statSync(path);
    writeFileSync(path, `lock ${child.pid} 1 ${ino}\n`);
    StoreLock.acquireSync(path).releaseSync();
    writeFileSync(path, `lock ${process.ppid} 1 ${ino}\n`); // Alive, but started at another time.
    StoreLock.acquireSync(path).releaseSync();
  });

  it('is not held by the claim in a copied file', () => {
    const directory = temporaryDirectory();
    const lock = StoreLock.acquireSync(`${directory}/lock`);
    copyFileSync(`${directory}/lock`, `${directory}/copy`);
    StoreLock.acquireSync(`${directory}/copy`).releaseSync();
    lock.releaseSync();
  });
});
