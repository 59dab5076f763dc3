import { crc32 } from 'node:zlib';
import {
  CorruptError,
  extendHashCode,
  IndexType,
  javaHashCode,
  KEY_SEPARATOR,
  MessageSysFlag,
  PropertyName,
  transactionValue,
} from '@rocketnest/protocol';
import type { DispatchRequest } from './dispatch.js';
import type { Files } from './files.js';
import { IndexFile, keyHash } from './index-file.js';
import type { OpenFiles } from './open-files.js';
import type { StoreOptions } from './options.js';
import type { StoreLogger } from './types.js';

/** What a query by key found. */
export interface IndexMatch {
  /** Commit log offsets, ascending. Hashes can collide, and messages can be gone: the caller looks. */
  readonly offsets: number[];
  /** Store time and log offset of the newest entry of the index, 0 when it is empty. */
  readonly lastUpdateTimestamp: number;
  readonly lastCommitLogOffset: number;
}

/** How far the index is written, though not yet on the disk: what is still there after the process was killed. */
export interface WrittenIndex {
  /** CRC of the newest file's name; 0 when there is no file. */
  readonly nameCrc: number;
  /** The header that fits the entries in it. */
  readonly header: Buffer;
  /** Slots and header are being written: they may not fit each other. */
  readonly mixed: boolean;
}

const NO_INDEX: WrittenIndex = { nameCrc: 0, header: Buffer.alloc(40), mixed: false };

/**
 * The index: messages by unique id, keys and tags. Java: `IndexService`.
 *
 * A message is entered as `topic#uniqueId`, as `topic#key` for each word of KEYS, and as `topic#T#tags`.
 */
export class IndexService {
  private files_: IndexFile[] = [];
  /** Hashes of `topic#` and `topic#T#`. */
  private readonly prefixes = new Map<string, { key: number; tag: number }>();

  constructor(
    readonly directory: string,
    private readonly options: StoreOptions,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    private readonly logger: StoreLogger,
  ) {}

  get empty(): boolean {
    return this.files_.every((file) => file.empty);
  }

  /** Log offset of the newest message in the index, -1 when it is empty. */
  get endOffset(): number {
    const newest = this.files_.findLast((file) => !file.empty);
    return newest ? newest.endOffset : -1;
  }

  /** @throws CorruptError when a file has another size than the options say. */
  loadSync(): void {
    this.files_ = [];
    const size = IndexFile.sizeOf(this.options.maxHashSlotNum, this.options.maxIndexNum);
    for (const name of this.files.listSync(this.directory)) {
      const path = `${this.directory}/${name}`;
      const facts = this.files.factsSync(path);
      if (!/^\d{17}$/.test(name) || !facts || facts.isDirectory) continue;
      if (facts.size === 0) {
        this.files.removeSync(path); // Left by a crash between create and resize.
        continue;
      }
      if (facts.size !== size) {
        throw new CorruptError(
          `index file ${path} has ${facts.size} bytes, expected ${size}: start with the maxHashSlotNum and maxIndexNum it was written with, or delete the index directory`,
          { context: { path, size: facts.size, expected: size } },
        );
      }
      const file = this.newFile(path);
      file.loadSync();
      this.files_.push(file);
    }
  }

  /**
   * Forgets messages at or after `offset`; they will be put again. After a crash (`clean` false) the newest file is rebuilt from
   * its entries in any case.
   */
  recoverSync(offset: number, clean: boolean): void {
    for (let file = this.files_.at(-1); file; file = this.files_.at(-1)) {
      const nothingLeft = file.empty ? this.files_.length > 1 : file.beginOffset >= offset;
      if (nothingLeft) {
        file.removeSync();
        this.files_.pop();
        continue;
      }
      if (!file.empty && (!clean || file.endOffset >= offset)) file.rebuildSync(offset);
      return;
    }
  }

  /** True when the next flush brings a full file to the disk, thorough or not. */
  get rolls(): boolean {
    return this.files_.some((file) => file.open && file.full);
  }

  /** What of the newest file is written; for the checkpoint. */
  get written(): WrittenIndex {
    const file = this.files_.findLast(({ writtenHeader }) => writtenHeader);
    return file
      ? { nameCrc: crc32(file.path.slice(file.path.lastIndexOf('/') + 1)), header: file.writtenHeader!, mixed: false }
      : NO_INDEX;
  }

  /** Takes what was written before the process was killed; false when it is not all there. */
  adoptSync({ nameCrc, header, mixed }: WrittenIndex): boolean {
    const file = this.files_.at(-1);
    if (!file || nameCrc === 0) return !file && nameCrc === 0;
    return nameCrc === crc32(file.path.slice(file.path.lastIndexOf('/') + 1)) && file.adoptSync(header, mixed);
  }

  /** Enters a message under all its keys. */
  put(request: DispatchRequest): void {
    if (!this.options.messageIndexEnable) return;
    const { properties } = request;
    const uniqueId = properties[PropertyName.UNIQ_KEY];
    const keys = properties[PropertyName.KEYS];
    const tags = properties[PropertyName.TAGS];
    if (uniqueId === undefined && !keys && !tags) return;
    // Java: buildIndex. A rollback mark is not looked for, and what the index has it does not take again.
    if (transactionValue(request.sysFlag) === MessageSysFlag.TRANSACTION_ROLLBACK) return;
    const newest = this.files_[this.files_.length - 1];
    if (newest && request.commitLogOffset < newest.endOffset) return;
    if (newest && !newest.empty && request.commitLogOffset === newest.endOffset) return;

    const prefix = this.prefixOf(request.topic);
    if (uniqueId !== undefined) this.putHash(extendHashCode(prefix.key, uniqueId), request);
    if (keys) {
      if (!keys.includes(KEY_SEPARATOR)) this.putHash(extendHashCode(prefix.key, keys), request);
      else for (const key of keys.split(KEY_SEPARATOR)) if (key) this.putHash(extendHashCode(prefix.key, key), request);
    }
    if (tags) this.putHash(extendHashCode(prefix.tag, tags), request);
  }

  /** Messages of a topic by key, newest files first, at most `max`. `indexType` `T`: the key is a tag. Java: `queryOffset`. */
  async query(
    topic: string,
    key: string,
    max: number,
    begin: number,
    end: number,
    indexType?: string,
  ): Promise<IndexMatch> {
    const prefix = this.prefixOf(topic);
    const hash = keyHash(extendHashCode(indexType === IndexType.TAG ? prefix.tag : prefix.key, key));
    const limit = Math.min(max, this.options.maxMsgsNumBatch);
    const offsets: number[] = [];
    const newest = this.files_.at(-1);
    for (const file of [...this.files_].reverse()) {
      if (file.overlaps(begin, end)) await file.select(offsets, hash, limit, begin, end);
      if (file.beginTimestamp < begin || offsets.length >= limit) break;
    }
    offsets.sort((a, b) => a - b);
    return { offsets, lastUpdateTimestamp: newest?.endTimestamp ?? 0, lastCommitLogOffset: newest?.endOffset ?? 0 };
  }

  /**
   * Writes new entries; `thorough` brings all of it to the disk. Returns the store time up to which the index on disk is complete, 0
   * when that did not change. Calls must not overlap.
   */
  async flush(thorough: boolean): Promise<number> {
    let completeUntil = 0;
    for (const file of this.files_.filter(({ open }) => open)) {
      const whole = thorough || file.full;
      const timestamp = await file.flush(whole);
      if (whole) completeUntil = timestamp;
    }
    return completeUntil;
  }

  flushSync(): void {
    for (const file of this.files_) file.flushSync();
  }

  /** Deletes files (never the newest) that end before `minCommitLogOffset`. */
  async deleteExpired(minCommitLogOffset: number): Promise<void> {
    while (this.files_.length > 1 && !this.files_[0]!.open && this.files_[0]!.endOffset < minCommitLogOffset) {
      const file = this.files_.shift()!;
      await file.remove();
      this.logger.info('deleted index file: its messages are gone', { path: file.path });
    }
  }

  private putHash(hash: number, request: DispatchRequest): void {
    let file = this.files_[this.files_.length - 1];
    if (!file || file.full) file = this.roll(file);
    file.put(keyHash(hash), request.commitLogOffset, request.storeTimestamp);
  }

  private roll(previous: IndexFile | undefined): IndexFile {
    if (!previous) this.files.makeDirectorySync(this.directory);
    let time = Date.now();
    while (previous && `${this.directory}/${fileName(time)}` <= previous.path) time++;
    const file = this.newFile(`${this.directory}/${fileName(time)}`);
    file.begin(previous);
    this.files_.push(file);
    return file;
  }

  private newFile(path: string): IndexFile {
    return new IndexFile(path, this.options.maxHashSlotNum, this.options.maxIndexNum, this.files, this.openFiles);
  }

  private prefixOf(topic: string): { key: number; tag: number } {
    let prefix = this.prefixes.get(topic);
    if (!prefix) {
      prefix = { key: javaHashCode(`${topic}#`), tag: javaHashCode(`${topic}#${IndexType.TAG}#`) };
      this.prefixes.set(topic, prefix);
    }
    return prefix;
  }
}

/** yyyyMMddHHmmssSSS in local time. Java: `UtilAll.timeMillisToHumanString`. */
function fileName(timestamp: number): string {
  const date = new Date(timestamp);
  const two = (value: number): string => String(value).padStart(2, '0');
  return (
    date.getFullYear() +
    two(date.getMonth() + 1) +
    two(date.getDate()) +
    two(date.getHours()) +
    two(date.getMinutes()) +
    two(date.getSeconds()) +
    String(date.getMilliseconds()).padStart(3, '0')
  );
}
