import type { Files, StoreFile } from './files.js';
import { type OpenFiles, syncFile, writeFully } from './open-files.js';
import { Segments } from './segments.js';
import type { StoreLogger } from './types.js';

/** Layout of the units of one kind of consume queue. In memory a unit is `stride` numbers, the first two log offset and size. */
export interface UnitLayout {
  /** Bytes per unit in a file. */
  readonly bytes: number;
  /** Numbers per unit in memory. */
  readonly stride: number;
  /** Stands for no message: fills the place before the first unit of a queue that begins in the middle of a file. */
  readonly filler: readonly number[];
  encode(target: Buffer, at: number, values: readonly number[], from: number): void;
  /** False where nothing was ever written. */
  isWritten(source: Buffer, at: number): boolean;
  /** Appends the numbers of the unit at `at`. */
  decode(source: Buffer, at: number, values: number[]): void;
}

const TWO_32 = 2 ** 32;

/** A safe integer as Java's long, big endian. */
export function writeLong(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  target.writeInt32BE(high, at);
  target.writeUInt32BE(value - high * TWO_32, at + 4);
}

export const readLong = (source: Buffer, at: number): number =>
  source.readInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);

/** Appends the units in `source` to `values` until one that was never written; returns how many. */
export function decodeUnits(layout: UnitLayout, source: Buffer, values: number[]): number {
  let count = 0;
  for (let at = 0; at + layout.bytes <= source.length; at += layout.bytes) {
    if (!layout.isWritten(source, at)) break;
    layout.decode(source, at, values);
    count++;
  }
  return count;
}

/** Whether a unit's numbers are the layout's filler. */
export const isFillerOf = (layout: UnitLayout, commitLogOffset: number, size: number): boolean =>
  commitLogOffset === layout.filler[0] && size === layout.filler[1];

/** First and last unit that stand for a message, as found by loading; null when there is none. */
export interface LoadedUnits {
  readonly first: readonly number[] | null;
  readonly last: readonly number[] | null;
}

/**
 * Units of equal size, numbered without gaps, in segment files: what all consume queues are made of.
 *
 * New units live in a small tail in memory and are written to the files in batches. The tail keeps written units only while their
 * messages are in the commit log's own tail, so that gets of fresh messages touch no file and idle queues cost nothing.
 */
export abstract class UnitFiles {
  readonly segments: Segments;
  /** Behind the newest unit. */
  protected endUnit = 0;
  protected tail: number[] = [];
  /** Number of the first unit in `tail`. */
  protected tailUnit = 0;
  /** Units before this are in the files. */
  private writtenUnit = 0;
  /** Segments written to since the last sync. */
  private unsynced: number[] = [];
  private flushing: Promise<void> | null = null;
  protected destroyed = false;
  /** Files were missing when it was loaded: what it lacks has to be found in the commit log, from its start on. */
  damaged = false;

  constructor(
    readonly layout: UnitLayout,
    directory: string,
    fileSize: number,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    protected readonly logger: StoreLogger,
  ) {
    this.segments = new Segments(files, directory, fileSize);
  }

  /** True when a flush has something to write. */
  get dirty(): boolean {
    return this.writtenUnit < this.endUnit && !this.destroyed;
  }

  get hasTail(): boolean {
    return this.tail.length > 0;
  }

  get hasUnsynced(): boolean {
    return this.unsynced.length > 0;
  }

  /** Bytes of the files. Java: `getTotalSize`. */
  get totalBytes(): number {
    return this.segments.bases.length * this.segments.size;
  }

  /** Writes new units to the files; `sync` also brings everything written so far to the disk. Calls queue up. */
  async flush(sync: boolean): Promise<void> {
    while (this.flushing) await this.flushing.catch(() => {});
    this.flushing = this.flushOnce(sync).finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  /** Same as `flush(false)`, before it returns. False: a flush is under way. */
  writeSync(): boolean {
    if (this.flushing) return false;
    for (const { base, position, buffer, until } of this.pendingWrites()) {
      if (!this.segments.contains(base)) this.segments.createSync(base);
      this.noteUnsynced(base);
      const file = this.files.openSync(this.segments.path(base), 'write');
      try {
        file.writeSync(buffer, position);
      } finally {
        file.closeSync();
      }
      this.writtenUnit = until;
    }
    return true;
  }

  /** Writes new units and gives their memory back. For recovery. */
  flushSync(): void {
    this.writeSync();
    this.forgetTail(Number.POSITIVE_INFINITY);
  }

  /** Drops written units of messages before `commitLogOffset` from memory, once they are half of it: the rest has to be copied. */
  forgetTail(commitLogOffset: number): void {
    const { stride } = this.layout;
    const written = (this.writtenUnit - this.tailUnit) * stride;
    let keep = 0;
    while (keep < written && this.tail[keep]! < commitLogOffset) keep += stride;
    if (keep === 0 || keep < this.tail.length / 2) return;
    this.tail = this.tail.slice(keep);
    this.tailUnit += keep / stride;
  }

  protected get unitsPerFile(): number {
    return this.segments.size / this.layout.bytes;
  }

  /** Number of the first unit in the files, or in memory when there is no file. */
  protected get startUnit(): number {
    return this.segments.empty ? this.tailUnit : this.segments.start / this.layout.bytes;
  }

  /** The units [`unit`, `end`) and not beyond the file the first is in, as numbers; a promise when they are on disk only. */
  protected units(unit: number, end: number): readonly number[] | Promise<readonly number[]> {
    const { stride } = this.layout;
    const until = Math.min(end, this.endUnit, unit - (unit % this.unitsPerFile) + this.unitsPerFile);
    if (unit >= this.tailUnit && this.tail.length > 0) {
      return this.tail.slice((unit - this.tailUnit) * stride, Math.max(unit, until) * stride - this.tailUnit * stride);
    }
    return this.unitsOnDisk(unit, Math.min(until, this.writtenUnit));
  }

  protected unitSync(unit: number): readonly number[] {
    const { bytes } = this.layout;
    const base = this.segments.baseOf(unit * bytes);
    const file = this.files.openSync(this.segments.path(base), 'read');
    const buffer = Buffer.alloc(bytes);
    file.readSync(buffer, unit * bytes - base);
    file.closeSync();
    const values: number[] = [];
    this.layout.decode(buffer, 0, values);
    return values;
  }

  /** Reads the files; the last three are checked, as Apache does, and what follows the last unit is cut off. */
  protected loadUnitsSync(): LoadedUnits {
    const { bytes } = this.layout;
    const { segments } = this;
    // There can be very many young queues, and asking for their one file is cheaper than listing its directory.
    if (this.files.factsSync(segments.path(0))?.size === segments.size) {
      segments.add(0);
      const counted = this.countSync(0);
      if (counted.count * bytes < segments.size) {
        this.resetUnits(counted.count);
        return counted;
      }
    }
    this.damaged = !segments.loadSync(this.logger, 'delete');
    const { bases } = segments;
    let max = 0;
    let first: readonly number[] | null = null;
    let last: readonly number[] | null = null;
    for (const base of bases.slice(-3)) {
      const counted = (base + segments.size < segments.end && this.fullFileSync(base)) || this.countSync(base);
      max = base / bytes + counted.count;
      if (base === segments.start) first = counted.first;
      last = counted.last ?? last;
      if (counted.count * bytes < segments.size) break;
    }
    this.resetUnits(max);
    if (bases.length > 0 && max * bytes <= segments.end - segments.size) segments.cutSync(max * bytes);
    if (bases.length > 3) first = this.unitSync(segments.start / bytes);
    return { first, last };
  }

  /** Makes `unit` the end, in memory and on disk. Everything has been flushed. */
  protected cutUnitsSync(unit: number): void {
    const end = unit * this.layout.bytes;
    this.segments.cutSync(end, false);
    this.unsynced = this.unsynced.filter((base) => this.segments.contains(base));
    if (this.segments.contains(end)) this.noteUnsynced(this.segments.baseOf(end));
    this.resetUnits(unit);
  }

  protected resetUnits(end: number): void {
    this.tail = [];
    this.tailUnit = end;
    this.writtenUnit = end;
    this.endUnit = end;
  }

  /** Deletes the files (never the last) whose messages are all before `minCommitLogOffset`. Returns how many. */
  protected async deleteFilesBefore(minCommitLogOffset: number): Promise<number> {
    let deleted = 0;
    while (this.segments.bases.length > 1) {
      const base = this.segments.start;
      const behind = (base + this.segments.size) / this.layout.bytes;
      const last = await this.units(behind - 1, behind);
      if (last.length === 0 || last[0]! >= minCommitLogOffset) break;
      const path = this.segments.path(base);
      this.openFiles.drop(path);
      await new Promise<void>((resolve, reject) =>
        this.files.remove(path, (error) => (error ? reject(error) : resolve())),
      );
      this.segments.bases.shift();
      deleted++;
    }
    return deleted;
  }

  /** Deletes all files; nothing is written any more. */
  protected async destroyFiles(): Promise<void> {
    this.destroyed = true;
    while (this.flushing) await this.flushing.catch(() => {});
    for (const base of this.segments.bases) this.openFiles.drop(this.segments.path(base));
    this.segments.removeAllSync();
    this.files.removeEmptyDirectorySync(this.segments.directory);
    this.unsynced = [];
    this.resetUnits(0);
  }

  private unitsOnDisk(unit: number, end: number): readonly number[] | Promise<readonly number[]> {
    const { layout, openFiles, segments } = this;
    const { bytes } = layout;
    const base = segments.baseOf(unit * bytes);
    if (unit >= end || !segments.contains(base)) return [];
    const decoded = (source: Buffer): readonly number[] => {
      const values: number[] = [];
      decodeUnits(layout, source, values);
      return values;
    };
    // Whoever wants several will want those behind them next; a search wants single ones here and there.
    const written = Math.min(this.writtenUnit * bytes, base + segments.size) - base;
    const until = end - unit > 1 ? written : end * bytes - base;
    const read = openFiles.readOn(segments.path(base), unit * bytes - base, (end - unit) * bytes, until);
    return read instanceof Promise ? read.then(decoded) : decoded(read);
  }

  /** A file whose last unit stands for a message is full: no need to count. Null when that does not tell. */
  private fullFileSync(base: number): (LoadedUnits & { count: number }) | null {
    const unit = base / this.layout.bytes;
    const count = this.unitsPerFile;
    const last = this.unitSync(unit + count - 1);
    if (last[1]! <= 0 || isFillerOf(this.layout, last[0]!, last[1]!)) return null;
    return { count, first: base === this.segments.start ? this.unitSync(unit) : null, last };
  }

  /** Counts the units of a file up to the first that was never written, and finds the first and the last of a message. */
  private countSync(base: number): LoadedUnits & { count: number } {
    const { layout } = this;
    const { bytes, filler } = layout;
    const file = this.files.openSync(this.segments.path(base), 'read');
    let count = 0;
    let first: number[] | null = null;
    let last: number[] | null = null;
    const unitAt = (piece: Buffer, at: number): number[] => {
      const values: number[] = [];
      layout.decode(piece, at, values);
      return values;
    };
    // Most queues are short: look at one page first, at large pieces only when it is full.
    for (let pieceUnits = 200; ; pieceUnits = 50_000) {
      const piece = Buffer.allocUnsafe(Math.min(pieceUnits * bytes, this.segments.size - count * bytes));
      const length = piece.length === 0 ? 0 : file.readSync(piece, count * bytes);
      let end = 0;
      while (end + bytes <= length && layout.isWritten(piece, end)) end += bytes;
      if (count === 0 && end > 0) first = unitAt(piece, 0);
      for (let at = end - bytes; at >= 0; at -= bytes) {
        const values = unitAt(piece, at);
        if (isFillerOf(layout, values[0]!, values[1]!)) continue;
        last = values;
        break;
      }
      count += end / bytes;
      if (end === 0 || end < piece.length) break;
    }
    file.closeSync();
    if (first && first[1] === filler[1] && first[0] === filler[0]) first = null;
    return { count, first, last };
  }

  private async flushOnce(sync: boolean): Promise<void> {
    for (const { base, position, buffer, until } of this.pendingWrites()) {
      if (this.segments.contains(base)) {
        this.noteUnsynced(base);
        await this.openFiles.use(this.segments.path(base), (file) => writeFully(file, [buffer], position));
      } else {
        await this.create(base, buffer, position, sync);
        if (!sync) this.noteUnsynced(base);
      }
      this.writtenUnit = until;
    }
    if (!sync) return;
    for (const base of this.unsynced) await this.openFiles.use(this.segments.path(base), syncFile);
    this.unsynced = [];
  }

  private noteUnsynced(base: number): void {
    if (!this.unsynced.includes(base)) this.unsynced.push(base);
  }

  /** A new file with its first units, in one go: there can be very many queues that have just begun. */
  private async create(base: number, buffer: Buffer, position: number, sync: boolean): Promise<void> {
    if (this.segments.empty)
      await new Promise<void>((resolve, reject) =>
        this.files.makeDirectory(this.segments.directory, (error) => (error ? reject(error) : resolve())),
      );
    const file = await new Promise<StoreFile>((resolve, reject) =>
      this.files.createSized(this.segments.path(base), this.segments.size, false, (error, created) =>
        created ? resolve(created) : reject(error),
      ),
    );
    try {
      await writeFully(file, [buffer], position);
      if (sync) await syncFile(file);
    } finally {
      file.close();
    }
    this.segments.add(base);
  }

  /** What to write where so that the files hold everything up to `endUnit`: one write per file. */
  private *pendingWrites(): Generator<{ base: number; position: number; buffer: Buffer; until: number }> {
    const { bytes, stride, filler } = this.layout;
    const perFile = this.unitsPerFile;
    const end = this.endUnit;
    while (this.writtenUnit < end) {
      const first = this.writtenUnit;
      const fileStart = first - (first % perFile);
      const until = Math.min(end, fileStart + perFile);
      // A queue that begins in the middle of a file: the units before are fillers, as Apache writes them.
      const from = this.segments.contains(fileStart * bytes) ? first : fileStart;
      const buffer = Buffer.allocUnsafe((until - from) * bytes);
      for (let unit = from, at = 0; unit < until; unit++, at += bytes) {
        if (unit < first) this.layout.encode(buffer, at, filler, 0);
        else this.layout.encode(buffer, at, this.tail, (unit - this.tailUnit) * stride);
      }
      yield { base: fileStart * bytes, position: (from - fileStart) * bytes, buffer, until };
    }
  }
}
