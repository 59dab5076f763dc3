/**
 * The few file operations the store uses, and their Node implementation.
 *
 * Everything the store does to a disk goes through these two interfaces, so a test can hand in files that fail, write short or lie
 * about fsync. The `…Sync` forms are for start-up and for tools, and for what {@link WritePace} watches over; the running store uses the
 * others.
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { WritePace } from './write-pace.js';

export type Done = (error: Error | null) => void;

/** An open file. Positions and lengths are bytes. Calls may overlap, except that nothing may be used after `close`. */
export interface StoreFile {
  readonly path: string;
  /** Writes all buffers, back to back, at `position`; succeeds only when every byte is in the page cache. */
  write(buffers: readonly Buffer[], position: number, done: Done): void;
  /**
   * {@link write} before it returns, where that is a matter of copying memory. False: nothing was written, the disk might make the caller
   * wait. Throws what a write fails with; then part of the bytes may be there.
   */
  writeNow(buffers: readonly Buffer[], position: number): boolean;
  /** Fills `target` from `position`; fewer bytes only at the end of the file. */
  read(target: Buffer, position: number, done: (error: Error | null, bytesRead: number) => void): void;
  /** Data and the metadata needed to read it back are on the disk (fdatasync). */
  sync(done: Done): void;
  writeSync(buffer: Buffer, position: number): void;
  readSync(target: Buffer, position: number): number;
  syncSync(): void;
  /** Sets the length. Growing makes a hole that reads as zeros; shrinking and growing again zeroes a range. */
  truncateSync(length: number): void;
  close(): void;
  closeSync(): void;
}

/** `write` reads, too, and wants the file to exist; `create` makes it when it does not. */
export type OpenMode = 'read' | 'write' | 'create';

/** Facts about a path. */
export interface FileFacts {
  readonly size: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

/** Room on a file system. */
export interface DiskFacts {
  readonly totalBytes: number;
  /** Free, what is reserved for the system included. */
  readonly freeBytes: number;
  /** Free for this process. */
  readonly availableBytes: number;
}

export interface Files {
  open(path: string, mode: OpenMode, done: (error: Error | null, file?: StoreFile) => void): void;
  openSync(path: string, mode: OpenMode): StoreFile;
  /** Creates (or empties) a file and gives it `size` zero bytes without writing them; `durable`: its name survives a power failure. */
  createSized(
    path: string,
    size: number,
    durable: boolean,
    done: (error: Error | null, file?: StoreFile) => void,
  ): void;
  createSizedSync(path: string, size: number): StoreFile;
  /** Names in a directory, sorted; empty when the directory does not exist. */
  listSync(directory: string): string[];
  factsSync(path: string): FileFacts | null;
  makeDirectorySync(path: string): void;
  makeDirectory(path: string, done: Done): void;
  removeSync(path: string): void;
  remove(path: string, done: Done): void;
  /** Removes a directory if it is empty; says nothing when it is not. */
  removeEmptyDirectorySync(path: string): void;
  /**
   * Names this file for as long as the system runs: another one after a boot, for a copy of the file, and on another disk. While it
   * is the same, what a process wrote is there, even if the process was killed. Null where that cannot be told.
   */
  identitySync(path: string): string | null;
  /** Room on the file system of a path. */
  space(path: string, done: (error: Error | null, facts?: DiskFacts) => void): void;
}

class NodeFile implements StoreFile {
  private readonly pace = new WritePace();

  constructor(
    readonly path: string,
    private readonly fd: number,
  ) {}

  write(buffers: readonly Buffer[], position: number, done: Done): void {
    const total = buffers.length === 1 ? buffers[0]!.length : buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    const finish = (error: Error | null, written: number): void => {
      if (error || written === total) done(error);
      else if (written === 0) done(new Error(`write of ${total} bytes at ${position} of ${this.path} wrote nothing`));
      // A short write is legal. Going on from where it stopped either completes it or brings the reason (ENOSPC, EIO).
      else this.write(skip(buffers, written), position + written, done);
    };
    if (buffers.length === 1) fs.write(this.fd, buffers[0]!, 0, total, position, finish);
    else fs.writev(this.fd, buffers as Buffer[], position, finish);
  }

  writeNow(buffers: readonly Buffer[], position: number): boolean {
    if (!this.pace.quick) return false;
    const startedAt = performance.now();
    for (const buffer of buffers) {
      this.writeSync(buffer, position);
      position += buffer.length;
    }
    this.pace.wrote(startedAt);
    return true;
  }

  read(target: Buffer, position: number, done: (error: Error | null, bytesRead: number) => void, filled = 0): void {
    fs.read(this.fd, target, filled, target.length - filled, position + filled, (error, bytesRead) => {
      if (error) return done(error, filled);
      filled += bytesRead;
      if (bytesRead === 0 || filled === target.length) return done(null, filled);
      this.read(target, position, done, filled);
    });
  }

  sync(done: Done): void {
    fs.fdatasync(this.fd, done);
  }

  writeSync(buffer: Buffer, position: number): void {
    for (let at = 0; at < buffer.length; ) at += fs.writeSync(this.fd, buffer, at, buffer.length - at, position + at);
  }

  readSync(target: Buffer, position: number): number {
    let at = 0;
    while (at < target.length) {
      const bytesRead = fs.readSync(this.fd, target, at, target.length - at, position + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at;
  }

  syncSync(): void {
    fs.fdatasyncSync(this.fd);
  }

  truncateSync(length: number): void {
    fs.ftruncateSync(this.fd, length);
  }

  close(): void {
    fs.close(this.fd, () => {});
  }

  closeSync(): void {
    fs.closeSync(this.fd);
  }
}

function skip(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    if (bytes >= buffer.length) bytes -= buffer.length;
    else {
      rest.push(bytes === 0 ? buffer : buffer.subarray(bytes));
      bytes = 0;
    }
  }
  return rest;
}

const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
const openFlags: Readonly<Record<OpenMode, number>> = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT };

/** fsync of a directory makes the names in it durable; systems that cannot do it (Windows) need not. */
function syncDirectory(path: string, done: Done): void {
  fs.open(path, 'r', (openError, fd) => {
    if (openError) return done(null);
    fs.fsync(fd, () => fs.close(fd, () => done(null)));
  });
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** The real disk. */
export const nodeFiles: Files = {
  open(path, mode, done) {
    fs.open(path, openFlags[mode], (error, fd) => (error ? done(error) : done(null, new NodeFile(path, fd))));
  },
  openSync(path, mode) {
    return new NodeFile(path, fs.openSync(path, openFlags[mode]));
  },
  createSized(path, size, durable, done) {
    fs.open(path, O_RDWR | O_CREAT | O_TRUNC, (openError, fd) => {
      if (openError) return done(openError);
      fs.ftruncate(fd, size, (error) => {
        if (error) return fs.close(fd, () => done(error));
        const file = new NodeFile(path, fd);
        if (durable) syncDirectory(dirname(path), () => done(null, file));
        else done(null, file);
      });
    });
  },
  createSizedSync(path, size) {
    const fd = fs.openSync(path, O_RDWR | O_CREAT | O_TRUNC);
    const file = new NodeFile(path, fd);
    try {
      file.truncateSync(size);
    } catch (error) {
      file.closeSync();
      throw error;
    }
    return file;
  },
  listSync(directory) {
    try {
      return fs.readdirSync(directory).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  factsSync(path) {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    return stats ? { size: stats.size, modifiedMs: stats.mtimeMs, isDirectory: stats.isDirectory() } : null;
  },
  makeDirectorySync(path) {
    fs.mkdirSync(path, { recursive: true });
  },
  makeDirectory(path, done) {
    fs.mkdir(path, { recursive: true }, (error) => done(error));
  },
  removeSync(path) {
    fs.rmSync(path, { force: true });
  },
  remove(path, done) {
    fs.rm(path, { force: true }, done);
  },
  removeEmptyDirectorySync(path) {
    try {
      fs.rmdirSync(path);
    } catch {
      // Not empty, or not there: nothing to tidy.
    }
  },
  identitySync(path) {
    try {
      const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
      const { dev, ino } = fs.statSync(path);
      return `${boot} ${dev} ${ino}`;
    } catch {
      return null; // No file, or not Linux.
    }
  },
  space(path, done) {
    fs.statfs(path, (error, stats) => {
      if (error) return done(error);
      const { bsize, blocks, bfree, bavail } = stats;
      done(null, { totalBytes: blocks * bsize, freeBytes: bfree * bsize, availableBytes: bavail * bsize });
    });
  },
};
