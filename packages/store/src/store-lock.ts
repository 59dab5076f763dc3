import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { StoreError } from '@rocketnest/protocol';

/** What Apache writes into the file, and all it looks at. Java: `DefaultMessageStore.start`. */
const APACHE_CONTENT = 'lock';

/**
 * Keeps two stores from opening one directory.
 *
 * Apache holds an operating system lock on the first byte of the file `lock`, which Node cannot take. We see Apache's lock in
 * /proc/locks, and leave our own claim (`lock <pid> <start time of the process> <inode>`) behind Apache's four bytes, for other
 * RocketNest processes. The claim of a dead process, or a copied file, does not count. Apache does not see our claim: do not start
 * it on a directory that is in use.
 */
export class StoreLock {
  private constructor(private readonly path: string) {}

  /** @throws StoreError when another running process has the directory open, or this one has it open already. */
  static acquireSync(path: string): StoreLock {
    const owner = apacheOwner(path) ?? claimant(path);
    if (owner !== null) {
      throw new StoreError(
        `store directory is in use by process ${owner} (lock file ${path}): stop that process, or use another storePathRootDir`,
        { context: { path, owner } },
      );
    }
    writeFileSync(path, APACHE_CONTENT);
    const claim = `${APACHE_CONTENT} ${process.pid} ${processStart(process.pid) ?? '-'} ${statSync(path).ino}\n`;
    writeFileSync(path, claim);
    return new StoreLock(path);
  }

  releaseSync(): void {
    writeFileSync(this.path, APACHE_CONTENT);
  }
}

/** Process that holds the operating system lock on the file, by Linux's list of locks; null when none, or not on Linux. */
function apacheOwner(path: string): number | null {
  try {
    const inode = String(statSync(path).ino);
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      // 1: POSIX  ADVISORY  WRITE 4711 08:01:1234567 0 0
      const words = line.trim().split(/\s+/);
      if (words[1] === 'POSIX' && words[5]?.split(':')[2] === inode && Number(words[4]) !== process.pid)
        return Number(words[4]);
    }
  } catch {
    // No file yet, or no /proc: nothing to see.
  }
  return null;
}

/** Living process that left its claim in the file, or null. */
function claimant(path: string): number | null {
  let words: string[];
  let inode: number;
  try {
    words = readFileSync(path, 'latin1').split(/\s+/);
    inode = statSync(path).ino;
  } catch {
    return null;
  }
  const [, pid, start, claimedInode] = words;
  if (!pid || Number(claimedInode) !== inode || !isAlive(Number(pid))) return null;
  return (processStart(Number(pid)) ?? '-') === start ? Number(pid) : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tells a process from a later one with the same number; null where there is no /proc. */
function processStart(pid: number): string | null {
  try {
    readlinkSync('/proc/self');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22; counted from behind the command, which may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
