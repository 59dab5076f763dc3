import { MessageSysFlag, PropertyName, SystemTopic, tagsCodeOf, transactionValue } from '@rocketnest/protocol';
import type { DelayLevels } from './delay-level.js';

/** Java counts the messages of an inner batch in a short. */
export const MAX_INNER_MESSAGES = 32767;

/** What consume queue and index need to know of a message in the log. Java: `DispatchRequest`. */
export interface DispatchRequest {
  readonly topic: string;
  readonly queueId: number;
  readonly commitLogOffset: number;
  readonly size: number;
  readonly tagsCode: number;
  readonly storeTimestamp: number;
  readonly queueOffset: number;
  /** Offsets the message takes: more than 1 for an inner batch. */
  readonly messageCount: number;
  readonly sysFlag: number;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * How many offsets a message takes. Java: `CommitLog.getMessageNum` when it is put, `setBatchSizeIfNeeded` when it is read.
 */
export function messageCountOf(properties: Readonly<Record<string, string>>): number {
  const text = properties[PropertyName.INNER_NUM];
  if (text === undefined) return 1;
  const count = Number.parseInt(text, 10);
  return count >= 1 && count <= MAX_INNER_MESSAGES ? count : 1;
}

/** Half messages and rollback marks are not consumed. Java: `CommitLogDispatcherBuildConsumeQueue`. */
export function entersConsumeQueue(sysFlag: number): boolean {
  const transaction = transactionValue(sysFlag);
  return transaction === MessageSysFlag.TRANSACTION_NOT || transaction === MessageSysFlag.TRANSACTION_COMMIT;
}

/**
 * The third field of a consume queue entry: hash of the tags, or for delayed messages the time they are due, in ms.
 * Java: `CommitLog.checkMessageAndReturnSize`.
 */
export function entryTagsCode(
  topic: string,
  properties: Readonly<Record<string, string>>,
  storeTimestamp: number,
  delayLevels: DelayLevels,
): number {
  if (topic === SystemTopic.SCHEDULE) {
    const level = Number.parseInt(properties[PropertyName.DELAY] ?? '', 10);
    if (level > 0) return delayLevels.deliverTimestamp(level, storeTimestamp);
  }
  return tagsCodeOf(properties[PropertyName.TAGS]);
}
