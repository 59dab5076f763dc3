import type { MessageExt } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';
import { queueKey } from '../message-queue.js';

/** Freed slots at the front are given back in one go once there are this many. */
const COMPACT_AT = 1024;

/**
 * The messages of one queue that were pulled and are not yet consumed. Java: ProcessQueue.
 *
 * Messages arrive in offset order, so a pair of parallel arrays does what Java's tree map does, without a node per
 * message: removing from the front (the common case) is one step, removing elsewhere is a binary search that leaves a
 * hole. Both ends always hold a message, so the lowest offset in flight is a read.
 *
 *     offsets   … 40 │ 41  42  43  44  45
 *     messages  …  · │ m41  ·  m43 m44 m45      · = consumed
 *                     head          └ cursor: next one to hand to a handler
 */
export class ProcessQueue {
  readonly key: string;
  /** No longer ours: what its handlers still return must not be committed. */
  dropped = false;
  /** The user does not want it for now: neither pulled nor handled. */
  paused = false;
  /** Handlers running on this queue right now. */
  inFlight = 0;
  /** Bytes of bodies held. */
  bytes = 0;
  /** Messages held. */
  count = 0;
  /** Whether the consumption schedule knows that this queue has work. */
  scheduled = false;
  /** Orderly: nothing is handed out for now, after a failure or while the lock is asked for again. */
  suspended = false;
  /** Orderly: the broker lets nobody else consume this queue until this time. ms since epoch, by our clock. */
  lockedUntil = 0;
  lastLockTime = 0;
  lastPullTime: number = Date.now();
  lastConsumeTime: number = Date.now();
  /** Called once when messages were removed; flow control waits on it. */
  onRoom: (() => void) | null = null;
  /** Called once when the last running handler is done; releasing a queue waits on it. */
  onIdle: (() => void) | null = null;

  private offsets: number[] = [];
  private messages: (MessageExt | undefined)[] = [];
  private head = 0;
  private cursor = 0;
  private highest = -1;

  constructor(readonly queue: MessageQueue) {
    this.key = queueKey(queue);
  }

  /** Adds what a pull returned. Messages at or below the highest offset seen are repetitions and ignored. */
  put(messages: readonly MessageExt[]): void {
    for (const message of messages) {
      if (message.queueOffset <= this.highest) continue;
      this.highest = message.queueOffset;
      this.offsets.push(message.queueOffset);
      this.messages.push(message);
      this.count++;
      this.bytes += message.body.length;
    }
  }

  /** Whether some message has not been handed out. */
  get hasUntaken(): boolean {
    return this.cursor < this.messages.length;
  }

  /** Messages that were not handed out; an upper bound where some of them were removed meanwhile. */
  get untaken(): number {
    return this.messages.length - this.cursor;
  }

  /** Hands out the next messages in order; empty when all are out. */
  take(max: number): MessageExt[] {
    const end = Math.min(this.cursor + max, this.messages.length);
    const taken = this.messages.slice(this.cursor, end) as MessageExt[];
    this.cursor = end;
    return taken;
  }

  /** Orderly: the batch at the front was not consumed, hand it out again. */
  rewind(): void {
    this.cursor = this.head;
  }

  /** Whether the message is still waiting for its result: not consumed, expired or cleared. */
  has(message: MessageExt): boolean {
    return this.messages[this.find(message.queueOffset)] === message;
  }

  /**
   * Forgets consumed messages.
   * @returns the offset that may be committed: the lowest one in flight, or the one after the last seen; -1 if the queue
   *   held nothing (it was cleared meanwhile)
   */
  remove(messages: readonly MessageExt[]): number {
    if (this.count === 0) return -1;
    this.lastConsumeTime = Date.now();
    for (const message of messages) {
      const at = this.find(message.queueOffset);
      if (this.messages[at] !== message) continue;
      this.messages[at] = undefined;
      this.count--;
      this.bytes -= message.body.length;
    }
    this.trim();
    if (this.onRoom !== null) {
      const notify = this.onRoom;
      this.onRoom = null;
      notify();
    }
    return this.committable;
  }

  /** Forgets everything, as when offsets are reset. */
  clear(): void {
    this.offsets = [];
    this.messages = [];
    this.head = 0;
    this.cursor = 0;
    this.count = 0;
    this.bytes = 0;
  }

  /** Everything below this offset has been consumed. -1 before the first message. */
  get committable(): number {
    return this.count > 0 ? this.offsets[this.head]! : this.highest < 0 ? -1 : this.highest + 1;
  }

  /** The message at the front, which holds the committed offset back. */
  get oldest(): MessageExt | undefined {
    return this.messages[this.head];
  }

  /** Lowest and highest offset held; 0 and 0 when empty, as Java reports. */
  get minOffset(): number {
    return this.count > 0 ? this.offsets[this.head]! : 0;
  }

  get maxOffset(): number {
    return this.count > 0 ? this.offsets[this.offsets.length - 1]! : 0;
  }

  /** Distance between the lowest and the highest offset held. */
  get span(): number {
    return this.maxOffset - this.minOffset;
  }

  isLocked(now: number): boolean {
    return now < this.lockedUntil;
  }

  handlerStarted(): void {
    this.inFlight++;
  }

  handlerDone(): void {
    this.inFlight--;
    if (this.inFlight === 0 && this.onIdle !== null) {
      const notify = this.onIdle;
      this.onIdle = null;
      notify();
    }
  }

  /** Resolves when no handler runs on this queue. One waiter at a time. */
  idle(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const earlier = this.onIdle;
      this.onIdle = () => {
        earlier?.();
        resolve();
      };
    });
  }

  private find(offset: number): number {
    if (this.offsets[this.head] === offset) return this.head;
    let low = this.head;
    let high = this.offsets.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.offsets[middle]!;
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Restores the rule that both ends hold a message. */
  private trim(): void {
    if (this.count === 0) {
      this.clear();
      return;
    }
    while (this.messages[this.head] === undefined) this.head++;
    while (this.messages[this.messages.length - 1] === undefined) {
      this.messages.pop();
      this.offsets.pop();
    }
    if (this.cursor > this.messages.length) this.cursor = this.messages.length;
    if (this.cursor < this.head) this.cursor = this.head;
    if (this.head >= COMPACT_AT) {
      this.offsets.splice(0, this.head);
      this.messages.splice(0, this.head);
      this.cursor -= this.head;
      this.head = 0;
    }
  }
}
