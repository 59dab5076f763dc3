import type { Files, StoreFile } from './files.js';

/** Read at least so much of a file that is read from front to back: what two dozen pulls want of a consume queue. */
const READ_AHEAD_BYTES = 16 * 1024;

interface Entry {
  readonly opening: Promise<StoreFile>;
  file: StoreFile | null;
  users: number;
  dropped: boolean;
  /** What was read last by {@link OpenFiles.readOn}. */
  ahead: { readonly position: number; readonly bytes: Buffer } | null;
}

/**
 * Bounded set of open files, least recently used out first.
 *
 * With 10,000 topics of 8 queues there are far more files than descriptors; every segment that is not being appended to is reached
 * through here. `use` keeps the file open for as long as the work runs.
 */
export class OpenFiles {
  /** Insertion order is age: a file that is used moves to the end. */
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly files: Files,
    private readonly limit: number,
  ) {}

  /** Runs `work` with the file open. Rejects with the error of opening or of the work. */
  async use<T>(path: string, work: (file: StoreFile) => Promise<T>): Promise<T> {
    const entry = this.enter(path);
    try {
      return await work(entry.file ?? (await entry.opening));
    } finally {
      this.leave(path, entry);
    }
  }

  /**
   * Bytes [`position`, `position + size`) of a file that is read from front to back, fewer when it is shorter: some of what follows, up
   * to `end`, is read as well and kept, so that the next call needs no read. Nothing before `end` may change while the file is there.
   */
  readOn(path: string, position: number, size: number, end: number): Buffer | Promise<Buffer> {
    const ahead = this.entries.get(path)?.ahead;
    const from = ahead ? position - ahead.position : -1;
    if (ahead && from >= 0 && from + size <= ahead.bytes.length) return ahead.bytes.subarray(from, from + size);
    return this.readAhead(path, position, Math.min(Math.max(size, READ_AHEAD_BYTES), end - position), size);
  }

  private async readAhead(path: string, position: number, size: number, wanted: number): Promise<Buffer> {
    const entry = this.enter(path);
    try {
      const buffer = Buffer.allocUnsafeSlow(size);
      const length = await readFully(entry.file ?? (await entry.opening), buffer, position);
      if (length > wanted) entry.ahead = { position, bytes: buffer.subarray(0, length) };
      return buffer.subarray(0, Math.min(wanted, length));
    } finally {
      this.leave(path, entry);
    }
  }

  /** Forgets a file that is about to be deleted or changed behind our back; it is closed when its last user is done. */
  drop(path: string): void {
    const entry = this.entries.get(path);
    if (!entry) return;
    this.entries.delete(path);
    entry.dropped = true;
    if (entry.users === 0) entry.file?.close();
  }

  closeAll(): void {
    for (const path of [...this.entries.keys()]) this.drop(path);
  }

  private enter(path: string): Entry {
    let entry = this.entries.get(path);
    if (entry) this.entries.delete(path);
    else {
      const opening = new Promise<StoreFile>((resolve, reject) => {
        this.files.open(path, 'write', (error, file) => (file ? resolve(file) : reject(error)));
      });
      const created: Entry = { opening, file: null, users: 0, dropped: false, ahead: null };
      opening.then(
        (file) => {
          created.file = file;
          if (created.dropped && created.users === 0) file.close();
        },
        () => this.entries.get(path) === created && this.entries.delete(path),
      );
      entry = created;
    }
    this.entries.set(path, entry);
    entry.users++;
    if (this.entries.size > this.limit) this.evict();
    return entry;
  }

  private leave(path: string, entry: Entry): void {
    entry.users--;
    if (entry.users > 0) return;
    if (entry.dropped) entry.file?.close();
    else if (this.entries.size > this.limit && this.entries.get(path) === entry) this.drop(path);
  }

  private evict(): void {
    for (const [path, entry] of this.entries) {
      if (entry.users > 0) continue;
      this.drop(path);
      if (this.entries.size <= this.limit) return;
    }
  }
}

/** Callback to promise, for paths that touch the disk anyway. */
export const readFully = (file: StoreFile, target: Buffer, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    file.read(target, position, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)));
  });

export const writeFully = (file: StoreFile, buffers: readonly Buffer[], position: number): Promise<void> =>
  new Promise((resolve, reject) => {
    file.write(buffers, position, (error) => (error ? reject(error) : resolve()));
  });

export const syncFile = (file: StoreFile): Promise<void> =>
  new Promise((resolve, reject) => {
    file.sync((error) => (error ? reject(error) : resolve()));
  });
