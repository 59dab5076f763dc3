import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { BrokerLink } from '../broker-link.js';
import type { OffsetStore } from '../offset-store.js';
import { LocalOffsetStore } from '../offset-store-local.js';
import { RemoteOffsetStore } from '../offset-store-remote.js';
import type { AssignedQueue } from './assigned-queue.js';

export interface ProgressOptions {
  readonly group: string;
  readonly clientId: string;
  readonly logger: Logger;
  readonly brokers: BrokerLink;
  readonly broadcasting: boolean;
  readonly localOffsetStoreDir: string;
  /** Whether what was processed counts as consumed without a commit. */
  readonly autoCommit: boolean;
}

/** How far the group has consumed its queues: noted here, written down now and then. */
export class Progress {
  readonly store: OffsetStore;

  constructor(private readonly options: ProgressOptions) {
    const { brokers, broadcasting, clientId, group, localOffsetStoreDir, logger } = options;
    this.store = broadcasting
      ? new LocalOffsetStore(localOffsetStoreDir, clientId, group, logger)
      : new RemoteOffsetStore(brokers, logger);
  }

  /** A queue's reader has come further, or was moved. */
  note({ key, open, processed, queue }: AssignedQueue): void {
    if (this.options.autoCommit && open) this.store.update(key, queue, processed, false);
  }

  /**
   * Notes offsets as consumed; with `persist`, resolves when they are written. Rejects with the first error, after all others
   * have been tried.
   */
  async commit(
    targets: readonly { readonly assigned: AssignedQueue; readonly offset: number }[],
    persist: boolean,
  ): Promise<void> {
    for (const { assigned, offset } of targets) this.store.update(assigned.key, assigned.queue, offset, false);
    if (!persist) return;
    if (this.options.broadcasting) {
      const keys = targets.map(({ assigned }) => assigned.key);
      await this.store.persist(keys, true);
      return;
    }
    const written = await Promise.allSettled(
      targets.map(({ assigned, offset }) => this.options.brokers.commitOffset(assigned.queue, offset, true)),
    );
    for (const result of written) if (result.status === 'rejected') throw result.reason;
  }

  /** Null when the group has committed none. */
  async committed(queue: MessageQueue): Promise<number | null> {
    if (!this.options.broadcasting) return this.options.brokers.committedOffset(queue);
    const noted = this.store.peek(queueKey(queue));
    return noted >= 0 ? noted : this.store.read(queue);
  }
}
