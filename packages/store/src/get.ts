import { totalmem } from 'node:os';
import { decodeProperties, readStored } from '@rocketnest/protocol';
import type { Hold } from './cold-reads.js';
import type { CommitLog } from './commit-log.js';
import { type ConsumeQueue, type EntryBlock, messageCountAt, queueOffsetAt } from './consume-queue.js';
import type { Chunk } from './log-tail.js';
import type { StoreOptions } from './options.js';
import { type CopySpace, Pieces, splitPieces } from './pieces.js';
import { isFiller } from './simple-consume-queue.js';
import { type GetResult, GetStatus, type MessageFilter } from './types.js';

/** Java: `DefaultMessageStore.MAX_PULL_MSG_SIZE`. */
const MAX_PULL_BYTES = 128 * 1024 * 1024;
const MIN_PULL_BYTES = 100;
/** Messages this close in the log are fetched with one read, the bytes between them included. */
const READ_GAP_BYTES = 16 * 1024;
const READ_MAX_BYTES = 1024 * 1024;
/** From so many old messages close together on, whole blocks are read and kept for those who want the messages between them. */
const MESSAGES_WORTH_A_BLOCK = 4;

/** What has a message's bytes; null when it was deleted; undefined when a read is needed to know. */
type Fetched = Chunk | null | undefined;

const PHYSICAL_MEMORY_BYTES = totalmem();

/** Bytes at the end of the log that are expected to be in memory, by rule of thumb. */
const recentBytes = (options: StoreOptions): number =>
  PHYSICAL_MEMORY_BYTES * (options.accessMessageInMemoryMaxRatio / 100);

/** Near enough to the end of the log to be in memory, by rule of thumb. Java: `estimateInMemByCommitOffset`. */
export function isRecent(options: StoreOptions, maxOffset: number, commitLogOffset: number): boolean {
  return maxOffset - commitLogOffset <= recentBytes(options);
}

/**
 * One get. Java: `DefaultMessageStore.getMessage`, whose rules for limits, filters and the next offset this repeats exactly.
 *
 * Runs through the consume queue entries without waiting for as long as everything needed is in memory. When it is not, the next
 * stretch is read from the disk, and the run goes on where it stopped.
 */
class Get {
  private readonly pieces: Pieces;
  private bytes = 0;
  private messages = 0;
  private next: number;
  private status: GetStatus = GetStatus.NO_MATCHED_MESSAGE;
  /** After a deleted message: entries before this log offset are deleted, too. */
  private skipBefore = Number.NEGATIVE_INFINITY;
  private travelledFiles = 0;
  /** Entries asked for at a time: enough when every message is wanted, more and more while few are. */
  private window: number;
  /** The latest block ended, but neither the run nor the file. */
  private goesOn = false;
  private block: EntryBlock = { queueOffset: 0, count: 0, values: [], batches: null };
  private at = 0;
  /** What had the latest message. Only as long as nothing is waited for. */
  private chunk: Chunk | null = null;
  /** Single messages that were read, null for those that are gone. */
  private fetched: Map<number, Chunk | null> | null = null;
  private readonly maxOffset: number;
  private readonly minOffset: number;
  private readonly maxBytes: number;
  private readonly maxScan: number;
  /** Messages from here on are expected to be in memory. */
  private readonly recentFrom: number;

  constructor(
    private readonly log: CommitLog,
    private readonly options: StoreOptions,
    private readonly queue: ConsumeQueue,
    private readonly offset: number,
    private readonly maxMessages: number,
    maxBytes: number,
    private readonly filter: MessageFilter | undefined,
    space: CopySpace,
  ) {
    this.pieces = new Pieces(space);
    this.next = offset;
    this.minOffset = queue.minOffset;
    this.maxOffset = queue.maxOffset;
    this.recentFrom = log.maxOffset - recentBytes(options);
    this.maxBytes = Math.min(Math.max(maxBytes, MIN_PULL_BYTES), MAX_PULL_BYTES);
    this.maxScan = Math.max(options.maxFilterMessageSize, maxMessages * queue.layout.bytes);
    // Units of other queues are not messages: how many of them a file has left is not known here.
    this.window = queue.type === 'SimpleCQ' ? maxMessages + 1 : Number.POSITIVE_INFINITY;
  }

  run(): GetResult | Promise<GetResult> {
    for (;;) {
      if (!this.goesOn) {
        const { travelCqFileNumWhenGetMessage } = this.options;
        if (this.bytes > 0 || this.next >= this.maxOffset || this.travelledFiles++ >= travelCqFileNumWhenGetMessage) {
          return this.result();
        }
        this.skipBefore = Number.NEGATIVE_INFINITY;
      }
      const unseen = this.maxScan / this.queue.layout.bytes - (this.next - this.offset);
      const count = Math.min(this.window, Math.max(0, Math.ceil(unseen)) + 1);
      this.window *= 4;
      const block = this.queue.entries(this.next, count);
      if (block instanceof Promise) {
        this.letGo();
        return block.then((read) => this.runBlock(read) ?? this.run());
      }
      const later = this.runBlock(block);
      if (later) return later;
    }
  }

  /** Works through a block of entries; a promise of the final result when it has to wait. */
  private runBlock(block: EntryBlock): Promise<GetResult> | undefined {
    const { goesOn } = this;
    this.goesOn = false;
    if (block.count === 0) {
      if (goesOn) return undefined;
      this.status = GetStatus.OFFSET_FOUND_NULL;
      this.next = this.queue.offsetBehindFile(this.next);
      this.travelledFiles = Number.POSITIVE_INFINITY;
      return undefined;
    }
    this.block = block;
    this.at = 0;
    return this.runEntries();
  }

  private runEntries(): Promise<GetResult> | undefined {
    const { block, filter } = this;
    for (; this.at < block.count; this.at++) {
      const queueOffset = queueOffsetAt(block, this.at);
      const messageCount = messageCountAt(block, this.at);
      const commitLogOffset = block.values[this.at * 3]!;
      const size = block.values[this.at * 3 + 1]!;
      if (queueOffset >= this.maxOffset) return undefined;
      if ((queueOffset - this.offset) * this.queue.layout.bytes >= this.maxScan) return undefined;
      if (this.isFull(size, commitLogOffset, messageCount) || this.bytes >= this.maxBytes) return undefined;
      const passes = this.passesEntry(this.at);
      const message = passes ? this.fetch(commitLogOffset, size) : null;
      if (message === undefined) return this.readAndGoOn();

      this.next = queueOffset + messageCount;
      if (commitLogOffset < this.skipBefore) continue;
      if (!passes) {
        if (this.bytes === 0) this.status = GetStatus.NO_MATCHED_MESSAGE;
        continue;
      }
      if (message === null) {
        if (this.bytes === 0) this.status = GetStatus.MESSAGE_WAS_REMOVING;
        const { segments } = this.log;
        this.skipBefore = segments.baseOf(commitLogOffset) + segments.size;
        continue;
      }
      if (filter?.matchesCommitLog && !passesFilter(filter, message, commitLogOffset, size)) {
        if (this.bytes === 0) this.status = GetStatus.NO_MATCHED_MESSAGE;
        continue;
      }
      this.pieces.add(message, commitLogOffset, size);
      this.bytes += size;
      this.messages += messageCount;
      this.status = GetStatus.FOUND;
      this.skipBefore = Number.NEGATIVE_INFINITY;
    }
    this.goesOn = this.next < Math.min(this.maxOffset, this.queue.offsetBehindFile(block.queueOffset));
    return undefined;
  }

  /** Whether an entry of the block passes all tests that need no bytes of the message. */
  private passesEntry(at: number): boolean {
    const { values } = this.block;
    return values[at * 3]! >= this.skipBefore && (!this.filter || this.filter.matchesConsumeQueue(values[at * 3 + 2]!));
  }

  private fetch(commitLogOffset: number, size: number): Fetched {
    const { chunk } = this;
    if (chunk !== null && commitLogOffset >= chunk.start && commitLogOffset + size <= chunk.start + chunk.length)
      return chunk;
    if (commitLogOffset < this.log.minOffset || isFiller(commitLogOffset, size)) return null;
    const found = this.log.find(commitLogOffset, size) ?? this.fetched?.get(commitLogOffset);
    if (found) this.chunk = found;
    return found;
  }

  /** Before anything is waited for: memory of old bytes may be used for others then. */
  private letGo(): void {
    this.pieces.settle();
    this.chunk = null;
  }

  /** Reads the messages the run will most likely want next, then goes on with the run. */
  private async readAndGoOn(): Promise<GetResult> {
    this.letGo();
    const holds: Hold[] = [];
    try {
      await Promise.all(this.missing().map((group) => this.read(group, holds)));
      const later = this.runEntries();
      if (later) return later;
      this.letGo();
    } finally {
      for (const hold of holds) hold.release();
    }
    return this.run();
  }

  /** The messages to read; neighbours in the log share a read. */
  private missing(): Group[] {
    const { values, count } = this.block;
    const groups: Group[] = [];
    let bytes = this.bytes;
    let { messages } = this;
    for (let at = this.at; at < count && messages < this.maxMessages; at++) {
      const commitLogOffset = values[at * 3]!;
      const size = values[at * 3 + 1]!;
      const messageCount = messageCountAt(this.block, at);
      if (bytes > 0 && this.exceeds(bytes, messages, size, commitLogOffset, messageCount)) break;
      if (!this.passesEntry(at) || this.fetch(commitLogOffset, size) !== undefined) continue;
      bytes += size;
      messages += messageCount;
      const group = groups[groups.length - 1];
      const near =
        group !== undefined &&
        commitLogOffset - group.end <= READ_GAP_BYTES &&
        commitLogOffset + size - group.start <= READ_MAX_BYTES &&
        this.log.segments.baseOf(commitLogOffset) === this.log.segments.baseOf(group.start);
      if (near && commitLogOffset >= group.end) {
        group.messages.push([commitLogOffset, size]);
        group.end = commitLogOffset + size;
      } else {
        groups.push({ start: commitLogOffset, end: commitLogOffset + size, messages: [[commitLogOffset, size]] });
      }
    }
    this.chunk = null;
    return groups;
  }

  private async read({ start, end, messages }: Group, holds: Hold[]): Promise<void> {
    this.fetched ??= new Map();
    const { fetched, log } = this;
    if (messages.length < MESSAGES_WORTH_A_BLOCK) {
      await Promise.all(
        messages.map(async ([offset, size]) => {
          const buffer = await log.read(offset, size);
          fetched.set(offset, buffer && { start: offset, buffer, length: size });
        }),
      );
      return;
    }
    const hold = log.hold(start, end);
    holds.push(hold);
    await hold.ready();
    for (const [offset, size] of messages) if (hold.lacks(offset, size)) fetched.set(offset, null);
  }

  private isFull(size: number, commitLogOffset: number, messageCount: number): boolean {
    return this.bytes > 0 && this.exceeds(this.bytes, this.messages, size, commitLogOffset, messageCount);
  }

  /** Java: `isTheBatchFull`. */
  private exceeds(
    bytes: number,
    messages: number,
    size: number,
    commitLogOffset: number,
    messageCount: number,
  ): boolean {
    if (messages + messageCount > this.maxMessages || bytes + size > this.maxBytes) return true;
    const { options } = this;
    return commitLogOffset >= this.recentFrom
      ? bytes + size > options.maxTransferBytesOnMessageInMemory ||
          messages > options.maxTransferCountOnMessageInMemory - 1
      : bytes + size > options.maxTransferBytesOnMessageInDisk ||
          messages > options.maxTransferCountOnMessageInDisk - 1;
  }

  private result(): GetResult {
    const { status, messages, bytes, next, minOffset, maxOffset } = this;
    return new Result(status, this.pieces.take(), this.pieces.sizes, messages, bytes, next, minOffset, maxOffset);
  }
}

/** Messages to read that stand close together. */
interface Group {
  readonly start: number;
  end: number;
  readonly messages: [offset: number, size: number][];
}

class Result implements GetResult {
  constructor(
    readonly status: GetStatus,
    readonly pieces: Buffer[],
    private readonly sizes: readonly number[],
    readonly messageCount: number,
    readonly bytes: number,
    readonly nextBeginOffset: number,
    readonly minOffset: number,
    readonly maxOffset: number,
  ) {}

  get buffers(): Buffer[] {
    return splitPieces(this.pieces, this.sizes);
  }
}

function passesFilter(filter: MessageFilter, { buffer, start }: Chunk, commitLogOffset: number, size: number): boolean {
  const message = buffer.subarray(commitLogOffset - start, commitLogOffset - start + size);
  return filter.matchesCommitLog!(message, () => decodeProperties(readStored.propertiesData(message, 0)));
}

/** A get that returns nothing. */
const empty = (status: GetStatus, nextBeginOffset: number, minOffset: number, maxOffset: number): GetResult =>
  new Result(status, [], [], 0, 0, nextBeginOffset, minOffset, maxOffset);

/** Messages of a queue from `offset` on. Synchronous when everything is in memory. */
export function getMessages(
  log: CommitLog,
  options: StoreOptions,
  queue: ConsumeQueue | undefined,
  offset: number,
  maxMessages: number,
  maxBytes: number,
  filter: MessageFilter | undefined,
): GetResult | Promise<GetResult> {
  // Java makes the queue on the spot, hence never answers NO_MATCHED_LOGIC_QUEUE.
  if (!queue || queue.maxOffset === 0) return empty(GetStatus.NO_MESSAGE_IN_QUEUE, 0, queue?.minOffset ?? 0, 0);
  const { minOffset, maxOffset } = queue;
  if (offset < minOffset) return empty(GetStatus.OFFSET_TOO_SMALL, minOffset, minOffset, maxOffset);
  if (offset === maxOffset) return empty(GetStatus.OFFSET_OVERFLOW_ONE, offset, minOffset, maxOffset);
  if (offset > maxOffset) return empty(GetStatus.OFFSET_OVERFLOW_BADLY, maxOffset, minOffset, maxOffset);
  return new Get(log, options, queue, offset, maxMessages, maxBytes, filter, log.copySpace).run();
}
