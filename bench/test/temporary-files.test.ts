import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Child } from '../../test/support/child.js';
import { expectDisk } from '../harness/temporary-files.js';

const directory = mkdtempSync(join(tmpdir(), 'rocketnest-temporary-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const MODULE = fileURLToPath(new URL('../harness/temporary-files.ts', import.meta.url));

/** A process that keeps its files together and has written one. */
async function writer(): Promise<Child> {
  const script = `
    import { mkdirSync, writeFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { keepFilesTogether } from ${JSON.stringify(MODULE)};
    keepFilesTogether();
    mkdirSync(tmpdir() + '/store');
    writeFileSync(tmpdir() + '/store/commitlog', 'x');
    setInterval(() => {}, 1_000);
    console.log('written');`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const child = new Child('writer', { command: process.execPath, args, env: { TMPDIR: directory } });
  const written = new Promise<void>((resolve) => child.onLine(() => resolve()));
  await child.race(written, 30_000, 'its file');
  return child;
}

describe('the temporary files of a benchmark', () => {
  it('are gone after it was told to end', async () => {
    const child = await writer();
    expect(existsSync(join(directory, `rocketnest-bench-run-${child.pid}`, 'store', 'commitlog'))).toBe(true);
    expect(await child.stop(30_000)).toBe('code 143');
    expect(readdirSync(directory).filter((name) => name.startsWith('rocketnest'))).toEqual([]);
  });

  it('are removed by the next one when it was killed, and those of others are left', async () => {
    mkdirSync(join(directory, 'somebody-elses'));
    const killed = await writer();
    await killed.kill();
    const next = await writer();
    expect(
      readdirSync(directory)
        .filter((name) => !name.startsWith('tsx'))
        .sort(),
    ).toEqual([`rocketnest-bench-run-${next.pid}`, 'somebody-elses']);
    await next.stop(30_000);
  });

  it('need room, or nothing is begun', async () => {
    await expectDisk(0);
    await expect(expectDisk(1e9)).rejects.toThrow(/1000000000 GiB are needed below .*set TMPDIR/);
  });
});
