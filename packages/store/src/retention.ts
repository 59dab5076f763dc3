import type { CommitLog } from './commit-log.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { Files } from './files.js';
import type { IndexService } from './index-service.js';
import type { OpenFiles } from './open-files.js';
import type { StoreOptions } from './options.js';
import type { StoreClock, StoreLogger } from './types.js';

const HOUR_MS = 3_600_000;

/** `when` is a list such as `04` or `04;16`. Java: `UtilAll.isItTimeToDo`. */
export function isHourOf(when: string, now: number): boolean {
  return when.split(';').some((hour) => Number(hour) === new Date(now).getHours());
}

/**
 * Deletes commit log files that were last written more than `fileReservedTime` hours ago, in the hours of `deleteWhen`, oldest
 * first, and what in consume queues and index only points to them. Java: `CleanCommitLogService`, `CleanConsumeQueueService`.
 *
 * Deleting because the disk is filling up, as Apache does above `diskMaxUsedSpaceRatio`, is not implemented.
 */
export class Retention {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly log: CommitLog,
    private readonly queues: ConsumeQueues,
    private readonly index: IndexService,
    private readonly files: Files,
    private readonly openFiles: OpenFiles,
    private readonly options: StoreOptions,
    private readonly clock: StoreClock,
    private readonly logger: StoreLogger,
  ) {}

  start(): void {
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.running;
  }

  /** One pass. Returns how many commit log files were deleted. */
  async run(): Promise<number> {
    const now = this.clock.now();
    if (!isHourOf(this.options.deleteWhen, now)) return 0;
    const { segments } = this.log;
    let deleted = 0;
    // The file being written stays, however old its last message is.
    while (deleted < this.options.deleteFileBatchMax && segments.start + segments.size <= this.log.maxOffset) {
      const path = segments.path(segments.start);
      const facts = this.files.factsSync(path);
      if (facts && now < facts.modifiedMs + this.options.fileReservedTime * HOUR_MS) break;
      segments.bases.shift();
      this.openFiles.drop(path);
      await new Promise<void>((resolve, reject) =>
        this.files.remove(path, (error) => (error ? reject(error) : resolve())),
      );
      this.logger.info('deleted commit log file: older than fileReservedTime', { path });
      deleted++;
    }
    if (deleted > 0) {
      await this.queues.deleteExpired(this.log.minOffset);
      this.index.deleteExpiredSync(this.log.minOffset);
    }
    return deleted;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.running = this.run()
        .catch((error: unknown) => this.logger.error('deleting old files failed, it will be tried again', { error }))
        .then(() => {
          if (!this.stopped) this.schedule();
        });
    }, this.options.cleanResourceInterval);
    this.timer.unref();
  }
}
