import {
  BLANK_MAGIC,
  checkStoredMessage,
  decodeProperties,
  MESSAGE_MAGIC_V1,
  MESSAGE_MAGIC_V2,
  readStored,
} from '@rocketnest/protocol';
import type { DelayLevels } from './delay-level.js';
import { type DispatchRequest, entryTagsCode, messageCountOf } from './dispatch.js';

/** Size and magic of a blank record: the least a file keeps free behind its last message. Java: `END_FILE_MIN_BLANK_LENGTH`. */
export const BLANK_RECORD_BYTES = 8;
/** Bytes from the start of a message up to and with its store time, whatever the kind of host. */
export const STORE_TIMESTAMP_PREFIX_BYTES = 76;

/** What stands at a place of the commit log. */
export type LogItem =
  /** A complete message of `size` bytes. */
  | { readonly kind: 'message'; readonly size: number }
  /** The rest of the file is unused; the log goes on in the next file. */
  | { readonly kind: 'blank'; readonly size: number }
  /** Neither: here the log ends, or is damaged. */
  | { readonly kind: 'end'; readonly reason: string }
  /** The buffer ends too early to tell: at least `size` bytes are needed. */
  | { readonly kind: 'more'; readonly size: number };

/**
 * Checks the record at `at` without decoding it. Java: `CommitLog.checkMessageAndReturnSize`.
 *
 * @param left bytes from `at` to the end of the commit log file
 */
export function checkLogItem(source: Buffer, at: number, left: number, checkCrc: boolean): LogItem {
  if (left < BLANK_RECORD_BYTES) return { kind: 'end', reason: 'the file ends' };
  const available = source.length - at;
  if (available < BLANK_RECORD_BYTES) return { kind: 'more', size: BLANK_RECORD_BYTES };
  const size = readStored.totalSize(source, at);
  const magic = readStored.magic(source, at);
  if (size > left || size < 0) return { kind: 'end', reason: `size ${size} with ${left} bytes left in the file` };
  if (magic === BLANK_MAGIC) return { kind: 'blank', size: left };
  if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) {
    return { kind: 'end', reason: magic === 0 && size === 0 ? 'nothing was written here' : 'no magic code' };
  }
  if (size > available) return { kind: 'more', size };
  try {
    checkStoredMessage(source, at, { checkCrc });
  } catch (error) {
    return { kind: 'end', reason: (error as Error).message };
  }
  return isTornBehindBody(source, at, size)
    ? { kind: 'end', reason: 'topic or properties end in zeros' }
    : { kind: 'message', size };
}

/**
 * The CRC covers the body only. Of a message whose last bytes did not reach the disk the rest reads as zeros; neither a topic nor
 * properties end in one.
 */
function isTornBehindBody(source: Buffer, at: number, size: number): boolean {
  const end = at + size;
  if (source[end - 1] !== 0) return false;
  const hasProperties = readStored.propertiesData(source, at).length > 0;
  return hasProperties || source[end - 3] === 0;
}

/** What the dispatcher needs of the checked message at `at`. */
export function readDispatchRequest(source: Buffer, at: number, delayLevels: DelayLevels): DispatchRequest {
  const topic = readStored.topic(source, at);
  const storeTimestamp = readStored.storeTimestamp(source, at);
  const propertiesData = readStored.propertiesData(source, at);
  const properties = propertiesData.length === 0 ? {} : decodeProperties(propertiesData);
  return {
    topic,
    queueId: readStored.queueId(source, at),
    commitLogOffset: readStored.commitLogOffset(source, at),
    size: readStored.totalSize(source, at),
    tagsCode: entryTagsCode(topic, properties, storeTimestamp, delayLevels),
    storeTimestamp,
    queueOffset: readStored.queueOffset(source, at),
    messageCount: messageCountOf(properties),
    sysFlag: readStored.sysFlag(source, at),
    properties,
  };
}
