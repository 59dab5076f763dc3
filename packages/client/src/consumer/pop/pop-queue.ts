import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { WorkQueue } from '../consumption.js';
import type { Popped } from './popped.js';

/**
 * A queue that a broker lets this member pop, or with queue id -1 all queues of the topic on that broker. Other members pop it
 * as well. Java: PopProcessQueue.
 */
export class PopQueue {
  readonly key: string;
  /** No longer assigned: nothing is popped any more. */
  dropped = false;
  lastPopTime = Date.now();
  /** Messages popped whose handling is not over. Java: waitAckMsgCount. */
  waiting = 0;
  /** Called once when messages were settled; flow control waits on it. */
  onRoom: (() => void) | null = null;

  constructor(readonly queue: MessageQueue) {
    this.key = queueKey(queue);
  }

  /** The handling of so many messages is over, whatever came of them. */
  settled(count: number): void {
    this.waiting -= count;
    if (this.onRoom === null) return;
    const notify = this.onRoom;
    this.onRoom = null;
    notify();
  }
}

/**
 * Messages that came with one answer: those of one queue, when their order counts. Handlers take turns on lanes, as they do on
 * queues that are pulled.
 */
export class PopLane implements WorkQueue {
  scheduled = false;
  private cursor = 0;

  constructor(
    readonly owner: PopQueue,
    private readonly messages: readonly Popped[],
  ) {
    owner.waiting += messages.length;
  }

  get queue(): MessageQueue {
    return this.owner.queue;
  }

  get dropped(): boolean {
    return this.owner.dropped;
  }

  get hasUntaken(): boolean {
    return this.cursor < this.messages.length;
  }

  take(max: number): readonly Popped[] {
    const taken = this.messages.slice(this.cursor, this.cursor + max);
    this.cursor += taken.length;
    return taken;
  }

  /** Messages no handler has got. */
  get untaken(): readonly Popped[] {
    return this.messages.slice(this.cursor);
  }

  handlerStarted(): void {}
  handlerDone(): void {}
}
