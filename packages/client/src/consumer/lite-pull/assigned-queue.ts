import type { MessageExt } from '@rocketnest/protocol';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import { ProcessQueue } from '../process-queue.js';
import { type PullContext, PullLoop } from '../pull-loop.js';

/**
 * A queue this consumer reads: its prefetched messages and how far the reader has come. Java: AssignedMessageQueue.MessageQueueState.
 *
 *     processed      position            next pull
 *     ▼              ▼                   ▼
 *     ├─ handed out ─┼──── prefetched ───┤
 */
export class AssignedQueue {
  readonly key: string;
  /** Nothing is pulled nor handed out. */
  paused = false;
  /** No longer ours. */
  dropped = false;
  /** It has a place in the line for poll(). */
  listed = false;
  /** What poll() hands out next; -1 before the start offset is known. */
  position = -1;
  /** Everything before was handed out before the latest poll(); -1 before the start offset is known. */
  processed = -1;
  private buffer: ProcessQueue;
  private loop: PullLoop | undefined;

  constructor(
    readonly queue: MessageQueue,
    private readonly contextFor: (assigned: AssignedQueue) => PullContext,
  ) {
    this.key = queueKey(queue);
    this.buffer = new ProcessQueue(queue);
  }

  /** Whether it is being read: its start offset is known. */
  get open(): boolean {
    return this.position >= 0;
  }

  /** Prefetched messages. */
  get waiting(): number {
    return this.buffer.count;
  }

  /** For consoles. */
  get prefetched(): ProcessQueue {
    return this.buffer;
  }

  /** Goes on at `offset`; what was prefetched is thrown away. */
  seek(offset: number): void {
    this.position = offset;
    this.processed = offset;
    this.buffer = new ProcessQueue(this.queue);
    this.pullFrom(offset);
  }

  /** Takes the next messages out; empty when there are none. */
  take(max: number): MessageExt[] {
    const messages = this.buffer.take(max);
    if (messages.length === 0) return messages;
    const next = this.buffer.remove(messages);
    // What no filter matched behind the last message is passed over with it.
    this.position = this.waiting === 0 && this.loop !== undefined ? this.loop.nextOffset : next;
    return messages;
  }

  /** What was handed out counts as processed. */
  settle(): void {
    this.processed = this.position;
  }

  /** Nothing before `offset` matched, and nothing is waiting: the reader has come that far. */
  skipTo(offset: number): void {
    if (offset <= this.position) return;
    if (this.processed === this.position) this.processed = offset;
    this.position = offset;
  }

  /** The broker has no message at the next offset and names another one to go on at. */
  moveTo(offset: number): void {
    if (this.waiting === 0 || offset <= this.buffer.maxOffset) {
      this.position = offset;
      this.buffer = new ProcessQueue(this.queue);
    }
    this.pullFrom(offset);
  }

  /** Pulls again, after a pause or when there is room. */
  resume(): void {
    this.loop?.resume();
  }

  drop(): void {
    this.dropped = true;
    this.loop?.stop();
  }

  private pullFrom(offset: number): void {
    this.loop?.stop();
    this.loop = new PullLoop(this.contextFor(this), this.buffer, offset);
    this.loop.run();
  }
}
