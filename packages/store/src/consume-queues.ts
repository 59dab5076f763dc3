import { CorruptError } from '@rocketnest/protocol';
import { BatchConsumeQueue } from './batch-consume-queue.js';
import type { ConsumeQueue, ConsumeQueueParts } from './consume-queue.js';
import type { DispatchRequest } from './dispatch.js';
import type { Files } from './files.js';
import type { OpenFiles } from './open-files.js';
import type { StoreOptions } from './options.js';
import { SimpleConsumeQueue } from './simple-consume-queue.js';
import type { QueueType, StoreLogger } from './types.js';
import { WritePace } from './write-pace.js';

/** How many queues are flushed at the same time: enough to keep the thread pool of Node busy, few enough to leave it room. */
const FLUSH_WORKERS = 3;

/** How long the loop writes queues without looking after anything else. */
const TURN_MS = 1;

/** Shares the time of the event loop between those who write queues and everybody else. */
class Turns {
  private end = performance.now() + TURN_MS;
  private next: Promise<void> | null = null;

  /** Resolves when it is a writer's turn. */
  async mine(): Promise<void> {
    while (performance.now() >= this.end) {
      this.next ??= new Promise((resolve) => {
        setImmediate(() => {
          this.next = null;
          this.end = performance.now() + TURN_MS;
          resolve();
        });
      });
      await this.next;
    }
  }
}

/** What differs between the types of queues. */
interface QueueKind {
  readonly directory: string;
  readonly fileSize: number;
  readonly make: (parts: ConsumeQueueParts) => ConsumeQueue;
}

const twoTypes = (found: string, { topic, queueId, type, segments }: ConsumeQueue): CorruptError =>
  new CorruptError(
    `queue ${queueId} of topic ${topic} is there twice, as ${type} in ${segments.directory} and in ${found}: move away the one whose type (queue.type) is not the topic's`,
    { context: { topic, queueId, type, found } },
  );

/** All consume queues, by topic and queue id. Java: `ConsumeQueueStore`. */
export class ConsumeQueues implements Iterable<ConsumeQueue> {
  private readonly table = new Map<string, (ConsumeQueue | undefined)[]>();
  /** Queues with something in memory; the others need no attention. */
  private readonly active = new Set<ConsumeQueue>();
  private readonly unsynced = new Set<ConsumeQueue>();
  private readonly pace = new WritePace();

  private readonly kinds: Readonly<Record<QueueType, QueueKind>>;

  constructor(
    rootDir: string,
    options: StoreOptions,
    private readonly queueTypeOf: (topic: string) => QueueType,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    private readonly logger: StoreLogger,
  ) {
    this.kinds = {
      SimpleCQ: {
        directory: `${rootDir}/consumequeue`,
        fileSize: options.mappedFileSizeConsumeQueue,
        make: (parts) => new SimpleConsumeQueue(parts),
      },
      BatchCQ: {
        directory: `${rootDir}/batchconsumequeue`,
        fileSize: options.mapperFileSizeBatchConsumeQueue,
        make: (parts) => new BatchConsumeQueue(parts),
      },
    };
  }

  /** Where the queues of each type are. */
  get directories(): string[] {
    return Object.values(this.kinds).map(({ directory }) => directory);
  }

  get(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.table.get(topic)?.[queueId];
  }

  /** `type`: of queues found on the disk; else the topic decides. */
  getOrCreate(topic: string, queueId: number, type?: QueueType): ConsumeQueue {
    let queues = this.table.get(topic);
    if (!queues) {
      queues = [];
      this.table.set(topic, queues);
    }
    let queue = queues[queueId];
    if (!queue) {
      const sibling = queues.find((one) => one);
      const kind = this.kinds[type ?? sibling?.type ?? this.queueTypeOf(topic)];
      queue = kind.make({
        topic,
        topicBytes: sibling?.topicBytes ?? Buffer.from(topic),
        queueId,
        directory: `${kind.directory}/${topic}/${queueId}`,
        fileSize: kind.fileSize,
        files: this.files,
        openFiles: this.openFiles,
        logger: this.logger,
      });
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

  append(queue: ConsumeQueue, request: DispatchRequest): void {
    const { commitLogOffset, size, tagsCode, queueOffset, storeTimestamp, messageCount } = request;
    queue.append(commitLogOffset, size, tagsCode, queueOffset, storeTimestamp, messageCount);
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

  /** @throws CorruptError when a queue is there in two types, or files are missing or have another size. */
  loadSync(): void {
    for (const [type, { directory }] of Object.entries(this.kinds) as [QueueType, QueueKind][]) {
      for (const topic of this.files.listSync(directory)) {
        const topicDirectory = `${directory}/${topic}`;
        if (!this.files.factsSync(topicDirectory)?.isDirectory) continue;
        for (const name of this.files.listSync(topicDirectory)) {
          if (!/^\d{1,9}$/.test(name)) continue;
          const other = this.get(topic, Number(name));
          if (other) throw twoTypes(topicDirectory, other);
          this.getOrCreate(topic, Number(name), type).loadSync();
        }
      }
    }
  }

  truncateSync(commitLogOffset: number): void {
    for (const queue of this) {
      queue.truncateSync(commitLogOffset);
      if (queue.hasUnsynced) this.unsynced.add(queue);
    }
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
    const turns = new Turns();
    let failure: unknown = null;
    const worker = async (): Promise<void> => {
      for (let queue = work.pop(); queue; queue = work.pop()) {
        await turns.mine();
        try {
          const written = this.writeNow(queue);
          if (sync || !written) await queue.flush(sync);
          this.settle(queue, tailStart);
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

  /** Removes a queue and its files. */
  async deleteQueue(topic: string, queueId: number): Promise<void> {
    const queues = this.table.get(topic);
    const queue = queues?.[queueId];
    if (!queues || !queue) return;
    queues[queueId] = undefined;
    if (queues.every((one) => one === undefined)) this.table.delete(topic);
    this.active.delete(queue);
    this.unsynced.delete(queue);
    await queue.destroy();
    for (const directory of this.directories) this.files.removeEmptyDirectorySync(`${directory}/${topic}`);
  }

  /** Removes the topic's queues and their files. False when there is no such topic. */
  async deleteTopic(topic: string): Promise<boolean> {
    const queues = this.table.get(topic);
    if (!queues) return false;
    for (const queue of [...queues]) if (queue) await this.deleteQueue(topic, queue.queueId);
    this.table.delete(topic);
    return true;
  }

  /**
   * Writes before it returns where that is a matter of copying memory: with thousands of queues the way through the thread pool costs
   * ten times the work.
   */
  private writeNow(queue: ConsumeQueue): boolean {
    if (!queue.dirty) return true;
    if (!this.pace.quick) return false;
    const startedAt = performance.now();
    const written = queue.writeSync();
    this.pace.wrote(startedAt);
    return written;
  }

  /** After a flush: who needs attention the next time. */
  private settle(queue: ConsumeQueue, tailStart: number): void {
    queue.forgetTail(tailStart);
    if (queue.hasUnsynced) this.unsynced.add(queue);
    else this.unsynced.delete(queue);
    if (!queue.hasTail && !queue.dirty) this.active.delete(queue);
  }
}
