import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { BrokerLink } from '../broker-link.js';
import type { OffsetStore } from '../offset-store.js';
import { LocalOffsetStore } from '../offset-store-local.js';
import { RemoteOffsetStore } from '../offset-store-remote.js';

export interface ProgressOptions {
  readonly group: string;
  readonly clientId: string;
  readonly logger: Logger;
  readonly brokers: BrokerLink;
  readonly broadcasting: boolean;
  readonly localOffsetStoreDir: string;
}

/** How far a queue is consumed: the offset after the last message that is done. */
export interface QueueProgress {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** How far a group has consumed its queues, where the application says so. */
export class Progress {
  readonly store: OffsetStore;

  constructor(private readonly options: ProgressOptions) {
    const { brokers, broadcasting, clientId, group, localOffsetStoreDir, logger } = options;
    this.store = broadcasting
      ? new LocalOffsetStore(localOffsetStoreDir, clientId, group, logger)
      : new RemoteOffsetStore(brokers, logger);
  }

  /** For the next time offsets are written. */
  note({ queue, offset }: QueueProgress): void {
    this.store.update(queueKey(queue), queue, offset, false);
  }

  /**
   * Notes offsets and writes them. Rejects with the first error, after all have been tried; what could not be written is tried again
   * with the next interval.
   */
  async commit(targets: readonly QueueProgress[]): Promise<void> {
    for (const target of targets) this.note(target);
    if (this.options.broadcasting) {
      const keys = targets.map(({ queue }) => queueKey(queue));
      await this.store.persist(keys, true);
      return;
    }
    const written = await Promise.allSettled(
      targets.map(({ queue, offset }) => this.options.brokers.commitOffset(queue, offset, true)),
    );
    for (const result of written) if (result.status === 'rejected') throw result.reason;
  }

  /** What was written last; null when the group has committed nothing. Rejects when the broker cannot be asked. */
  async committed(queue: MessageQueue): Promise<number | null> {
    if (!this.options.broadcasting) return this.options.brokers.committedOffset(queue);
    const noted = this.store.peek(queueKey(queue));
    return noted >= 0 ? noted : this.store.read(queue);
  }
}
