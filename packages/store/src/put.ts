import { encodeOffsetMsgId, type Host } from '@rocketnest/protocol';
import type { ConsumeQueue } from './consume-queue.js';
import type { PutCallback, PutResult, PutStatus, StoreMessage } from './types.js';

/** A message that is in the log. Its message ids are computed when somebody asks: one-way sends never do. */
class StoredResult implements PutResult {
  constructor(
    readonly status: PutStatus,
    readonly commitLogOffset: number,
    readonly queueOffset: number,
    readonly storeTimestamp: number,
    readonly bytes: number,
    readonly messageCount: number,
    private readonly storeHost: Host,
    private readonly offsets: readonly number[] | null,
  ) {}

  get msgIds(): string {
    if (!this.offsets) return encodeOffsetMsgId(this.storeHost, this.commitLogOffset);
    return this.offsets.map((offset) => encodeOffsetMsgId(this.storeHost, offset)).join(',');
  }

  as(status: PutStatus): PutResult {
    const { commitLogOffset, queueOffset, storeTimestamp, bytes, messageCount, storeHost, offsets } = this;
    return new StoredResult(
      status,
      commitLogOffset,
      queueOffset,
      storeTimestamp,
      bytes,
      messageCount,
      storeHost,
      offsets,
    );
  }
}

/** Nothing was written. */
export const refused = (status: PutStatus): PutResult => ({
  status,
  commitLogOffset: -1,
  queueOffset: -1,
  msgIds: '',
  storeTimestamp: 0,
  bytes: 0,
  messageCount: 0,
});

/** A put between its encoding and its acknowledgement. */
export class PendingPut {
  readonly result: StoredResult;
  private acknowledged = false;

  constructor(
    readonly message: StoreMessage,
    readonly queue: ConsumeQueue,
    /** Log offset behind its last byte. */
    readonly end: number,
    commitLogOffset: number,
    queueOffset: number,
    storeTimestamp: number,
    /** Starts of the messages of a batch, null for a single message. */
    readonly offsets: readonly number[] | null,
    messageCount: number,
    private readonly done: PutCallback,
  ) {
    this.result = new StoredResult(
      'PUT_OK',
      commitLogOffset,
      queueOffset,
      storeTimestamp,
      end - commitLogOffset,
      messageCount,
      message.storeHost,
      offsets,
    );
  }

  /** Calls back, the first time only. */
  acknowledge(status: PutStatus = 'PUT_OK'): void {
    if (this.acknowledged) return;
    this.acknowledged = true;
    this.done(status === 'PUT_OK' ? this.result : this.result.as(status));
  }
}

/** First in, first out; `shift` without moving the rest. */
export class Fifo<T> {
  private items: T[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  push(item: T): void {
    this.items.push(item);
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.head++;
    if (this.head === this.items.length) {
      this.items = [];
      this.head = 0;
    } else if (this.head >= 4096) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.head; i < this.items.length; i++) yield this.items[i]!;
  }
}
