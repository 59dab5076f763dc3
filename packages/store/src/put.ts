import type { OffsetMsgIds } from '@rocketnest/protocol';
import type { ConsumeQueue } from './consume-queue.js';
import type { PutCallback, PutResult, PutStatus, StoreMessage } from './types.js';

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

/** A put between its encoding and its acknowledgement, and its result: one object, for there is one of each per message. */
export class PendingPut implements PutResult {
  status: PutStatus = 'PUT_OK';
  private acknowledged = false;

  constructor(
    readonly message: StoreMessage,
    readonly queue: ConsumeQueue,
    readonly commitLogOffset: number,
    /** Log offset behind its last byte. */
    readonly end: number,
    readonly queueOffset: number,
    readonly messageCount: number,
    readonly storeTimestamp: number,
    /** Starts of the messages of a batch, null for a single message. */
    readonly offsets: readonly number[] | null,
    private readonly ids: OffsetMsgIds,
    private readonly done: PutCallback,
  ) {}

  get bytes(): number {
    return this.end - this.commitLogOffset;
  }

  /** Computed when somebody asks: one-way sends never do. */
  get msgIds(): string {
    const { storeHost } = this.message;
    if (!this.offsets) return this.ids.of(storeHost, this.commitLogOffset);
    return this.offsets.map((offset) => this.ids.of(storeHost, offset)).join(',');
  }

  /** Calls back, the first time only. */
  acknowledge(status: PutStatus): void {
    if (this.acknowledged) return;
    this.acknowledged = true;
    this.status = status;
    this.done(this);
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
