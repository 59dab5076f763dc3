export { parseDelayLevels } from './delay-level.js';
export type { DiskUse } from './disk-space.js';
export { type CommitLogItem, dumpCommitLog, dumpConsumeQueue } from './dump.js';
export { type DiskFacts, type FileFacts, type Files, nodeFiles, type OpenMode, type StoreFile } from './files.js';
export { readJsonFile, writeJsonAtomic } from './json-file.js';
export type { KeyQueryResult } from './key-query.js';
export { MessageStore, type MessageStoreInput } from './message-store.js';
export { type OptionRow, parseStoreOptions, type StoreOptions, storeOptionTable } from './options.js';
export { isHourOf } from './retention.js';
export { copyOfStored } from './stored-copy.js';
export { dumpTimerLog } from './timer/timer-dump.js';
export {
  deleteKey,
  deliverTime,
  isTimed,
  slotBefore,
} from './timer/timer-message.js';
export { TimerMessageStore, type TimerMessageStoreInput } from './timer/timer-message-store.js';
export type { TimerOptions } from './timer/timer-parts.js';
export * from './types.js';
