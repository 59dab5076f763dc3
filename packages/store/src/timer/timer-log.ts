import type { Files, StoreFile } from '../files.js';
import { OpenFiles, readFully, syncFile, writeFully } from '../open-files.js';
import { Segments } from '../segments.js';
import type { StoreLogger } from '../types.js';
import {
  BLANK_UNIT_BYTES,
  decodeTimerUnit,
  encodeBlankUnit,
  encodeTimerUnit,
  isBlankUnit,
  type TimerUnit,
  UNIT_BYTES,
} from './timer-unit.js';

const EXTENT_BYTES = UNIT_BYTES * 315;
const BLOCK_BYTES = UNIT_BYTES * 315;
const BLOCKS_KEPT = 64;
const BLOCKS_AT_A_TIME = 16;
const SCAN_BYTES = UNIT_BYTES * 20_000;
const MAX_OPEN_FILES = 16;

/** Encoded units that wait to be written, one after another in one file. */
interface Extent {
  readonly position: number;
  readonly buffer: Buffer;
  length: number;
  /** Handed to the disk: takes no more. */
  sealed: boolean;
}

/**
 * All waiting messages in the order they came, as units of 52 bytes; those of one slot are linked backwards.
 * `timerlog/<20 digits>`, files of `mappedFileSizeTimerLog` bytes. Java: `TimerLog`.
 *
 * Units are appended in memory and written soon, everything that gathered at once.
 */
export class TimerLog {
  readonly segments: Segments;
  private readonly openFiles: OpenFiles;
  private extents: Extent[] = [];
  private readonly unsynced = new Set<number>();
  private writing: Promise<void> | null = null;
  private end_ = 0;

  constructor(
    private readonly files: Files,
    directory: string,
    fileSize: number,
  ) {
    this.segments = new Segments(files, directory, fileSize);
    this.openFiles = new OpenFiles(files, MAX_OPEN_FILES);
  }

  /** Where the next unit goes. */
  get end(): number {
    return this.end_;
  }

  /** Units appended and not yet written. */
  get backlog(): number {
    return this.extents.reduce((bytes, { length }) => bytes + length, 0) / UNIT_BYTES;
  }

  /** @throws CorruptError when a file is missing or has another length */
  loadSync(logger: StoreLogger): void {
    this.segments.loadSync(logger);
  }

  /**
   * Visits the units from the file that holds `from` on. Returns where they end.
   * Java: `recoverAndRevise`.
   */
  scanSync(from: number, visit: (unit: TimerUnit, position: number) => void): number {
    const { segments } = this;
    const buffer = Buffer.allocUnsafeSlow(Math.min(SCAN_BYTES, segments.size));
    let end = segments.start;
    const first = segments.baseOf(Math.min(from, Math.max(segments.start, segments.end - 1)));
    for (const base of segments.bases) {
      if (base < first) continue;
      const file = this.files.openSync(segments.path(base), 'read');
      try {
        end = base + scanFileSync(file, buffer, (unit, at) => visit(unit, base + at));
        if (end < base + segments.size && !endsWithBlank(file, end - base)) return end;
      } finally {
        file.closeSync();
      }
    }
    return end;
  }

  /** Units end here: what is behind is removed. */
  startSync(end: number): void {
    this.segments.cutSync(end);
    this.end_ = end;
  }

  /** Returns the unit's position. */
  append(unit: TimerUnit): number {
    const { segments } = this;
    const left = segments.size - (this.end_ % segments.size);
    if (left < UNIT_BYTES + BLANK_UNIT_BYTES) {
      const extent = this.room(BLANK_UNIT_BYTES);
      encodeBlankUnit(left, extent.buffer, extent.length);
      extent.length += BLANK_UNIT_BYTES;
      this.end_ += left;
    }
    const extent = this.room(UNIT_BYTES);
    encodeTimerUnit(unit, extent.buffer, extent.length);
    extent.length += UNIT_BYTES;
    const position = this.end_;
    this.end_ += UNIT_BYTES;
    return position;
  }

  /** Resolves when everything appended so far is in the files. Rejects with the error of the disk; calling again tries again. */
  async written(): Promise<void> {
    const { end_ } = this;
    while (this.extents.length > 0 && this.extents[0]!.position < end_) {
      this.writing ??= this.write().finally(() => {
        this.writing = null;
      });
      await this.writing;
    }
  }

  /** Resolves when everything appended so far is on the disk. Calls must not overlap. */
  async sync(): Promise<void> {
    await this.written();
    for (const base of [...this.unsynced]) {
      this.unsynced.delete(base);
      try {
        await this.openFiles.use(this.segments.path(base), syncFile);
      } catch (error) {
        this.unsynced.add(base);
        throw error;
      }
    }
  }

  /** Visits the units from `from`, a unit's position, to `to`; all of them are written. */
  async scan(from: number, to: number, visit: (unit: TimerUnit) => void): Promise<void> {
    const { segments } = this;
    for (let position = from; position < to && segments.contains(position); ) {
      const base = segments.baseOf(position);
      const wanted = Math.min(BLOCK_BYTES * BLOCKS_AT_A_TIME, to - position, segments.size - (position - base));
      const block = await this.read(base, position - base, wanted);
      let at = 0;
      for (let unit = decodeTimerUnit(block, at); unit !== null; unit = decodeTimerUnit(block, at)) {
        visit(unit);
        at += UNIT_BYTES;
      }
      position = at === 0 || position + at - base + UNIT_BYTES > segments.size ? base + segments.size : position + at;
    }
  }

  /**
   * Reads units backwards, also those that are not written yet (the disk may be slow, their time does not wait). Keeps what it read,
   * so use one for a slot and let it go.
   */
  reader(): (position: number) => Promise<TimerUnit | null> {
    const { segments } = this;
    const blocks = new Map<number, Buffer>();
    return async (position) => {
      const extent = this.extents.find((one) => position >= one.position && position < one.position + one.length);
      if (extent) return decodeTimerUnit(extent.buffer, position - extent.position);
      if (!segments.contains(position)) return null; // Deleted: its message is gone, too.
      const base = segments.baseOf(position);
      const start = base + Math.floor((position - base) / BLOCK_BYTES) * BLOCK_BYTES;
      let block = blocks.get(start);
      if (block === undefined) {
        block = await this.read(base, start - base, Math.min(BLOCK_BYTES, segments.size - (start - base)));
        if (blocks.size >= BLOCKS_KEPT) blocks.delete(blocks.keys().next().value!);
        blocks.set(start, block);
      }
      return decodeTimerUnit(block, position - start);
    };
  }

  /** Deletes files, but the last, whose newest unit speaks of a message that the commit log no longer has. */
  async deleteBefore(minCommitLogOffset: number): Promise<void> {
    const { segments } = this;
    const room = segments.size - BLANK_UNIT_BYTES - UNIT_BYTES;
    const lastUnit = room - (room % UNIT_BYTES);
    while (segments.bases.length > 1) {
      const base = segments.start;
      const newest = decodeTimerUnit(await this.read(base, lastUnit, UNIT_BYTES), 0);
      if (newest === null || newest.commitLogOffset >= minCommitLogOffset) return;
      const path = segments.path(base);
      this.openFiles.drop(path);
      await new Promise<void>((resolve, reject) => {
        this.files.remove(path, (error) => (error ? reject(error) : resolve()));
      });
      segments.bases.shift();
    }
  }

  close(): void {
    this.openFiles.closeAll();
  }

  /** The extent that takes `bytes` more at the end of the log. */
  private room(bytes: number): Extent {
    const last = this.extents.at(-1);
    const fits =
      last?.sealed === false &&
      last.length + bytes <= last.buffer.length &&
      last.position + last.length === this.end_ &&
      this.end_ % this.segments.size !== 0;
    if (fits) return last;
    const buffer = Buffer.allocUnsafeSlow(EXTENT_BYTES);
    const extent = { position: this.end_, buffer, length: 0, sealed: false };
    this.extents.push(extent);
    return extent;
  }

  /** Writes the extents that stand one after another in one file. */
  private async write(): Promise<void> {
    const { segments } = this;
    const first = this.extents[0]!;
    const base = segments.baseOf(first.position);
    let end = first.position;
    const run = this.extents.filter((extent) => {
      if (extent.position !== end || segments.baseOf(extent.position) !== base) return false;
      end += extent.length;
      extent.sealed = true;
      return true;
    });
    if (!segments.contains(base)) await this.create(base);
    const buffers = run.map(({ buffer, length }) => buffer.subarray(0, length));
    await this.openFiles.use(segments.path(base), (file) => writeFully(file, buffers, first.position - base));
    this.unsynced.add(base);
    this.extents = this.extents.slice(run.length);
  }

  private create(base: number): Promise<void> {
    const { segments, files } = this;
    return new Promise((resolve, reject) => {
      files.makeDirectory(segments.directory, (noDirectory) => {
        if (noDirectory) return reject(noDirectory);
        files.createSized(segments.path(base), segments.size, true, (error, file) => {
          if (!file) return reject(error);
          file.close();
          segments.add(base);
          resolve();
        });
      });
    });
  }

  private async read(base: number, at: number, bytes: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const length = await this.openFiles.use(this.segments.path(base), (file) => readFully(file, buffer, at));
    return buffer.subarray(0, length);
  }
}

/** Visits the units of a file. Returns where they end. */
function scanFileSync(file: StoreFile, buffer: Buffer, visit: (unit: TimerUnit, at: number) => void): number {
  for (let start = 0; ; ) {
    const length = file.readSync(buffer, start);
    const block = buffer.subarray(0, length);
    let at = 0;
    for (; at + UNIT_BYTES <= length; at += UNIT_BYTES) {
      const unit = decodeTimerUnit(block, at);
      if (unit === null) return start + at;
      visit(unit, start + at);
    }
    if (at === 0) return start;
    start += at;
  }
}

function endsWithBlank(file: StoreFile, at: number): boolean {
  const buffer = Buffer.alloc(BLANK_UNIT_BYTES);
  return isBlankUnit(buffer.subarray(0, file.readSync(buffer, at)), 0);
}
