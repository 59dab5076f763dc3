import type { Logger } from '@rocketnest/remoting';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokerLink } from './broker-link.js';
import { type OffsetStore, OffsetTable } from './offset-store.js';

/** Offsets on the broker that holds the queue. Java: RemoteBrokerOffsetStore. */
export class RemoteOffsetStore implements OffsetStore {
  private readonly table = new OffsetTable();

  constructor(
    private readonly brokers: BrokerLink,
    private readonly logger: Logger,
  ) {}

  async load(): Promise<void> {}

  async read(queue: MessageQueue): Promise<number | null> {
    const offset = await this.brokers.committedOffset(queue);
    if (offset !== null) this.update(queueKey(queue), queue, offset, false);
    return offset;
  }

  peek(key: string): number {
    return this.table.peek(key);
  }

  update(key: string, queue: MessageQueue, offset: number, increaseOnly: boolean): void {
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
      this.logger.warn(`offset ${known.offset} of queue ${key} could not be committed; it will be tried again`, {
        queue: known.queue,
        offset: known.offset,
        error,
      });
    }
  }
}
