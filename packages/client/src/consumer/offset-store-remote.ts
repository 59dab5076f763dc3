import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';
import { type OffsetStore, OffsetTable } from './offset-store.js';

/**
 * How long an offset that its broker could not be told is worth more than an older one of the broker's: as long as a restart takes,
 * and hardly anybody has set the group back, or deleted and created the topic, since. ms
 */
const UNSAVED_LIFETIME_MS = 60_000;

/**
 * Offsets on the broker that holds the queue. Java: RemoteBrokerOffsetStore, with one difference: a broker that is killed has forgotten
 * the offsets of its last seconds, and its queues leave the route, so the last offset cannot be committed. It is kept and counts when
 * the same member gets the queue again: what it consumed does not come a second time.
 */
export class RemoteOffsetStore implements OffsetStore {
  private readonly table = new OffsetTable();
  /** Last offsets of queues given up whose broker could not be told. */
  private readonly unsaved = new Map<string, { readonly offset: number; readonly at: number }>();

  constructor(
    private readonly brokers: BrokerLink,
    private readonly logger: Logger,
  ) {}

  async load(): Promise<void> {}

  async read(queue: MessageQueue): Promise<number | null> {
    const committed = await this.brokers.committedOffset(queue);
    const key = queueKey(queue);
    const unsaved = this.unsaved.get(key);
    const newer = unsaved !== undefined && performance.now() - unsaved.at < UNSAVED_LIFETIME_MS ? unsaved.offset : -1;
    const offset = newer > (committed ?? -1) ? newer : committed;
    if (offset !== null) this.update(key, queue, offset, false);
    return offset;
  }

  peek(key: string): number {
    return this.table.peek(key);
  }

  update(key: string, queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    if (!increaseOnly) this.unsaved.delete(key);
    this.table.update(key, queue, offset, increaseOnly);
  }

  async persist(keys: Iterable<string>, confirmed: boolean): Promise<void> {
    await Promise.all(Array.from(keys, (key) => this.persistOne(key, confirmed)));
  }

  forget(key: string): void {
    this.table.forget(key);
  }

  private async persistOne(key: string, confirmed: boolean): Promise<void> {
    const known = this.table.get(key);
    if (known === undefined) return;
    try {
      await this.brokers.commitOffset(known.queue, known.offset, confirmed);
    } catch (error) {
      if (this.table.get(key) === undefined) this.unsaved.set(key, { offset: known.offset, at: performance.now() });
      this.logger.warn(`offset ${known.offset} of queue ${key} could not be committed; it will be tried again`, {
        queue: known.queue,
        offset: known.offset,
        error,
      });
    }
  }
}
