import { CorruptError } from '@rocketnest/protocol';
import type { Files } from './files.js';
import type { StoreLogger } from './types.js';

/** File name of a segment: its base offset in 20 digits. Java: `UtilAll.offset2FileName`. */
export const segmentName = (base: number): string => String(base).padStart(20, '0');

/**
 * The files of one log: equal sizes, named by the offset of their first byte, without gaps. Java: `MappedFileQueue`.
 *
 * Knows names and sizes only; reading and writing are the owners' business.
 */
export class Segments {
  /** Base offsets, ascending. */
  readonly bases: number[] = [];

  constructor(
    private readonly files: Files,
    readonly directory: string,
    /** Bytes per file. */
    readonly size: number,
  ) {}

  get empty(): boolean {
    return this.bases.length === 0;
  }

  /** First offset on disk; 0 when there is no file. */
  get start(): number {
    return this.bases.length === 0 ? 0 : this.bases[0]!;
  }

  /** Offset behind the last file. */
  get end(): number {
    return this.bases.length === 0 ? 0 : this.bases[this.bases.length - 1]! + this.size;
  }

  baseOf(offset: number): number {
    return offset - (offset % this.size);
  }

  contains(offset: number): boolean {
    return this.bases.length > 0 && offset >= this.start && offset < this.end;
  }

  path(base: number): string {
    return `${this.directory}/${segmentName(base)}`;
  }

  /**
   * Reads the directory. An empty last file is what a crash between create and resize leaves behind: it is deleted, as Apache does.
   *
   * @param onMissing what to do when a file is missing in the middle: fail, or delete those after it, for data that can be rebuilt
   * @returns false when files were deleted because one was missing before them
   * @throws CorruptError when a file has another length (the store was written with another segment size) or one is missing.
   */
  loadSync(logger: StoreLogger, onMissing: 'fail' | 'delete' = 'fail'): boolean {
    this.bases.length = 0;
    const names = this.files.listSync(this.directory).filter((name) => /^\d{20}$/.test(name));
    let complete = true;
    names.forEach((name, index) => {
      const path = `${this.directory}/${name}`;
      const facts = this.files.factsSync(path);
      if (!facts || facts.isDirectory) return;
      if (facts.size === 0 && index === names.length - 1) {
        this.files.removeSync(path);
        logger.warn('deleted an empty segment file left by a crash', { path });
        return;
      }
      if (facts.size !== this.size) {
        throw new CorruptError(
          `segment ${path} has ${facts.size} bytes, expected ${this.size}: start with the mappedFileSize… option the store was written with`,
          { context: { path, size: facts.size, expected: this.size } },
        );
      }
      const base = Number(name);
      const expected = this.empty ? base : this.end;
      if (base !== expected && onMissing === 'delete') {
        logger.warn('deleted a segment file: one before it is missing, both will be rebuilt', {
          path,
          missing: expected,
        });
        this.files.removeSync(path);
        complete = false;
        return;
      }
      if (base !== expected) {
        throw new CorruptError(
          `segment ${segmentName(expected)} is missing in ${this.directory}: found ${name} after it; restore the file or move the later ones away`,
          { context: { directory: this.directory, expected, found: base } },
        );
      }
      this.bases.push(base);
    });
    return complete;
  }

  /** A new last file exists (its owner created it). */
  add(base: number): void {
    this.bases.push(base);
  }

  createSync(base: number): void {
    this.files.makeDirectorySync(this.directory);
    this.files.createSizedSync(this.path(base), this.size).closeSync();
    this.add(base);
  }

  /**
   * Makes `end` the end of the log: later files are deleted, and the rest of its file is zeroed, so that no old bytes behind the
   * end can be taken for messages (shrinking and growing makes a hole, no bytes are written).
   */
  cutSync(end: number, sync = true): void {
    while (
      !this.empty &&
      this.bases[this.bases.length - 1]! >= end &&
      this.bases[this.bases.length - 1]! > this.start
    ) {
      this.files.removeSync(this.path(this.bases.pop()!));
    }
    if (!this.contains(end)) return;
    const base = this.baseOf(end);
    const file = this.files.openSync(this.path(base), 'write');
    file.truncateSync(end - base);
    file.truncateSync(this.size);
    if (sync) file.syncSync();
    file.closeSync();
  }

  /** Brings all files to the disk. */
  syncSync(): void {
    for (const base of this.bases) {
      const file = this.files.openSync(this.path(base), 'write');
      file.syncSync();
      file.closeSync();
    }
  }

  /** Deletes every file. */
  removeAllSync(): void {
    for (const base of this.bases.splice(0)) this.files.removeSync(this.path(base));
  }
}
