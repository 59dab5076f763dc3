import type { CommitLog } from './commit-log.js';
import type { IndexService } from './index-service.js';

/** What a query by key found. Java: `QueryMessageResult`. */
export interface KeyQueryResult {
  /** Stored messages, oldest first. Hashes can collide: whoever asked compares the keys. */
  readonly messages: Buffer[];
  /** Store time and commit log offset of the newest message in the index; 0 when nothing was found. */
  readonly lastUpdateTimestamp: number;
  readonly lastCommitLogOffset: number;
}

/** Looks messages up in the index; entries of messages that are gone are passed over. Java: `DefaultMessageStore.queryMessage`. */
export async function queryByKey(
  log: CommitLog,
  index: IndexService,
  topic: string,
  key: string,
  maxNum: number,
  begin: number,
  end: number,
  indexType?: string,
): Promise<KeyQueryResult> {
  const match = await index.query(topic, key, maxNum, begin, end, indexType);
  if (match.offsets.length === 0) return { messages: [], lastUpdateTimestamp: 0, lastCommitLogOffset: 0 };
  const found = await Promise.all(match.offsets.map((offset) => log.message(offset)));
  return {
    messages: found.filter((message) => message !== null),
    lastUpdateTimestamp: match.lastUpdateTimestamp,
    lastCommitLogOffset: match.lastCommitLogOffset,
  };
}
