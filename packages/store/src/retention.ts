import { isSystemTopic } from '@rocketnest/protocol';
import type { CommitLog } from './commit-log.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { DiskSpace } from './disk-space.js';
import type { Files } from './files.js';
import type { IndexService } from './index-service.js';
import type { OpenFiles } from './open-files.js';
import type { StoreOptions } from './options.js';
import type { StoreClock, StoreLogger } from './types.js';

const HOUR_MS = 3_600_000;
/** Passes that delete whatever the hour, after somebody asked for it. Java: `MAX_MANUAL_DELETE_FILE_TIMES`. */
const MANUAL_PASSES = 20;

/** `when` is a list such as `04` or `04;16`. Java: `UtilAll.isItTimeToDo`. */
export function isHourOf(when: string, now: number): boolean {
  return when.split(';').some((hour) => Number(hour) === new Date(now).getHours());
}

/** What retention works on. */
export interface RetentionParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly index: IndexService;
  readonly space: DiskSpace;
  readonly files: Files;
  readonly openFiles: OpenFiles;
  readonly options: StoreOptions;
  readonly clock: StoreClock;
  readonly logger: StoreLogger;
}

/**
 * Deletes commit log files, oldest first, and what in consume queues and index only points to them. Java: `CleanCommitLogService`,
 * `CleanConsumeQueueService`, `CorrectLogicOffsetService`.
 *
 * Files that were last written more than `fileReservedTime` hours ago go in the hours of `deleteWhen`, at any hour when the disk is
 * fuller than `diskMaxUsedSpaceRatio` or somebody asked for it. Above `diskSpaceCleanForciblyRatio` files go whatever their age. The
 * newest file always stays.
 */
export class Retention {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<unknown> = Promise.resolve();
  private stopped = false;
  private manualPasses = 0;
  /** Start of the log when consume queues and index were last brought in line with it. */
  private cleanedUntil = 0;

  constructor(private readonly parts: RetentionParts) {}

  start(): void {
    this.cleanedUntil = this.parts.log.minOffset;
    this.running = this.parts.space.check();
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.running;
  }

  /** Makes the next 20 passes delete expired files whatever the hour. Java: `executeDeleteFilesManually`. */
  deleteManually(): void {
    this.manualPasses = MANUAL_PASSES;
  }

  /**
   * Removes the queues, system topics' excepted, whose messages are all gone from the log; when messages come again they start at
   * offset 0. Java: `ConsumeQueueStore.cleanExpired`. Returns how many.
   */
  async cleanExpiredQueues(): Promise<number> {
    const { log, queues, logger } = this.parts;
    const expired = [...queues].filter(
      ({ topic, maxPhysicalOffset }) =>
        maxPhysicalOffset >= 0 && maxPhysicalOffset <= log.minOffset && !isSystemTopic(topic),
    );
    for (const { topic, queueId } of expired) {
      await queues.deleteQueue(topic, queueId);
      logger.info('deleted consume queue: its messages are gone', {
        topic,
        queueId,
        minCommitLogOffset: log.minOffset,
      });
    }
    return expired.length;
  }

  /** One pass. Returns how many commit log files were deleted. */
  async run(): Promise<number> {
    const { log, queues, index, space, options, clock, logger } = this.parts;
    const demand = await space.check();
    const manual = this.manualPasses > 0;
    if (manual) this.manualPasses--;
    let deleted = 0;
    if (demand !== 'nothing' || manual || isHourOf(options.deleteWhen, clock.now())) {
      deleted = await this.deleteLogFiles(demand === 'force' && options.cleanFileForciblyEnable);
      if (deleted === 0 && demand === 'force')
        logger.warn('the disk is filling up, and no commit log file can be deleted', { disks: space.uses });
    }
    if (log.minOffset > this.cleanedUntil) {
      const { minOffset } = log;
      await queues.deleteExpired(minOffset);
      await index.deleteExpired(minOffset);
      this.cleanedUntil = minOffset;
    }
    return deleted;
  }

  /** `force`: whatever their age. */
  private async deleteLogFiles(force: boolean): Promise<number> {
    const { log, files, openFiles, options, clock, logger } = this.parts;
    const { segments } = log;
    let deleted = 0;
    // The file being written stays, however old its last message is.
    while (deleted < options.deleteFileBatchMax && segments.start + segments.size <= log.maxOffset && !this.stopped) {
      const path = segments.path(segments.start);
      const facts = files.factsSync(path);
      const isExpired = !facts || clock.now() >= facts.modifiedMs + options.fileReservedTime * HOUR_MS;
      if (!isExpired && !force) break;
      if (deleted > 0) await pause(options.deleteCommitLogFilesInterval);
      segments.bases.shift();
      openFiles.drop(path);
      await new Promise<void>((resolve, reject) => files.remove(path, (error) => (error ? reject(error) : resolve())));
      logger.info('deleted commit log file', {
        path,
        reason: isExpired ? 'older than fileReservedTime' : 'disk space',
      });
      deleted++;
    }
    return deleted;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.running = this.run()
        .catch((error: unknown) =>
          this.parts.logger.error('deleting old files failed, it will be tried again', { error }),
        )
        .then(() => {
          if (!this.stopped) this.schedule();
        });
    }, this.parts.options.cleanResourceInterval);
    this.timer.unref();
  }
}

/** Between two deletions, so that the disk has time for others. */
const pause = (ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
