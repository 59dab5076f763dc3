import type { MessageQueue } from '../message-queue.js';

/** Where a group's progress is kept: on the broker (clustering) or in a local file (broadcasting). Java: OffsetStore. */
export interface OffsetStore {
  /** Once, before anything else. */
  load(): Promise<void>;
  /**
   * The committed offset as the store has it, remembered in memory too; null when the group never committed one.
   * Rejects when the store cannot be asked: the caller must not guess then.
   */
  read(queue: MessageQueue): Promise<number | null>;
  /** The offset in memory, to be committed; -1 when there is none. */
  peek(key: string): number;
  /** Notes progress in memory. `increaseOnly`: a lower offset than the noted one is ignored. */
  update(key: string, queue: MessageQueue, offset: number, increaseOnly: boolean): void;
  /** Writes what is in memory. `confirmed` waits for the broker's word; otherwise it is told without an answer. Never rejects. */
  persist(keys: Iterable<string>, confirmed: boolean): Promise<void>;
  /** Drops a queue that is no longer ours from memory. */
  forget(key: string): void;
}

/** Progress in memory, shared by both stores. */
export class OffsetTable {
  private readonly offsets = new Map<string, { readonly queue: MessageQueue; offset: number }>();

  get(key: string): { readonly queue: MessageQueue; readonly offset: number } | undefined {
    return this.offsets.get(key);
  }

  peek(key: string): number {
    return this.offsets.get(key)?.offset ?? -1;
  }

  update(key: string, queue: MessageQueue, offset: number, increaseOnly: boolean): void {
    const known = this.offsets.get(key);
    if (known === undefined) this.offsets.set(key, { queue, offset });
    else if (!increaseOnly || offset > known.offset) known.offset = offset;
  }

  forget(key: string): void {
    this.offsets.delete(key);
  }
}
