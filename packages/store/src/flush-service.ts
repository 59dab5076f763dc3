import type { Checkpoint } from './checkpoint.js';
import type { CommitLog } from './commit-log.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { Dispatcher } from './dispatcher.js';
import type { IndexService } from './index-service.js';
import type { StoreOptions } from './options.js';
import type { StoreLogger } from './types.js';

/** A flush comes early after this many messages: bounds what is read again when the process was killed. */
const MESSAGES_PER_FLUSH = 50_000;
/** How often the messages are counted. */
const COUNT_INTERVAL_MS = 200;
/** A thorough flush comes early after this many messages: bounds what is read again when the machine went down. */
const MESSAGES_PER_THOROUGH_FLUSH = 1_000_000;

/**
 * Brings consume queues, index and checkpoint to the disk at intervals. Java: `FlushConsumeQueueService`.
 *
 * The checkpoint's fields only speak of what is on the disk: a thorough flush notes the newest dispatched message, then syncs the log,
 * the queues and the index, and writes the checkpoint last. Every other flush notes there what is written to the files, which counts
 * when the process is killed but the machine runs on.
 */
export class FlushService {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private lastThorough = performance.now();
  private thoroughCount = 0;
  private lastFlush = performance.now();
  private flushCount = 0;

  constructor(
    private readonly log: CommitLog,
    private readonly queues: ConsumeQueues,
    private readonly index: IndexService,
    private readonly checkpoint: Checkpoint,
    private readonly dispatcher: Dispatcher,
    private readonly options: StoreOptions,
    private readonly logger: StoreLogger,
  ) {}

  start(): void {
    this.lastThorough = performance.now();
    this.schedule();
  }

  /** No flush runs afterwards. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.running;
  }

  /** Calls must not overlap: for the timer, and for the owner after `stop`. */
  async flush(thorough: boolean): Promise<void> {
    const { log, queues, index, checkpoint } = this;
    const { commitLogOffset, storeTimestamp } = this.dispatcher.last;
    const isNew = storeTimestamp > 0 && commitLogOffset !== checkpoint.written?.commitLogOffset;
    if (thorough) await log.sync();
    await queues.flush(thorough, log.tailStart);
    // While slots and header of the index are on their way to the disk, a killed process leaves a mixture.
    const { written } = checkpoint;
    if (written && (thorough || index.rolls)) {
      await checkpoint.saveWritten({ ...written, index: { ...written.index, mixed: true } });
    }
    const indexTimestamp = await index.flush(thorough);
    if (storeTimestamp > 0) checkpoint.written = { commitLogOffset, index: index.written };
    if (!thorough && indexTimestamp === 0) {
      if (isNew) await checkpoint.saveWritten(checkpoint.written);
      return;
    }

    checkpoint.physicMsgTimestamp = Math.max(checkpoint.physicMsgTimestamp, log.syncedTimestamp);
    if (indexTimestamp > 0) checkpoint.indexMsgTimestamp = indexTimestamp;
    if (thorough && storeTimestamp > 0) {
      checkpoint.logicsMsgTimestamp = storeTimestamp;
      checkpoint.logicsPhysicalOffset = commitLogOffset;
      checkpoint.isOurs = true;
    }
    await checkpoint.save();
  }

  private schedule(): void {
    const interval = this.options.flushIntervalConsumeQueue;
    this.timer = setTimeout(
      () => {
        const due = performance.now() - this.lastFlush >= interval;
        if (due || this.dispatcher.count - this.flushCount >= MESSAGES_PER_FLUSH) this.running = this.flushNow();
        void this.running.then(() => {
          if (!this.stopped) this.schedule();
        });
      },
      Math.min(interval, COUNT_INTERVAL_MS),
    );
    this.timer.unref();
  }

  private async flushNow(): Promise<void> {
    this.lastFlush = performance.now();
    this.flushCount = this.dispatcher.count;
    const thorough =
      this.lastFlush - this.lastThorough >= this.options.flushConsumeQueueThoroughInterval ||
      this.flushCount - this.thoroughCount >= MESSAGES_PER_THOROUGH_FLUSH;
    if (thorough) {
      this.lastThorough = this.lastFlush;
      this.thoroughCount = this.flushCount;
    }
    try {
      await this.flush(thorough);
    } catch (error) {
      this.logger.error('flush of consume queues, index or checkpoint failed, it will be tried again', { error });
    }
  }
}
