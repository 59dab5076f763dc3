import type { DiskFacts, Files } from './files.js';
import type { StoreOptions } from './options.js';
import type { StoreLogger } from './types.js';

/** How full the file system of a directory is. */
export interface DiskUse {
  readonly path: string;
  readonly totalBytes: number;
  /** What this process may still use. */
  readonly freeBytes: number;
  /** Used share from 0 to 1, in whole percents rounded up. Java: `UtilAll.getDiskPartitionSpaceUsedPercent`. */
  readonly usedRatio: number;
}

/**
 * What the fullness of the disk asks for. `reclaim`: delete what is older than fileReservedTime, whatever the hour. `force`: delete the
 * oldest files whatever their age, when `cleanFileForciblyEnable`.
 */
export type DiskDemand = 'nothing' | 'reclaim' | 'force';

/** Apache limits what can be configured. Java: `CleanCommitLogService`, `MessageStoreConfig.getDiskMaxUsedSpaceRatio`. */
const clamp = (percent: number, min: number, max: number): number => Math.min(Math.max(percent, min), max) / 100;

function usedRatio({ totalBytes, freeBytes, availableBytes }: DiskFacts): number {
  const used = totalBytes - freeBytes;
  return Math.ceil((used * 100) / (used + availableBytes)) / 100;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/**
 * Watches the file systems of commit log and consume queues. Java: `CleanCommitLogService.isSpaceToDelete`.
 *
 * Unlike Apache, which stops taking messages at `diskSpaceWarningLevelRatio` alone, `full` also wants less than `diskFullFreeBytes` to
 * be left: 90 % of a large disk is no reason to refuse messages.
 */
export class DiskSpace {
  /** By the last check, commit log first. Empty before the first. */
  uses: readonly DiskUse[] = [];
  /** Why messages are refused, with the numbers; null when they are not. */
  full: string | null = null;
  private failed = false;

  constructor(
    private readonly files: Files,
    private readonly paths: readonly string[],
    private readonly options: StoreOptions,
    private readonly logger: StoreLogger,
  ) {}

  /** Looks at the disks. What cannot be measured counts as not full. */
  async check(): Promise<DiskDemand> {
    try {
      this.uses = await Promise.all(this.paths.map((path) => this.measure(path)));
      this.failed = false;
    } catch (error) {
      if (!this.failed) this.logger.warn('free disk space cannot be measured', { paths: this.paths, error });
      this.failed = true;
      this.uses = [];
    }
    const { options } = this;
    const worst = this.uses.reduce<DiskUse | null>(
      (most, use) => (most && most.usedRatio >= use.usedRatio ? most : use),
      null,
    );
    this.setFull(worst);
    if (!worst) return 'nothing';
    if (worst.usedRatio > clamp(options.diskSpaceWarningLevelRatio, 35, 90)) return 'force';
    if (worst.usedRatio > clamp(options.diskSpaceCleanForciblyRatio, 30, 85)) return 'force';
    return worst.usedRatio > clamp(options.diskMaxUsedSpaceRatio, 10, 95) ? 'reclaim' : 'nothing';
  }

  private setFull(worst: DiskUse | null): void {
    const { diskSpaceWarningLevelRatio, diskFullFreeBytes } = this.options;
    const limit = clamp(diskSpaceWarningLevelRatio, 35, 90);
    const wasFull = this.full !== null;
    this.full = null;
    if (worst && worst.usedRatio > limit && worst.freeBytes < diskFullFreeBytes) {
      const { path, totalBytes, freeBytes } = worst;
      this.full =
        `the disk of ${path} is ${Math.round(worst.usedRatio * 100)} % full (limit ${Math.round(limit * 100)} %, diskSpaceWarningLevelRatio): ` +
        `${gib(freeBytes)} of ${gib(totalBytes)} are free, ${gib(diskFullFreeBytes)} (diskFullFreeBytes) are wanted; free some space`;
    }
    if (this.full && !wasFull) this.logger.error(`messages are refused: ${this.full}`, { ...worst });
    if (!this.full && wasFull) this.logger.info('messages are taken again: there is disk space', { ...worst });
  }

  private measure(path: string): Promise<DiskUse> {
    return new Promise((resolve, reject) => {
      this.files.space(path, (error, facts) => {
        if (!facts) return reject(error);
        resolve({
          path,
          totalBytes: facts.totalBytes,
          freeBytes: facts.availableBytes,
          usedRatio: usedRatio(facts),
        });
      });
    });
  }
}
