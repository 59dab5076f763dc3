import {
  BLANK_MAGIC,
  encodeProperties,
  encodeStoredMessage,
  MAX_PROPERTIES_BYTES,
  MessageSysFlag,
  OffsetMsgIds,
  PropertyName,
  type StoredMessageInput,
  storedMessageSize,
  transactionValue,
} from '@rocketnest/protocol';
import type { ConsumeQueue } from './consume-queue.js';
import { entersConsumeQueue, messageCountOf } from './dispatch.js';
import type { Files } from './files.js';
import { BLANK_RECORD_BYTES } from './log-record.js';
import { LogTail } from './log-tail.js';
import { LogWriter } from './log-writer.js';
import type { OpenFiles } from './open-files.js';
import type { StoreOptions } from './options.js';
import { Fifo, PendingPut, refused } from './put.js';
import { ReadableLog } from './readable-log.js';
import { Segments } from './segments.js';
import type { PutCallback, PutStatus, StoreBatchItem, StoreClock, StoreLogger, StoreMessage } from './types.js';

const NO_BYTES = Buffer.alloc(0);

/** Who is told that messages are in the log: consume queues, index, listeners; in log order, each once. */
export type DispatchPut = (put: PendingPut) => void;

/**
 * The commit log: all messages of all topics, one after another. Java: `CommitLog`.
 *
 * A put encodes its message once, in its final layout, into the tail; the writer brings the tail to the files; when the bytes have
 * reached the durability asked for, the message is dispatched and acknowledged, in log order.
 */
export class CommitLog extends ReadableLog {
  private readonly writer: LogWriter;
  private readonly pending = new Fifo<PendingPut>();
  /** SYNC_FLUSH: puts that do not wait for the disk, until they are written. */
  private readonly unwaited = new Fifo<PendingPut>();
  private readonly msgIds = new OffsetMsgIds();
  /** Where the next message goes. */
  private appendOffset = 0;
  private writable = false;
  /** No messages are taken for now: the disk is full. */
  full: () => boolean = () => false;
  private timer: NodeJS.Timeout | null = null;
  /** Reused for every put: an object per message less. */
  private readonly input: StoredMessageInput = {
    topic: '',
    body: NO_BYTES,
    flag: 0,
    propertiesData: NO_BYTES,
    queueId: 0,
    queueOffset: 0,
    commitLogOffset: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: { address: '0.0.0.0', port: 0 },
    storeTimestamp: 0,
    storeHost: { address: '0.0.0.0', port: 0 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  };

  constructor(
    directory: string,
    private readonly options: StoreOptions,
    files: Files,
    openFiles: OpenFiles,
    private readonly clock: StoreClock,
    private readonly logger: StoreLogger,
    private readonly dispatch: DispatchPut,
  ) {
    const segments = new Segments(files, directory, options.mappedFileSizeCommitLog);
    super(segments, new LogTail(options.commitLogTailBytes), openFiles);
    const events = {
      written: () => this.onWritten(),
      synced: () => this.onSynced(),
      failed: (creating: boolean) => this.onFailed(creating ? 'CREATE_MAPPED_FILE_FAILED' : 'UNKNOWN_ERROR'),
    };
    this.writer = new LogWriter(files, this.segments, () => this.syncFlush, events, logger);
  }

  /** May change while messages are under way: those are acknowledged when they are on the disk, at the latest. */
  private get syncFlush(): boolean {
    return this.options.flushDiskType === 'SYNC_FLUSH';
  }

  /** Appended, not on the disk yet. */
  get unflushedBytes(): number {
    return this.appendOffset - this.writer.syncedOffset;
  }

  /** Appended, not readable yet. */
  get undispatchedBytes(): number {
    return this.appendOffset - this.dispatchedOffset;
  }

  get isWritable(): boolean {
    return this.writable;
  }

  /** Store time of the newest message that is on the disk, 0 when none was written since the start. */
  get syncedTimestamp(): number {
    return this.writer.syncedTimestamp;
  }

  /** Begins to take messages behind the recovered log. */
  startSync(endOffset: number): void {
    this.appendOffset = endOffset;
    this.dispatchedOffset = endOffset;
    this.writer.startSync(endOffset);
    this.writable = true;
    this.schedule();
  }

  /** Looks after messages that wait for the disk, one way or the other; the options may change from one time to the next. */
  private schedule(): void {
    const { syncFlushTimeout, flushIntervalCommitLog } = this.options;
    this.timer = setTimeout(
      () => {
        if (this.syncFlush) this.giveUpWaiting();
        else void this.sync().catch(() => {});
        this.schedule();
      },
      this.syncFlush ? Math.min(1_000, syncFlushTimeout) : flushIntervalCommitLog,
    );
    this.timer.unref();
  }

  /** Brings everything to the disk and dispatches it. Rejects when the log has failed. */
  async close(): Promise<void> {
    this.writable = false;
    if (this.timer) clearTimeout(this.timer);
    try {
      await this.sync();
    } finally {
      this.writer.close();
      this.forget();
    }
  }

  /** Resolves when everything appended so far is on the disk. */
  sync(): Promise<void> {
    return this.writer.sync();
  }

  /**
   * Appends a message, or a batch, to its queue. `done` is called once; before `append` returns when the message is refused.
   * Calls back in log order, except puts that do not wait under SYNC_FLUSH, which come as soon as they are written.
   */
  append(message: StoreMessage, queue: ConsumeQueue, done: PutCallback): void {
    if (!this.writable || this.full()) {
      done(refused('SERVICE_NOT_AVAILABLE'));
      return;
    }
    if (this.appendOffset - this.writer.writtenOffset > this.options.maxUnwrittenBytes) {
      done(refused('OS_PAGE_CACHE_BUSY'));
      return;
    }
    const { nextOffset } = queue;
    let put: PendingPut | null;
    try {
      put = message.batch
        ? this.encodeBatch(message, message.batch, queue, done)
        : this.encodeOne(message, queue, done);
    } catch (error) {
      // Only the first message of a put can be impossible to encode (hosts, properties): nothing of it is in the log.
      queue.nextOffset = nextOffset;
      put = this.refuse('MESSAGE_ILLEGAL', message, done, error);
    }
    if (!put) return;
    this.pending.push(put);
    if (this.syncFlush && message.waitStoreOk === false) this.unwaited.push(put);
  }

  private encodeOne(message: StoreMessage, queue: ConsumeQueue, done: PutCallback): PendingPut | null {
    const input = this.prepare(message, queue);
    const { properties } = message;
    const isInnerBatch = (message.sysFlag & MessageSysFlag.INNER_BATCH) !== 0;
    if (isInnerBatch ? queue.type !== 'BatchCQ' : properties[PropertyName.INNER_NUM] !== undefined)
      return this.refuse('MESSAGE_ILLEGAL', message, done);
    if (isInnerBatch) properties[PropertyName.INNER_BASE] = String(queue.nextOffset);
    const given = isInnerBatch ? undefined : message.propertiesData;
    input.body = message.body;
    input.flag = message.flag;
    input.propertiesData = given ?? Buffer.from(encodeProperties(properties));
    if (message.body.length > this.options.maxMessageSize) return this.refuse('MESSAGE_ILLEGAL', message, done);
    if (input.propertiesData.length > MAX_PROPERTIES_BYTES)
      return this.refuse('PROPERTIES_SIZE_EXCEEDED', message, done);
    const size = storedMessageSize(input);
    if (size + BLANK_RECORD_BYTES > this.segments.size) return this.refuse('MESSAGE_ILLEGAL', message, done);

    const consumed = entersConsumeQueue(message.sysFlag);
    const queueOffset = consumed ? queue.nextOffset : 0;
    const offset = this.makeRoom(size);
    input.queueOffset = queueOffset;
    this.encode(input, offset, size);
    const count = messageCountOf(properties);
    if (consumed) queue.nextOffset += count;
    return new PendingPut(
      message,
      queue,
      offset,
      this.appendOffset,
      queueOffset,
      count,
      input.storeTimestamp,
      null,
      this.msgIds,
      done,
    );
  }

  /** All messages of the batch stand one after another in one file, with consecutive queue offsets. Java: `asyncPutMessages`. */
  private encodeBatch(
    message: StoreMessage,
    items: readonly StoreBatchItem[],
    queue: ConsumeQueue,
    done: PutCallback,
  ): PendingPut | null {
    const input = this.prepare(message, queue);
    const delayed = Number.parseInt(message.properties[PropertyName.DELAY] ?? '', 10) > 0;
    if (items.length === 0 || delayed || transactionValue(message.sysFlag) !== MessageSysFlag.TRANSACTION_NOT) {
      return this.refuse('MESSAGE_ILLEGAL', message, done);
    }
    input.preparedTransactionOffset = 0;
    let bodyBytes = 0;
    let total = 0;
    for (const { body, propertiesData } of items) {
      if (propertiesData.length > MAX_PROPERTIES_BYTES) return this.refuse('PROPERTIES_SIZE_EXCEEDED', message, done);
      input.body = body;
      input.propertiesData = propertiesData;
      bodyBytes += body.length;
      total += storedMessageSize(input);
    }
    if (bodyBytes > this.options.maxMessageSize || total + BLANK_RECORD_BYTES > this.segments.size) {
      return this.refuse('MESSAGE_ILLEGAL', message, done);
    }
    const first = this.makeRoom(total);
    const firstQueueOffset = queue.nextOffset;
    const offsets: number[] = [];
    for (const { body, flag, propertiesData } of items) {
      input.body = body;
      input.flag = flag;
      input.propertiesData = propertiesData;
      input.queueOffset = queue.nextOffset++;
      offsets.push(this.appendOffset);
      this.encode(input, this.appendOffset, storedMessageSize(input));
    }
    return new PendingPut(
      message,
      queue,
      first,
      this.appendOffset,
      firstQueueOffset,
      offsets.length,
      input.storeTimestamp,
      offsets,
      this.msgIds,
      done,
    );
  }

  private prepare(message: StoreMessage, queue: ConsumeQueue): StoredMessageInput {
    const { input } = this;
    input.topic = queue.topicBytes;
    input.queueId = message.queueId;
    input.sysFlag = message.sysFlag;
    // Left to the codec, unless the option is, or was, off.
    const { autoMessageVersionOnTopicLen: auto } = this.options;
    if (!auto || input.version) input.version = auto && queue.topicBytes.length > 127 ? 2 : 1;
    input.bornTimestamp = message.bornTimestamp;
    input.bornHost = message.bornHost;
    input.storeTimestamp = this.clock.now();
    input.storeHost = message.storeHost;
    input.reconsumeTimes = message.reconsumeTimes;
    input.preparedTransactionOffset = message.preparedTransactionOffset;
    return input;
  }

  private refuse(
    status: 'MESSAGE_ILLEGAL' | 'PROPERTIES_SIZE_EXCEEDED',
    message: StoreMessage,
    done: PutCallback,
    error?: unknown,
  ): null {
    this.logger.warn(
      'message refused: too large, malformed, a batch that is empty, delayed or transactional, or an inner batch in a queue that is not BatchCQ',
      {
        status,
        topic: message.topic,
        bodyBytes: message.body.length,
        maxMessageSize: this.options.maxMessageSize,
        maxPropertiesBytes: MAX_PROPERTIES_BYTES,
        error,
      },
    );
    done(refused(status));
    return null;
  }

  /** The log offset for `size` bytes in a row; ends the current file when it has too little room left. */
  private makeRoom(size: number): number {
    const fileEnd = this.segments.baseOf(this.appendOffset) + this.segments.size;
    const left = fileEnd - this.appendOffset;
    if (size + BLANK_RECORD_BYTES > left) {
      const chunk = this.tail.reserve(this.appendOffset, BLANK_RECORD_BYTES);
      const at = chunk.length;
      chunk.buffer.writeInt32BE(left, at);
      chunk.buffer.writeInt32BE(BLANK_MAGIC, at + 4);
      chunk.length += BLANK_RECORD_BYTES;
      const offset = this.appendOffset;
      this.appendOffset = fileEnd;
      this.writer.append(
        fileEnd - this.segments.size,
        offset,
        chunk,
        at,
        chunk.length,
        fileEnd,
        this.input.storeTimestamp,
      );
    }
    return this.appendOffset;
  }

  private encode(input: StoredMessageInput, offset: number, size: number): void {
    const chunk = this.tail.reserve(offset, size);
    const at = chunk.length;
    input.commitLogOffset = offset;
    encodeStoredMessage(input, chunk.buffer, at);
    chunk.length += size;
    this.appendOffset = offset + size;
    this.writer.append(
      this.segments.baseOf(offset),
      offset,
      chunk,
      at,
      chunk.length,
      this.appendOffset,
      input.storeTimestamp,
    );
  }

  private onWritten(): void {
    for (let put = this.unwaited.peek(); put && put.end <= this.writer.writtenOffset; put = this.unwaited.peek()) {
      this.unwaited.shift();
      this.acknowledge(put);
    }
    if (!this.syncFlush) this.complete(this.writer.writtenOffset);
    this.tail.trim(Math.min(this.writer.writtenOffset, this.dispatchedOffset));
  }

  private onSynced(): void {
    this.complete(this.writer.syncedOffset);
  }

  /** Everything before `offset` is as durable as asked for: make it readable, then say so. */
  private complete(offset: number): void {
    for (let put = this.pending.peek(); put && put.end <= offset; put = this.pending.peek()) {
      this.pending.shift();
      this.dispatchedOffset = put.end;
      this.dispatch(put);
      this.acknowledge(put);
    }
  }

  /** The disk takes too long: say so. The messages stay where they are, and become readable when they are synced. */
  private giveUpWaiting(): void {
    const before = this.clock.now() - this.options.syncFlushTimeout;
    for (const put of this.pending) {
      if (put.storeTimestamp > before) return;
      this.acknowledge(put, 'FLUSH_DISK_TIMEOUT');
    }
  }

  private acknowledge(put: PendingPut, status: PutStatus = 'PUT_OK'): void {
    try {
      put.acknowledge(status);
    } catch (error) {
      this.logger.error('callback of a put threw', { topic: put.message.topic, error });
    }
  }

  private onFailed(status: PutStatus): void {
    this.writable = false;
    for (let put = this.pending.shift(); put; put = this.pending.shift()) this.acknowledge(put, status);
  }
}
