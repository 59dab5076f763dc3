import { ConsumeQueue } from './consume-queue.js';
import type { Files } from './files.js';
import type { OpenFiles } from './open-files.js';
import type { StoreLogger } from './types.js';

/** How many queues are flushed at the same time: enough to keep the thread pool of Node busy, few enough to leave it room. */
const FLUSH_WORKERS = 3;

/** All consume queues, by topic and queue id. Java: `ConsumeQueueStore`. */
export class ConsumeQueues implements Iterable<ConsumeQueue> {
  private readonly table = new Map<string, (ConsumeQueue | undefined)[]>();
  /** Queues with something in memory; the others need no attention. */
  private readonly active = new Set<ConsumeQueue>();
  private readonly unsynced = new Set<ConsumeQueue>();

  constructor(
    readonly directory: string,
    private readonly fileSize: number,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    private readonly logger: StoreLogger,
  ) {}

  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.table.get(topic)?.[queueId];
  }

  getOrCreate(topic: string, queueId: number): ConsumeQueue {
    let queues = this.table.get(topic);
    if (!queues) {
      queues = [];
      this.table.set(topic, queues);
    }
    let queue = queues[queueId];
    if (!queue) {
      const directory = `${this.directory}/${topic}/${queueId}`;
      const topicBytes = queues.find((sibling) => sibling)?.topicBytes ?? Buffer.from(topic);
      queue = new ConsumeQueue(
        topic,
        topicBytes,
        queueId,
        directory,
        this.fileSize,
        this.files,
        this.openFiles,
        this.logger,
      );
      queues[queueId] = queue;
    }
    return queue;
  }

  /** The queue for a put, made when needed; undefined when the names cannot be directories. Checked once per queue, not per message. */
  forPut(topic: string, queueId: number): ConsumeQueue | undefined {
    const queue = this.get(topic, queueId);
    if (queue) return queue;
    const isName = /^[^/\\\0]+$/.test(topic) && Buffer.byteLength(topic) <= 255 && topic !== '.' && topic !== '..';
    return isName && Number.isInteger(queueId) && queueId >= 0 ? this.getOrCreate(topic, queueId) : undefined;
  }

  *[Symbol.iterator](): Iterator<ConsumeQueue> {
    for (const queues of this.table.values()) for (const queue of queues) if (queue) yield queue;
  }

  append(queue: ConsumeQueue, commitLogOffset: number, size: number, tagsCode: number, queueOffset: number): void {
    queue.append(commitLogOffset, size, tagsCode, queueOffset);
    this.active.add(queue);
  }

  /** End of the newest message any queue knows, -1 when there is none. Java: `getMaxPhyOffsetInConsumeQueue`. */
  get maxPhysicalOffset(): number {
    return this.newest?.maxPhysicalOffset ?? -1;
  }

  /** The queue with the newest message. */
  get newest(): ConsumeQueue | null {
    let newest: ConsumeQueue | null = null;
    for (const queue of this) if (queue.maxPhysicalOffset > (newest?.maxPhysicalOffset ?? -1)) newest = queue;
    return newest;
  }

  loadSync(): void {
    for (const topic of this.files.listSync(this.directory)) {
      const topicDirectory = `${this.directory}/${topic}`;
      if (!this.files.factsSync(topicDirectory)?.isDirectory) continue;
      for (const name of this.files.listSync(topicDirectory)) {
        if (/^\d{1,9}$/.test(name)) this.getOrCreate(topic, Number(name)).loadSync();
      }
    }
  }

  truncateSync(commitLogOffset: number): void {
    for (const queue of this) queue.truncateSync(commitLogOffset);
  }

  flushSync(): void {
    for (const queue of this.active) queue.flushSync();
    for (const queue of this.active) this.unsynced.add(queue);
    this.active.clear();
  }

  async correctMinOffsets(minCommitLogOffset: number): Promise<void> {
    for (const queue of this) await queue.correctMinOffset(minCommitLogOffset);
  }

  /**
   * Writes what is only in memory; `sync` also brings the files to the disk. `tailStart`: entries of messages before it are not kept
   * in memory once written. Rejects with the first error after having tried every queue.
   */
  async flush(sync: boolean, tailStart: number): Promise<void> {
    const work = sync ? [...new Set([...this.active, ...this.unsynced])] : [...this.active];
    let failure: unknown = null;
    const worker = async (): Promise<void> => {
      for (let queue = work.pop(); queue; queue = work.pop()) {
        try {
          await this.flushOne(queue, sync, tailStart);
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: FLUSH_WORKERS }, worker));
    if (failure) throw failure;
  }

  async deleteExpired(minCommitLogOffset: number): Promise<void> {
    for (const queue of [...this]) await queue.deleteExpired(minCommitLogOffset);
  }

  /** Removes the topic's queues and their files. False when there is no such topic. */
  async deleteTopic(topic: string): Promise<boolean> {
    const queues = this.table.get(topic);
    if (!queues) return false;
    this.table.delete(topic);
    for (const queue of queues) {
      if (!queue) continue;
      this.active.delete(queue);
      this.unsynced.delete(queue);
      await queue.destroy();
    }
    this.files.removeEmptyDirectorySync(`${this.directory}/${topic}`);
    return true;
  }

  private async flushOne(queue: ConsumeQueue, sync: boolean, tailStart: number): Promise<void> {
    if (queue.dirty || sync) await queue.flush(sync);
    queue.forgetTail(tailStart);
    if (queue.hasUnsynced) this.unsynced.add(queue);
    else this.unsynced.delete(queue);
    if (!queue.hasTail && !queue.dirty) this.active.delete(queue);
  }
}
