import type { Files, StoreFile } from './files.js';
import { type OpenFiles, readFully, syncFile, writeFully } from './open-files.js';
import { readLong, writeLong } from './unit-files.js';

const HEADER_BYTES = 40;
const SLOT_BYTES = 4;
const ENTRY_BYTES = 20;
const PAGE_BYTES = 4096;
const READ_PAGE_BYTES = 64 * 1024;
const LOAD_BYTES = 1024 * 1024;
const INT_MAX = 2 ** 31 - 1;

/** Ascending numbers of pages as runs of neighbours, at most 64 each. */
function* runsOf(pages: readonly number[]): Generator<{ first: number; end: number }> {
  for (let i = 0; i < pages.length; ) {
    const first = pages[i]!;
    let end = first + 1;
    for (i++; pages[i] === end && end - first < 64; i++) end++;
    yield { first, end };
  }
}

/** Java: `IndexFile.indexKeyHashMethod`. */
export function keyHash(hash: number): number {
  return hash === -(2 ** 31) ? 0 : Math.abs(hash);
}

/**
 * Messages by the hash of their keys: a hash table of linked lists, newest entry first. Java: `IndexFile`, `IndexHeader`.
 *
 * ```
 * header   0 begin store time (8) | 8 end store time (8) | 16 begin log offset (8) | 24 end log offset (8) | 32 slots used (4) | 36 entries + 1 (4)
 * slots    number of the newest entry with hash % slots = this slot, 0 = none      (4) × slots
 * entries  key hash (4) | commit log offset (8) | seconds since begin (4) | number of the next older entry of the slot (4)    × entries; number 0 is unused
 * ```
 *
 * The file that is being filled keeps its slots in memory (zero pages cost nothing) and its newest entries until they are written.
 * Derived data: entries are appended, slots can be computed from the entries, all of it from the commit log.
 */
export class IndexFile {
  beginTimestamp = 0;
  endTimestamp = 0;
  beginOffset = 0;
  endOffset = 0;
  slotsUsed = 0;
  /** Number of the next entry; 1 when empty. */
  count = 1;

  /** In memory while the file is being filled. */
  private slots: Buffer | null = null;
  private readonly dirtySlotPages = new Set<number>();
  /** While slots are being written: their pages, with what they were if they have changed since; null when no slots are written. */
  private frozen: Map<number, Buffer | null> | null = null;
  /** Entries from number `bufferedFrom` on. */
  private buffered: Buffer = Buffer.alloc(0);
  private bufferedFrom = 1;
  private exists = false;
  /** Header of the file until its first thorough flush: says where the file before it ended. */
  private firstHeader: Buffer | null = null;

  constructor(
    readonly path: string,
    private readonly slotNum: number,
    private readonly entryNum: number,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
  ) {}

  /** Bytes of a file with this many slots and entries. */
  static sizeOf(slotNum: number, entryNum: number): number {
    return HEADER_BYTES + slotNum * SLOT_BYTES + entryNum * ENTRY_BYTES;
  }

  get full(): boolean {
    return this.count >= this.entryNum;
  }

  get empty(): boolean {
    return this.count <= 1;
  }

  /** The header that fits the entries that are in the file; null when none are. */
  writtenHeader: Buffer | null = null;

  /** True while a thorough flush has something to do, or memory to give back. */
  get open(): boolean {
    return this.slots !== null;
  }

  /** A new file takes over where the one before ended. */
  begin(previous: IndexFile | undefined): void {
    this.slots = Buffer.alloc(this.slotNum * SLOT_BYTES);
    if (!previous) return;
    this.beginTimestamp = this.endTimestamp = previous.endTimestamp;
    this.beginOffset = this.endOffset = previous.endOffset;
    this.firstHeader = this.header();
  }

  /** Adds an entry; the caller has made sure that the file is not full. */
  put(hash: number, commitLogOffset: number, storeTimestamp: number): void {
    const first = this.count <= 1;
    // As in Java, the first entry of a file counts from the end of the file before it.
    const since = this.beginTimestamp > 0 ? storeTimestamp - this.beginTimestamp : 0;
    this.link(hash, commitLogOffset, Math.min(INT_MAX, Math.max(0, Math.trunc(since / 1000))));
    if (first) {
      this.beginOffset = commitLogOffset;
      this.beginTimestamp = storeTimestamp;
    }
    this.endTimestamp = storeTimestamp;
  }

  /** Reads the header, and the slots if the file can still take entries. */
  loadSync(): void {
    const file = this.files.openSync(this.path, 'write');
    const header = Buffer.alloc(HEADER_BYTES);
    file.readSync(header, 0);
    this.readHeader(header);
    this.bufferedFrom = this.count;
    this.exists = true;
    if (this.full) this.writtenHeader = header;
    else {
      // Mostly holes: pages without a slot in use stay untouched, so they take no memory.
      const slots = Buffer.alloc(this.slotNum * SLOT_BYTES);
      const zeros = Buffer.alloc(PAGE_BYTES);
      const piece = Buffer.alloc(LOAD_BYTES);
      for (let at = 0; at < slots.length && this.count > 1; at += LOAD_BYTES) {
        const length = file.readSync(piece.subarray(0, Math.min(LOAD_BYTES, slots.length - at)), HEADER_BYTES + at);
        for (let page = 0; page < length; page += PAGE_BYTES) {
          const end = Math.min(page + PAGE_BYTES, length);
          if (!piece.subarray(page, end).equals(zeros.subarray(0, end - page))) piece.copy(slots, at + page, page, end);
        }
      }
      this.slots = slots;
    }
    file.closeSync();
  }

  /**
   * Takes the entries behind those of its own header, up to what `header` says is written. `mixed`: slots and header on disk may not
   * fit, so that they have to be computed anew. False when the entries are not there; then the file has to be rebuilt.
   */
  adoptSync(header: Buffer, mixed: boolean): boolean {
    const own = this.header();
    const until = header.readInt32BE(36);
    const isFirst = this.count <= 1;
    if (until > this.entryNum || !(isFirst || own.subarray(16, 24).equals(header.subarray(16, 24)))) return false;
    if (mixed || until < this.count) {
      if (until > this.count) this.readHeader(header);
      const { endOffset, endTimestamp } = this;
      this.rebuildSync(Number.POSITIVE_INFINITY);
      this.endTimestamp = endTimestamp;
      return this.endOffset === endOffset;
    }
    if (!this.slots) return header.equals(own);
    if (!this.linkWrittenSync(until)) return false;
    const { endOffset } = this;
    this.readHeader(header);
    this.writtenHeader = header;
    return this.endOffset === endOffset;
  }

  /**
   * Keeps the entries of messages before `offset`, up to the first that cannot be right, and computes slots and header anew: after
   * a crash they may not fit the entries.
   */
  rebuildSync(offset: number): void {
    const { count, endTimestamp, slotNum } = this;
    const slots = Buffer.alloc(slotNum * SLOT_BYTES);
    this.slots = slots;
    for (let page = 0; page * PAGE_BYTES < slots.length; page++) this.dirtySlotPages.add(page);
    this.count = 1;
    this.slotsUsed = 0;
    this.endOffset = 0;
    const file = this.files.openSync(this.path, 'write');
    const piece = Buffer.alloc(LOAD_BYTES - (LOAD_BYTES % ENTRY_BYTES));
    let lastSeconds = -1;
    let plausible = true;
    for (let first = 1; plausible && first < count; first += piece.length / ENTRY_BYTES) {
      const wanted = Math.min(piece.length, (count - first) * ENTRY_BYTES);
      const length = file.readSync(piece.subarray(0, wanted), this.entryAt(first));
      let relinked = false;
      let at = 0;
      for (; at + ENTRY_BYTES <= length; at += ENTRY_BYTES) {
        const hash = piece.readInt32BE(at);
        const commitLogOffset = readLong(piece, at + 4);
        const seconds = piece.readInt32BE(at + 12);
        plausible = hash >= 0 && seconds >= 0 && commitLogOffset >= this.endOffset && commitLogOffset < offset;
        if (!plausible) break;
        // Entries are linked in the order they stand in, so nearly always the link on the disk is right: only slots are computed.
        const slotAt = (hash % slotNum) * SLOT_BYTES;
        const older = slots.readInt32BE(slotAt);
        if (older === 0) this.slotsUsed++;
        slots.writeInt32BE(this.count++, slotAt);
        if (piece.readInt32BE(at + 16) !== older) {
          piece.writeInt32BE(older, at + 16);
          relinked = true;
        }
        this.endOffset = commitLogOffset;
        lastSeconds = seconds;
      }
      if (relinked) file.writeSync(piece.subarray(0, at), this.entryAt(first));
    }
    file.closeSync();
    if (lastSeconds >= 0) this.endTimestamp = Math.min(endTimestamp, this.beginTimestamp + lastSeconds * 1000 + 999);
    this.buffered = Buffer.alloc(0);
    this.bufferedFrom = this.count;
    this.flushSync();
  }

  /** Writes everything; for start-up. */
  flushSync(): void {
    if (!this.slots) return;
    const file = this.files.openSync(this.path, 'create');
    if (!this.exists) file.truncateSync(IndexFile.sizeOf(this.slotNum, this.entryNum));
    this.exists = true;
    if (this.bufferedFrom < this.count) {
      file.writeSync(this.bufferedEntries(), this.entryAt(this.bufferedFrom));
      this.bufferedFrom = this.count;
    }
    for (const { first, end } of runsOf([...this.dirtySlotPages].sort((a, b) => a - b)))
      file.writeSync(this.slotPages(first, end), HEADER_BYTES + first * PAGE_BYTES);
    this.dirtySlotPages.clear();
    const header = this.header();
    file.writeSync(header, 0);
    file.closeSync();
    this.writtenHeader = header;
  }

  /**
   * Writes new entries. `thorough` makes slots and header fit them and waits for the disk; the file on disk is then complete up to
   * the store time returned. Between two thorough flushes it looks as after the last: entries without header do not count.
   */
  async flush(thorough: boolean): Promise<number> {
    if (!this.slots) return this.endTimestamp;
    if (!this.exists) await this.create();
    const { count, endTimestamp } = this;
    const header = this.header();
    const pages = thorough ? this.freezeDirtySlots() : [];
    const writing = this.openFiles.use(this.path, async (file) => {
      if (this.bufferedFrom < count) {
        const from = this.bufferedFrom;
        await writeFully(file, [this.bufferedEntries(count)], this.entryAt(from));
        this.forgetBuffered(count);
      }
      this.writtenHeader = header;
      if (!thorough) return;
      await syncFile(file);
      // Header before slots: if we die in between, the header is newer than the checkpoint and Apache drops the file as a whole.
      await writeFully(file, [header], 0);
      await this.writeFrozenSlots(file, pages);
      await syncFile(file);
    });
    try {
      await writing;
    } catch (error) {
      for (const page of pages) this.dirtySlotPages.add(page);
      throw error;
    } finally {
      this.frozen = null;
    }
    if (this.full && thorough && this.bufferedFrom === this.count) this.slots = null;
    return endTimestamp;
  }

  /** Java: `isTimeMatched`. */
  overlaps(begin: number, end: number): boolean {
    const { beginTimestamp, endTimestamp } = this;
    return (
      (begin < beginTimestamp && end > endTimestamp) ||
      (begin >= beginTimestamp && begin <= endTimestamp) ||
      (end >= beginTimestamp && end <= endTimestamp)
    );
  }

  /** Adds log offsets of messages with this key hash, newest first, until there are `max`. Java: `selectPhyOffset`. */
  async select(offsets: number[], hash: number, max: number, begin: number, end: number): Promise<void> {
    const { count } = this;
    const pages = new Map<number, Buffer>();
    const slot = hash % this.slotNum;
    let number = this.slots
      ? this.slots.readInt32BE(slot * SLOT_BYTES)
      : (await this.readDisk(HEADER_BYTES + slot * SLOT_BYTES, SLOT_BYTES, pages)).readInt32BE(0);
    while (number > 0 && number <= count && offsets.length < max) {
      const at = (number - this.bufferedFrom) * ENTRY_BYTES;
      const entry =
        at >= 0
          ? this.buffered.subarray(at, at + ENTRY_BYTES)
          : await this.readDisk(this.entryAt(number), ENTRY_BYTES, pages);
      if (entry.length < ENTRY_BYTES) return;
      const seconds = entry.readInt32BE(12);
      if (seconds < 0) return;
      const time = this.beginTimestamp + seconds * 1000;
      if (entry.readInt32BE(0) === hash && time >= begin && time <= end) {
        offsets.push(readLong(entry, 4));
      }
      const older = entry.readInt32BE(16);
      if (older >= number || time < begin) return;
      number = older;
    }
  }

  /** Deletes the file; it is so large that this takes its time. */
  async remove(): Promise<void> {
    this.openFiles.drop(this.path);
    this.slots = null;
    await new Promise<void>((resolve, reject) =>
      this.files.remove(this.path, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** Deletes the file; for start-up. */
  removeSync(): void {
    this.openFiles.drop(this.path);
    this.files.removeSync(this.path);
    this.slots = null;
  }

  /** Appends an entry and makes it the head of its slot's list. */
  private link(hash: number, commitLogOffset: number, seconds: number): void {
    const slots = this.slots!;
    const slotAt = (hash % this.slotNum) * SLOT_BYTES;
    let older = slots.readInt32BE(slotAt);
    if (older < 0 || older > this.count) older = 0;
    if (older === 0) this.slotsUsed++;
    const at = (this.count - this.bufferedFrom) * ENTRY_BYTES;
    if (at + ENTRY_BYTES > this.buffered.length) this.growBuffer(at);
    const { buffered } = this;
    buffered.writeInt32BE(hash, at);
    writeLong(buffered, at + 4, commitLogOffset);
    buffered.writeInt32BE(seconds, at + 12);
    buffered.writeInt32BE(older, at + 16);
    const page = (slotAt / PAGE_BYTES) | 0;
    if (this.frozen?.get(page) === null) this.frozen.set(page, Buffer.from(this.slotPages(page, page + 1)));
    slots.writeInt32BE(this.count, slotAt);
    this.dirtySlotPages.add(page);
    this.count++;
    this.endOffset = commitLogOffset;
  }

  /** Links the entries in the file from `count` to `until`; false, with nothing linked, when one cannot be right. */
  private linkWrittenSync(until: number): boolean {
    const file = this.files.openSync(this.path, 'write');
    const entries = Buffer.allocUnsafeSlow((until - this.count) * ENTRY_BYTES);
    const length = file.readSync(entries, this.entryAt(this.count));
    file.closeSync();
    let last = this.count > 1 ? this.endOffset : 0;
    for (let at = 0; at < length; at += ENTRY_BYTES) {
      const offset = readLong(entries, at + 4);
      if (entries.readInt32BE(at) < 0 || entries.readInt32BE(at + 12) < 0 || offset < last) return false;
      last = offset;
    }
    if (length < entries.length) return false;
    for (let at = 0; at < length; at += ENTRY_BYTES) {
      this.link(entries.readInt32BE(at), readLong(entries, at + 4), entries.readInt32BE(at + 12));
      if (this.count - this.bufferedFrom >= 50_000) this.forgetBuffered(this.count);
    }
    this.forgetBuffered(this.count);
    return true;
  }

  private readHeader(header: Buffer): void {
    this.beginTimestamp = readLong(header, 0);
    this.endTimestamp = readLong(header, 8);
    this.beginOffset = readLong(header, 16);
    this.endOffset = readLong(header, 24);
    this.slotsUsed = header.readInt32BE(32);
    this.count = Math.min(Math.max(1, header.readInt32BE(36)), this.entryNum);
  }

  private entryAt(number: number): number {
    return HEADER_BYTES + this.slotNum * SLOT_BYTES + number * ENTRY_BYTES;
  }

  private header(): Buffer {
    const header = Buffer.alloc(HEADER_BYTES);
    [this.beginTimestamp, this.endTimestamp, this.beginOffset, this.endOffset].forEach((value, i) => {
      header.writeBigInt64BE(BigInt(value), i * 8);
    });
    header.writeInt32BE(this.slotsUsed, 32);
    header.writeInt32BE(this.count, 36);
    return header;
  }

  private bufferedEntries(until = this.count): Buffer {
    return this.buffered.subarray(0, (until - this.bufferedFrom) * ENTRY_BYTES);
  }

  private forgetBuffered(until: number): void {
    const rest = this.buffered.subarray(
      (until - this.bufferedFrom) * ENTRY_BYTES,
      (this.count - this.bufferedFrom) * ENTRY_BYTES,
    );
    this.buffered = Buffer.from(rest);
    this.bufferedFrom = until;
  }

  private growBuffer(used: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(4096, used * 2));
    this.buffered.copy(grown, 0, 0, used);
    this.buffered = grown;
  }

  /** The changed slot pages, which stay as they are in what `writeFrozenSlots` writes, whatever is put meanwhile. */
  private freezeDirtySlots(): number[] {
    const pages = [...this.dirtySlotPages].sort((a, b) => a - b);
    this.dirtySlotPages.clear();
    this.frozen = new Map(pages.map((page) => [page, null]));
    return pages;
  }

  /** A piece at a time: a copy of all slots at once would keep the loop busy for too long. */
  private async writeFrozenSlots(file: StoreFile, pages: readonly number[]): Promise<void> {
    for (const { first, end } of runsOf(pages)) {
      const buffer = Buffer.from(this.slotPages(first, end));
      for (let page = first; page < end; page++) {
        this.frozen!.get(page)?.copy(buffer, (page - first) * PAGE_BYTES);
        this.frozen!.delete(page);
      }
      await writeFully(file, [buffer], HEADER_BYTES + first * PAGE_BYTES);
    }
  }

  /** Bytes of the slot pages [first, end). */
  private slotPages(first: number, end: number): Buffer {
    return this.slots!.subarray(first * PAGE_BYTES, Math.min(end * PAGE_BYTES, this.slots!.length));
  }

  private async readDisk(position: number, length: number, pages: Map<number, Buffer>): Promise<Buffer> {
    const start = position - (position % READ_PAGE_BYTES);
    if (position + length > start + READ_PAGE_BYTES) return this.readExactly(position, length);
    let page = pages.get(start);
    if (!page) {
      page = await this.readExactly(start, READ_PAGE_BYTES);
      pages.set(start, page);
    }
    return page.subarray(position - start, position - start + length);
  }

  private async readExactly(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const bytes = await this.openFiles.use(this.path, (file) => readFully(file, buffer, position));
    return buffer.subarray(0, bytes);
  }

  private async create(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.files.createSized(this.path, IndexFile.sizeOf(this.slotNum, this.entryNum), false, (error, file) => {
        if (error) return reject(error);
        file!.close();
        resolve();
      });
    });
    const { firstHeader } = this;
    if (firstHeader) await this.openFiles.use(this.path, (file) => writeFully(file, [firstHeader], 0));
    this.firstHeader = null;
    this.exists = true;
  }
}
