import { ClosedError, isSystemTopic, readStored, StoreError } from '@rocketnest/protocol';
import { AbortFile } from './abort-file.js';
import { Checkpoint } from './checkpoint.js';
import { CommitLog } from './commit-log.js';
import { entriesOf } from './consume-queue.js';
import { ConsumeQueues } from './consume-queues.js';
import { DelayLevels } from './delay-level.js';
import { DiskSpace, type DiskUse } from './disk-space.js';
import { Dispatcher } from './dispatcher.js';
import { type Files, nodeFiles } from './files.js';
import { FlushService } from './flush-service.js';
import { getMessages, isRecent } from './get.js';
import { IndexService } from './index-service.js';
import { type KeyQueryResult, queryByKey } from './key-query.js';
import { OpenFiles } from './open-files.js';
import { parseStoreOptions, type StoreOptions } from './options.js';
import { refused } from './put.js';
import { type MessagePlace, readMessages } from './read-messages.js';
import { recoverSync } from './recovery.js';
import { Retention } from './retention.js';
import { StoreLock } from './store-lock.js';
import { offsetByTimestamp, storeTimestampAt } from './time-search.js';
import {
  type Boundary,
  type ConsumeQueueEntry,
  type GetResult,
  type MessageArrivedListener,
  type MessageFilter,
  type PutCallback,
  type PutResult,
  type QueueType,
  type StoreClock,
  type StoreLogger,
  type StoreMessage,
  silentStoreLogger,
} from './types.js';

export interface MessageStoreInput extends Partial<StoreOptions> {
  /** Directory of the store. Apache: `storePathRootDir`. */
  rootDir: string;
  /** Complete, checked options of an owner who changes them while the store runs; then none are given beside them. */
  live?: StoreOptions;
  logger?: StoreLogger;
  clock?: StoreClock;
  /** The disk; another one is for tests. */
  files?: Files;
  /** Type of the queues of a topic, asked when the first message of a queue comes. Default: all are SimpleCQ. */
  queueTypeOf?: (topic: string) => QueueType;
}

/**
 * Apache RocketMQ's message store: same directory, same bytes. Java: `DefaultMessageStore`.
 *
 * ```
 * commitlog/00000000000000000000      messages of all topics, one after another
 * consumequeue/<topic>/<queueId>/…    where the messages of a queue are in the commit log
 * batchconsumequeue/…                 the same for topics of type BatchCQ
 * index/<yyyyMMddHHmmssSSS>           messages by key
 * checkpoint  abort  lock             how far everything is on the disk; present while running; who runs
 * ```
 */
export class MessageStore {
  readonly rootDir: string;
  readonly options: StoreOptions;
  readonly delayLevels: DelayLevels;
  private readonly logger: StoreLogger;
  private readonly files: Files;
  private readonly openFiles: OpenFiles;
  private readonly checkpoint: Checkpoint;
  private readonly queues_: ConsumeQueues;
  private readonly index: IndexService;
  private readonly log: CommitLog;
  private readonly dispatcher: Dispatcher;
  private readonly flusher: FlushService;
  private readonly space: DiskSpace;
  private readonly retention: Retention;
  private readonly abort: AbortFile;
  private lock: StoreLock | null = null;
  private running = false;
  private closing: Promise<void> | null = null;

  /** @throws ConfigurationError for unknown keys and values out of range. Touches no file. */
  constructor(input: MessageStoreInput) {
    const {
      rootDir,
      logger = silentStoreLogger,
      clock = Date,
      files = nodeFiles,
      live,
      queueTypeOf = () => 'SimpleCQ' as const,
      ...options
    } = input;
    this.rootDir = rootDir;
    this.options = live ?? parseStoreOptions(options);
    this.logger = logger;
    this.files = files;
    this.openFiles = new OpenFiles(files, this.options.maxOpenFiles);
    this.delayLevels = new DelayLevels(() => this.options.messageDelayLevel);
    this.checkpoint = new Checkpoint(files, `${rootDir}/checkpoint`);
    this.abort = new AbortFile(files, `${rootDir}/abort`);
    this.queues_ = new ConsumeQueues(rootDir, this.options, queueTypeOf, files, this.openFiles, logger);
    this.index = new IndexService(`${rootDir}/index`, this.options, files, this.openFiles, logger);
    this.dispatcher = new Dispatcher(this.queues_, this.index, this.delayLevels, logger);
    this.log = new CommitLog(
      this.options.storePathCommitLog || `${rootDir}/commitlog`,
      this.options,
      files,
      this.openFiles,
      clock,
      logger,
      (put) => this.dispatcher.dispatch(put),
    );
    const { log, queues_: queues, index, openFiles, dispatcher, checkpoint } = this;
    this.flusher = new FlushService(log, queues, index, checkpoint, dispatcher, this.options, logger);
    const space = new DiskSpace(files, [log.segments.directory, queues.directories[0]!], this.options, logger);
    this.space = space;
    log.full = () => space.full !== null;
    this.retention = new Retention({
      log,
      queues,
      index,
      space,
      files,
      openFiles,
      options: this.options,
      clock,
      logger,
    });
  }

  /** Called for every message that became readable, in log order. */
  get onMessageArrived(): MessageArrivedListener | null {
    return this.dispatcher.listener;
  }

  set onMessageArrived(listener: MessageArrivedListener | null) {
    this.dispatcher.listener = listener;
  }

  /**
   * Loads and, after a crash, repairs the directory; then takes messages.
   *
   * @throws StoreError when another process uses the directory; CorruptError when files are missing or have another size.
   */
  async start(): Promise<void> {
    if (this.lock || this.closing)
      throw new StoreError('start() can be called once: make a new MessageStore to open the directory again');
    for (const directory of [this.rootDir, this.log.segments.directory, ...this.queues_.directories])
      this.files.makeDirectorySync(directory);
    this.lock = StoreLock.acquireSync(`${this.rootDir}/lock`);
    try {
      const clean = !this.abort.existsSync();
      this.log.segments.loadSync(this.logger);
      this.queues_.loadSync();
      this.index.loadSync();
      this.checkpoint.openSync();
      const { files, checkpoint, options, delayLevels, logger, index } = this;
      const end = recoverSync(
        { files, log: this.log.segments, queues: this.queues_, index, checkpoint, options, delayLevels, logger },
        clean,
      );
      await this.queues_.correctMinOffsets(this.log.minOffset);
      this.checkpoint.saveSync();
      this.abort.createSync();
      this.log.startSync(end);
    } catch (error) {
      this.lock.releaseSync();
      this.lock = null;
      throw error;
    }
    this.running = true;
    this.flusher.start();
    this.retention.start();
  }

  /**
   * Stops taking messages, waits for those under way, brings everything to the disk. Idempotent. After a failed write the
   * `abort` file stays, so that the next start checks the log.
   */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  /**
   * Stores a message. `done` is called once, after the durability of `flushDiskType`; before `put` returns when the message is
   * refused. Never throws for a bad message: the result's status says what is wrong.
   */
  put(message: StoreMessage, done: PutCallback): void {
    const queue = this.queues_.forPut(message.topic, message.queueId);
    if (queue) this.log.append(message, queue, done);
    else done(refused('MESSAGE_ILLEGAL'));
  }

  putAsync(message: StoreMessage): Promise<PutResult> {
    return new Promise((resolve) => this.put(message, resolve));
  }

  /**
   * Messages of a queue from `offset` on: at most `maxMessages`, `maxBytes` and the transfer limits of the options, but always one.
   * Synchronous when everything is in memory.
   */
  get(
    topic: string,
    queueId: number,
    offset: number,
    maxMessages: number,
    maxBytes: number,
    filter?: MessageFilter,
  ): GetResult | Promise<GetResult> {
    if (!this.running)
      throw new ClosedError('message store is not running: get is possible between start() and close()');
    return getMessages(this.log, this.options, this.queues_.get(topic, queueId), offset, maxMessages, maxBytes, filter);
  }

  /** First offset with a message; 0 for an unknown queue. */
  minOffset(topic: string, queueId: number): number {
    return this.queues_.get(topic, queueId)?.minOffset ?? 0;
  }

  /** Offset behind the last readable message; 0 for an unknown queue. */
  maxOffset(topic: string, queueId: number): number {
    return this.queues_.get(topic, queueId)?.maxOffset ?? 0;
  }

  /** The stored message at this place of the commit log, or null. */
  messageAt(commitLogOffset: number): Promise<Buffer | null> {
    return this.log.message(commitLogOffset);
  }

  /** The stored messages at places that a consume queue or a timer named, null where one is gone. Slices, as those of a get. */
  messagesAt(places: readonly MessagePlace[]): Promise<(Buffer | null)[]> {
    return readMessages(this.log, places);
  }

  /** Entries of a consume queue, at most `max`, fewer at the end of a file of it. */
  async consumeQueueEntries(topic: string, queueId: number, offset: number, max: number): Promise<ConsumeQueueEntry[]> {
    const queue = this.queues_.get(topic, queueId);
    if (!queue || offset < queue.minOffset || offset >= queue.maxOffset) return [];
    return entriesOf(await queue.entries(offset, max));
  }

  /** Store time in ms of the message at a queue offset, -1 when there is none. */
  async storeTimestampAt(topic: string, queueId: number, offset: number): Promise<number> {
    const queue = this.queues_.get(topic, queueId);
    return queue ? storeTimestampAt(this.log, queue, offset) : -1;
  }

  /** Store time in ms of the first message of a queue, -1 when there is none. */
  earliestMessageTime(topic: string, queueId: number): Promise<number> {
    return this.storeTimestampAt(topic, queueId, this.minOffset(topic, queueId));
  }

  /**
   * LOWER: first offset stored at or after `timestamp`, else the maximum offset. UPPER: last offset stored at or before it, else the
   * minimum offset. 0 for an unknown queue.
   */
  async offsetByTimestamp(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: Boundary = 'LOWER',
  ): Promise<number> {
    const queue = this.queues_.get(topic, queueId);
    return queue ? offsetByTimestamp(this.log, queue, timestamp, boundary) : 0;
  }

  /**
   * True unless the message is so far from the end of the log that Apache would expect it to be on disk only
   * (`accessMessageInMemoryMaxRatio`); also when there is no such message. Java: `!checkInDiskByConsumeOffset`.
   */
  isRecent(topic: string, queueId: number, offset: number): boolean {
    const commitLogOffset = this.queues_.get(topic, queueId)?.commitLogOffsetHint(offset) ?? -1;
    return commitLogOffset < 0 || isRecent(this.options, this.log.maxOffset, commitLogOffset);
  }

  /** Messages by unique id or key (`indexType` `T`: by tag), oldest first, stored between `begin` and `end` (ms). */
  queryByKey(
    topic: string,
    key: string,
    maxNum: number,
    begin: number,
    end: number,
    indexType?: string,
  ): Promise<KeyQueryResult> {
    return queryByKey(this.log, this.index, topic, key, maxNum, begin, end, indexType);
  }

  /** Removes the consume queues of topics; their messages stay in the log until it is deleted. Returns how many topics there were. */
  async deleteTopics(topics: Iterable<string>): Promise<number> {
    let deleted = 0;
    for (const topic of topics) if (await this.queues_.deleteTopic(topic)) deleted++;
    return deleted;
  }

  /** Removes the topics that are neither in `retain` nor the system's; see {@link deleteTopics}. Java: `cleanUnusedTopic`. */
  cleanUnusedTopics(retain: ReadonlySet<string>): Promise<number> {
    const topics = new Set([...this.queues_].map(({ topic }) => topic));
    return this.deleteTopics([...topics].filter((topic) => !retain.has(topic) && !isSystemTopic(topic)));
  }

  /** Removes queues whose messages are all gone; returns how many. Java: `cleanExpiredConsumerQueue`. */
  cleanExpiredConsumeQueues(): Promise<number> {
    return this.retention.cleanExpiredQueues();
  }

  /**
   * Deletes commit log files older than `fileReservedTime` soon, whatever the hour: the next passes, one per `cleanResourceInterval`,
   * each at most `deleteFileBatchMax`. Java: `executeDeleteFilesManually`.
   */
  deleteFilesManually(): void {
    this.retention.deleteManually();
  }

  *queues(): Iterable<{ topic: string; queueId: number }> {
    for (const { topic, queueId } of this.queues_) yield { topic, queueId };
  }

  get minCommitLogOffset(): number {
    return this.log.minOffset;
  }

  /** Behind the last readable message. */
  get maxCommitLogOffset(): number {
    return this.log.maxOffset;
  }

  /** Bytes taken that are not on the disk yet. Java: `remainHowManyDataToFlush`. */
  get unflushedBytes(): number {
    return this.log.unflushedBytes;
  }

  /** Bytes taken that cannot be read yet. Java: `dispatchBehindBytes`. */
  get undispatchedBytes(): number {
    return this.log.undispatchedBytes;
  }

  /** Store time in ms of the oldest message of the log, -1 when there is none. Java: `getEarliestMessageTime()`. */
  async earliestTimestamp(): Promise<number> {
    const { minOffset, maxOffset } = this.log;
    const head = minOffset < maxOffset ? await this.log.readPrefix(minOffset) : null;
    return head ? readStored.storeTimestamp(head, 0) : -1;
  }

  /** False after a failed write, while the disk is full, and before start and after close. */
  get isWritable(): boolean {
    return this.log.isWritable && this.space.full === null;
  }

  /** Why messages are refused for want of disk space, with the numbers and what to do; null when they are not. */
  get diskFull(): string | null {
    return this.space.full;
  }

  /** The disks of commit log and consume queues as last looked at, every `cleanResourceInterval`; empty when that is not possible. */
  get diskUses(): readonly DiskUse[] {
    return this.space.uses;
  }

  private async closeOnce(): Promise<void> {
    if (!this.running) return;
    this.running = false;
    let clean = true;
    const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        clean = false;
        this.logger.error(`closing the store: ${what} failed; the next start will check the log`, { error });
      }
    };
    await this.retention.stop();
    await this.flusher.stop();
    await attempt('commit log', () => this.log.close());
    await attempt('consume queues and index', () => this.flusher.flush(true));
    this.checkpoint.close();
    this.openFiles.closeAll();
    if (clean) this.abort.removeSync();
    this.lock?.releaseSync();
  }
}
