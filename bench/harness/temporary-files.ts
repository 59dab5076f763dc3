import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'rocketnest-bench-run-';
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const GiB = 2 ** 30;
/** From 85 % on, brokers delete messages whatever their age; with something in hand for what else writes. */
const FULLEST = 0.8;

/**
 * From now on all temporary files of this process and its children are in one directory, which goes when the process ends, also by a
 * signal: some stores have 25 GiB. What a run left that could not clean up (kill -9) is removed here.
 */
export function keepFilesTogether(): void {
  const parent = tmpdir();
  for (const name of readdirSync(parent)) {
    if (name.startsWith(PREFIX) && !isRunning(Number(name.slice(PREFIX.length)))) remove(join(parent, name));
  }
  const own = join(parent, `${PREFIX}${process.pid}`);
  mkdirSync(own);
  process.env['TMPDIR'] = own;
  process.on('exit', () => remove(own));
  for (const signal of ENDING_SIGNALS) process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/**
 * For what writes much.
 * @throws {Error} when the disk of the temporary files would become so full that brokers delete or refuse messages
 */
export async function expectDisk(gib: number): Promise<void> {
  const { bsize, blocks, bfree, bavail } = await statfs(tmpdir());
  const used = (blocks - bfree) * bsize;
  const spare = FULLEST * (used + bavail * bsize) - used;
  if (gib * GiB <= spare) return;
  throw new Error(
    `${gib} GiB are needed below ${tmpdir()}, and there is room for ${Math.max(0, spare / GiB).toFixed(1)} GiB until its disk is ` +
      `${FULLEST * 100} % full: make room, or set TMPDIR to a directory of a larger disk`,
  );
}

/** Servers that are about to end may still be writing. */
function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
