import type { Checkpoint } from './checkpoint.js';
import type { CommitLog } from './commit-log.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { Dispatcher } from './dispatcher.js';
import type { IndexService } from './index-service.js';
import type { StoreOptions } from './options.js';
import type { StoreLogger } from './types.js';

/**
 * Brings consume queues, index and checkpoint to the disk at intervals. Java: `FlushConsumeQueueService`.
 *
 * The checkpoint only speaks of what is on the disk: a thorough flush notes the newest dispatched message, then syncs the log, the
 * queues and the index, and writes the checkpoint last.
 */
export class FlushService {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private lastThorough = Date.now();

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
    this.lastThorough = Date.now();
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
    if (thorough) await log.sync();
    await queues.flush(thorough, log.tailStart);
    const indexTimestamp = await index.flush(thorough);
    if (!thorough && indexTimestamp === 0) return;

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
    this.timer = setTimeout(() => {
      const thorough = Date.now() - this.lastThorough >= this.options.flushConsumeQueueThoroughInterval;
      if (thorough) this.lastThorough = Date.now();
      this.running = this.flush(thorough)
        .catch((error: unknown) => {
          this.logger.error('flush of consume queues, index or checkpoint failed, it will be tried again', { error });
        })
        .then(() => {
          if (!this.stopped) this.schedule();
        });
    }, this.options.flushIntervalConsumeQueue);
    this.timer.unref();
  }
}
