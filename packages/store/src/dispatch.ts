import { MessageSysFlag, PropertyName, SystemTopic, tagsCodeOf, transactionValue } from '@rocketnest/protocol';
import type { DelayLevels } from './delay-level.js';

/** What consume queue and index need to know of a message in the log. Java: `DispatchRequest`. */
export interface DispatchRequest {
  readonly topic: string;
  readonly queueId: number;
  readonly commitLogOffset: number;
  readonly size: number;
  readonly tagsCode: number;
  readonly storeTimestamp: number;
  readonly queueOffset: number;
  readonly sysFlag: number;
  readonly properties: Readonly<Record<string, string>>;
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
