import { basename, dirname } from 'node:path';
import { CorruptError, readInt64, writeInt64 } from '@rocketnest/protocol';
import type { Files, StoreFile } from '../files.js';
import { syncFile, writeFully } from '../open-files.js';

/** Slots of one turn: 7 days of seconds, whatever the precision is. Java: `TIMER_WHEEL_TTL_DAY * DAY_SECS`. */
export const SLOTS_TOTAL = 7 * 24 * 3600;
const SLOTS = SLOTS_TOTAL * 2;
const SLOT_BYTES = 32;
const WHEEL_BYTES = SLOTS * SLOT_BYTES;
/** What is written when anything in it changed. */
const PAGE_BYTES = 4096;
const PAGE_SLOTS = PAGE_BYTES / SLOT_BYTES;
const READ_BYTES = PAGE_BYTES * 90;
const NO_BYTES = Buffer.alloc(PAGE_BYTES);

/** What waits for one moment. Java: `Slot`. */
export interface TimerSlot {
  /** First and last unit in the timer log, -1 for an empty slot. */
  readonly first: number;
  readonly last: number;
  /** Messages in it, less those that are to be deleted. */
  readonly count: number;
}

const EMPTY_SLOT: TimerSlot = { first: -1, last: -1, count: 0 };

/**
 * Which units of the timer log are due when: one slot per `precisionMs`, for two turns of 7 days (of seconds).
 *
 * ```
 * 0                 8            16          24      28      32
 * | time/precision  | first unit | last unit | count | magic |   big endian; a file of 1,209,600 slots
 * ```
 * Java: `TimerWheel`. The wheel lives in memory (39 MB, of which only pages with slots in use are backed); changed pages are brought
 * to the file by {@link flush}.
 */
export class TimerWheel {
  private readonly bytes = Buffer.alloc(WHEEL_BYTES);
  /** Pages that ever had anything: the only ones worth looking at. */
  private readonly used = new Uint8Array(Math.ceil(WHEEL_BYTES / PAGE_BYTES));
  private readonly dirty = new Set<number>();
  private file: StoreFile | null = null;

  constructor(
    private readonly files: Files,
    readonly path: string,
    /** Width of a slot in ms. */
    readonly precisionMs: number,
  ) {}

  /**
   * Returns false when there was no file to go by: the wheel is empty then, to be filled from the timer log.
   *
   * @throws CorruptError when the file has another length
   */
  openSync(): boolean {
    const size = this.files.factsSync(this.path)?.size ?? 0;
    if (size !== 0 && size !== WHEEL_BYTES) {
      throw new CorruptError(
        `timer wheel ${this.path} has ${size} bytes, expected ${WHEEL_BYTES}: restore the file, or move it away to have it rebuilt from the timer log`,
        { context: { path: this.path, size, expected: WHEEL_BYTES } },
      );
    }
    this.file = this.files.openSync(this.path, 'create');
    if (size === 0) this.file.truncateSync(WHEEL_BYTES);
    if (size === 0 || this.hasNewerSnapshotSync()) return false;
    const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let at = 0; at < WHEEL_BYTES; at += READ_BYTES) {
      const length = this.file.readSync(chunk, at);
      for (let page = 0; page < length; page += PAGE_BYTES) {
        const content = chunk.subarray(page, Math.min(page + PAGE_BYTES, length));
        if (content.equals(NO_BYTES.subarray(0, content.length))) continue; // stays untouched, hence unbacked
        content.copy(this.bytes, at + page);
        this.used[(at + page) / PAGE_BYTES] = 1;
      }
    }
    return true;
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }

  slot(timeMs: number): TimerSlot {
    const at = this.position(timeMs);
    if (readInt64(this.bytes, at) !== Math.floor(timeMs / this.precisionMs)) return EMPTY_SLOT;
    return {
      first: readInt64(this.bytes, at + 8),
      last: readInt64(this.bytes, at + 16),
      count: this.bytes.readInt32BE(at + 24),
    };
  }

  isEmpty(timeMs: number): boolean {
    return readInt64(this.bytes, this.position(timeMs)) !== Math.floor(timeMs / this.precisionMs);
  }

  /** The first slot from `fromMs` on that has something, `untilMs` when none before that has. */
  nextUsed(fromMs: number, untilMs: number): number {
    for (let timeMs = fromMs; timeMs < untilMs; timeMs += this.precisionMs) {
      const index = this.position(timeMs) / SLOT_BYTES;
      const page = Math.floor(index / PAGE_SLOTS);
      if (this.used[page] === 0) {
        const next = this.used.indexOf(1, page); // -1: none before the end of the turns
        timeMs += ((next === -1 ? SLOTS : next * PAGE_SLOTS) - index - 1) * this.precisionMs;
      } else if (!this.isEmpty(timeMs)) return timeMs;
    }
    return untilMs;
  }

  put(timeMs: number, first: number, last: number, count: number): void {
    const at = this.position(timeMs);
    this.putEnds(at, timeMs, first, last);
    this.bytes.writeInt32BE(count, at + 24);
  }

  /** A unit that recovery found in the log belongs to its slot, whatever the wheel says. */
  revise(timeMs: number, position: number, change: number): void {
    const { first, count } = this.slot(timeMs);
    this.put(timeMs, first === -1 ? position : first, position, count + change);
  }

  /** First unit of slots (from `fromMs` on) that speak of units behind the end of the log; Infinity when there is none. */
  firstBehind(fromMs: number, logEnd: number): number {
    let first = Number.POSITIVE_INFINITY;
    this.forEachFrom(fromMs, (at) => {
      if (readInt64(this.bytes, at + 16) > logEnd) first = Math.min(first, readInt64(this.bytes, at + 8));
    });
    return first;
  }

  /** Messages that wait, from `fromMs` on. Looks at every slot: for start-up. */
  countFrom(fromMs: number): number {
    let count = 0;
    this.forEachFrom(fromMs, (at) => {
      count += this.bytes.readInt32BE(at + 24);
    });
    return count;
  }

  /** Writes the changed pages and waits for the disk. Calls must not overlap. Rejects with the error of the disk. */
  async flush(): Promise<void> {
    const { file } = this;
    if (file === null || this.dirty.size === 0) return;
    const pages = [...this.dirty].sort((a, b) => a - b);
    this.dirty.clear();
    try {
      for (let from = 0; from < pages.length; ) {
        let to = from + 1;
        while (to < pages.length && pages[to] === pages[to - 1]! + 1) to++;
        const start = pages[from]! * PAGE_BYTES;
        const end = Math.min((pages[to - 1]! + 1) * PAGE_BYTES, WHEEL_BYTES);
        // A copy: the wheel turns on while the disk is busy.
        await writeFully(file, [Buffer.from(this.bytes.subarray(start, end))], start);
        from = to;
      }
      await syncFile(file);
    } catch (error) {
      for (const page of pages) this.dirty.add(page);
      throw error;
    }
  }

  /** With `timerWheelSnapshotFlush`, Apache leaves this file as it was and writes others beside it: `timerwheel.<log position>`. */
  private hasNewerSnapshotSync(): boolean {
    const directory = dirname(this.path);
    const modified = (path: string): number => this.files.factsSync(path)?.modifiedMs ?? 0;
    return this.files
      .listSync(directory)
      .filter((name) => name.startsWith(`${basename(this.path)}.`) && /\.\d+$/.test(name))
      .some((name) => modified(`${directory}/${name}`) > modified(this.path));
  }

  private position(timeMs: number): number {
    return (Math.floor(timeMs / this.precisionMs) % SLOTS) * SLOT_BYTES;
  }

  private putEnds(at: number, timeMs: number, first: number, last: number): void {
    writeInt64(Math.floor(timeMs / this.precisionMs), this.bytes, at);
    writeInt64(first, this.bytes, at + 8);
    writeInt64(last, this.bytes, at + 16);
    const page = Math.floor(at / PAGE_BYTES);
    this.used[page] = 1;
    this.dirty.add(page);
  }

  private forEachFrom(fromMs: number, visit: (at: number) => void): void {
    const from = Math.floor(fromMs / this.precisionMs);
    for (let page = this.used.indexOf(1); page !== -1; page = this.used.indexOf(1, page + 1)) {
      const end = Math.min((page + 1) * PAGE_BYTES, WHEEL_BYTES);
      for (let at = page * PAGE_BYTES; at < end; at += SLOT_BYTES) {
        const tick = readInt64(this.bytes, at);
        if (tick >= from && tick < from + SLOTS) visit(at);
      }
    }
  }
}
