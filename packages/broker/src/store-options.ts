import type { StoreOptions } from '@rocketnest/store';
import type { BrokerOptions } from './options.js';

/** The part of the broker's options that the store obeys, under the store's names. */
export const storeOptionsOf = (options: BrokerOptions): Partial<StoreOptions> & { rootDir: string } => ({
  rootDir: options.storePathRootDir,
  flushDiskType: options.flushDiskType,
  mappedFileSizeCommitLog: options.mappedFileSizeCommitLog,
  mappedFileSizeConsumeQueue: options.mappedFileSizeConsumeQueue,
  flushIntervalCommitLog: options.flushIntervalCommitLog,
  flushIntervalConsumeQueue: options.flushIntervalConsumeQueue,
  fileReservedTime: options.fileReservedTime,
  deleteWhen: options.deleteWhen,
  messageIndexEnable: options.messageIndexEnable,
  maxHashSlotNum: options.maxHashSlotNum,
  maxIndexNum: options.maxIndexNum,
  maxMessageSize: options.maxMessageSize,
  messageDelayLevel: options.messageDelayLevel,
});
