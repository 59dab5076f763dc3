import type { Files, StoreFile } from './files.js';
import type { Chunk } from './log-tail.js';
import type { Segments } from './segments.js';
import type { StoreLogger } from './types.js';

/** A run of encoded bytes that waits to be written: `chunk.buffer[from, to)` belongs at `at` in the file of `base`. */
interface Extent {
  readonly base: number;
  readonly at: number;
  readonly chunk: Chunk;
  readonly from: number;
  to: number;
  /** Log offset reached once it is written. */
  end: number;
  /** Store time of its newest message. */
  timestamp: number;
}

/** Bounds the callbacks that run after one write, and with it the time the loop is busy with them. */
const MAX_WRITE_BYTES = 1024 * 1024;

/** Up to this, copying into the page cache takes less of the loop's time than having the thread pool do it (measured). */
const MAX_WRITE_NOW_BYTES = 256 * 1024;

export interface LogWriterEvents {
  /** `writtenOffset` advanced: everything before it is in the page cache. */
  written(): void;
  /** `syncedOffset` advanced: everything before it is on the disk. */
  synced(): void;
  /** The writer has stopped for good. `creating`: it could not create the next file; else a write or an fsync failed. */
  failed(creating: boolean): void;
}

/**
 * Brings encoded bytes to the commit log files: one write at a time, everything that gathered meanwhile goes into the next; syncs
 * run beside the writes, again one at a time. Knows nothing of messages.
 */
export class LogWriter {
  /** Everything before is in the page cache. */
  writtenOffset = 0;
  /** Everything before is on the disk. */
  syncedOffset = 0;
  /** Store time of the newest message before `syncedOffset`. */
  syncedTimestamp = 0;
  /** Where `close` and `sync` have to get to. */
  private appendedOffset = 0;

  private unwritten: Extent[] = [];
  private readonly open = new Map<number, StoreFile>();
  private readonly unsynced = new Set<number>();
  private writtenTimestamp = 0;
  private writing = false;
  private syncing = false;
  private creating = false;
  private createFailed = false;
  private scheduled = false;
  private stopped = false;
  private syncWaiters: { offset: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  private failure: Error | null = null;

  constructor(
    private readonly files: Files,
    private readonly segments: Segments,
    private readonly syncsEveryWrite: () => boolean,
    private readonly events: LogWriterEvents,
    private readonly logger: StoreLogger,
  ) {}

  /** Begins at the end of the recovered log. */
  startSync(offset: number): void {
    this.writtenOffset = offset;
    this.syncedOffset = offset;
    this.appendedOffset = offset;
    const base = this.segments.baseOf(offset);
    if (this.segments.contains(base)) this.open.set(base, this.files.openSync(this.segments.path(base), 'write'));
    else this.createNext(true);
  }

  /** Queues `chunk.buffer[from, to)`, which continues the log at `at`; `end` is the log offset behind it. */
  append(base: number, at: number, chunk: Chunk, from: number, to: number, end: number, timestamp: number): void {
    const last = this.unwritten[this.unwritten.length - 1];
    if (last && last.chunk === chunk && last.base === base && last.to === from) {
      last.to = to;
      last.end = end;
      last.timestamp = timestamp;
    } else {
      this.unwritten.push({ base, at, chunk, from, to, end, timestamp });
    }
    this.appendedOffset = end;
    if (!this.scheduled && !this.writing) {
      // Everything appended in this turn of the loop goes into one write.
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.write();
      });
    }
  }

  /** Resolves when everything appended before the call is on the disk. Rejects when the writer has failed. */
  sync(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.syncedOffset >= this.appendedOffset) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.syncWaiters.push({ offset: this.appendedOffset, resolve, reject });
      this.startSyncing();
    });
  }

  /** Drops the files. The owner has waited for `sync` before, or does not care. */
  close(): void {
    this.stopped = true;
    for (const file of this.open.values()) file.close();
    this.open.clear();
  }

  private write(): void {
    const first = this.unwritten[0];
    if (this.writing || this.stopped || !first) return;
    this.createAhead(first.base);
    const file = this.open.get(first.base);
    if (!file) return; // It is being created; createNext goes on from there.

    const buffers: Buffer[] = [];
    let count = 0;
    let bytes = 0;
    for (; count < this.unwritten.length && bytes < MAX_WRITE_BYTES; count++) {
      const extent = this.unwritten[count]!;
      if (extent.base !== first.base) break;
      buffers.push(extent.chunk.buffer.subarray(extent.from, extent.to));
      bytes += extent.to - extent.from;
    }
    const { end, timestamp } = this.unwritten[count - 1]!;
    this.unwritten = this.unwritten.slice(count);
    this.writing = true;
    const position = first.at - first.base;
    const written = (error: Error | null): void => {
      this.writing = false;
      if (this.stopped) return;
      if (error) {
        this.fail(error);
        return;
      }
      this.unsynced.add(first.base);
      this.writtenOffset = end;
      this.writtenTimestamp = timestamp;
      this.write(); // The next write is under way while the callbacks of this one run.
      if (this.syncsEveryWrite() || this.syncWaiters.length > 0) this.startSyncing();
      this.events.written();
    };
    let done = false;
    let failure: Error | null = null;
    try {
      // Pages that are being synced may hold up whoever writes to them.
      done = !this.syncing && bytes <= MAX_WRITE_NOW_BYTES && file.writeNow(buffers, position);
    } catch (error) {
      done = true;
      failure = error as Error;
    }
    if (done) written(failure);
    else file.write(buffers, position, written);
  }

  private startSyncing(): void {
    if (this.syncing || this.stopped || this.syncedOffset >= this.writtenOffset) return;
    this.syncing = true;
    const target = this.writtenOffset;
    const timestamp = this.writtenTimestamp;
    const bases = [...this.unsynced];
    this.unsynced.clear();
    const next = (): void => {
      const base = bases.shift();
      if (base !== undefined) {
        this.open.get(base)!.sync((error) => {
          if (this.stopped) return;
          if (error) return this.fail(error);
          next();
        });
        return;
      }
      this.syncing = false;
      this.syncedOffset = target;
      this.syncedTimestamp = timestamp;
      this.closeFilesBefore(target);
      if (this.syncsEveryWrite()) this.startSyncing();
      this.events.synced();
      this.wakeSyncWaiters();
    };
    next();
  }

  private wakeSyncWaiters(): void {
    const waiting = this.syncWaiters;
    this.syncWaiters = waiting.filter(({ offset }) => offset > this.syncedOffset);
    for (const { offset, resolve } of waiting) if (offset <= this.syncedOffset) resolve();
    if (this.syncWaiters.length > 0) this.startSyncing();
  }

  /** A file that is full and on the disk is of no more use here; readers open it for themselves. */
  private closeFilesBefore(offset: number): void {
    for (const [base, file] of this.open) {
      if (base + this.segments.size > offset || this.unsynced.has(base)) continue;
      this.open.delete(base);
      file.close();
    }
  }

  /** Creates the next file when the current one is half used, so that rolling over does not wait for it. */
  private createAhead(base: number): void {
    const last = this.segments.end - this.segments.size;
    if (base > last) this.createNext(true);
    // One failure while nobody needs the file yet is no reason to stop, nor to try again with every write.
    else if (base === last && !this.createFailed && this.appendedOffset > base + this.segments.size / 2)
      this.createNext(false);
  }

  private createNext(needed: boolean): void {
    if (this.creating || this.stopped) return;
    this.creating = true;
    const base = this.segments.empty ? this.segments.baseOf(this.appendedOffset) : this.segments.end;
    const path = this.segments.path(base);
    this.files.createSized(path, this.segments.size, true, (error, file) => {
      this.creating = false;
      if (this.stopped) {
        file?.close();
        return;
      }
      this.createFailed = !file;
      if (file) {
        this.segments.add(base);
        this.open.set(base, file);
      } else if (needed) {
        this.fail(error!, true);
      } else {
        this.logger.warn('next commit log file could not be created yet', { path, error });
      }
      this.write();
    });
  }

  private fail(error: Error, creating = false): void {
    if (this.failure) return;
    this.failure = error;
    this.stopped = true;
    this.logger.error('commit log cannot be written: the store takes no more messages until it is restarted', {
      directory: this.segments.directory,
      writtenOffset: this.writtenOffset,
      syncedOffset: this.syncedOffset,
      error,
    });
    this.unwritten = [];
    for (const waiter of this.syncWaiters.splice(0)) waiter.reject(error);
    this.events.failed(creating);
  }
}
