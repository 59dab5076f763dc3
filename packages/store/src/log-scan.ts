import { readStored } from '@rocketnest/protocol';
import type { Files, StoreFile } from './files.js';
import { checkLogItem } from './log-record.js';
import type { Segments } from './segments.js';

const WINDOW_BYTES = 4 * 1024 * 1024;

/** Called for each message; `source` is reused afterwards, so nothing of it may be kept. Returns whether to go on. */
export type ScanVisitor = (source: Buffer, at: number, offset: number, size: number) => boolean;

export interface ScanResult {
  /** Behind the last complete message or blank record: the end of the log when the scan was not stopped. */
  readonly end: number;
  /** Start of the last message, -1 when there was none. */
  readonly lastMessage: number;
  readonly messages: number;
  /** Why the scan ended. */
  readonly reason: string;
}

/**
 * Reads the commit log from `from`, which must be the start of a record, to its end, in large sequential reads.
 * For start-up and tools: it blocks.
 */
export function scanLogSync(
  files: Files,
  segments: Segments,
  from: number,
  checkCrc: boolean,
  visit: ScanVisitor,
): ScanResult {
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;
  let file: StoreFile | null = null;
  let fileBase = -1;
  let offset = from;
  let lastMessage = -1;
  let messages = 0;
  const result = (reason: string): ScanResult => {
    file?.closeSync();
    return { end: offset, lastMessage, messages, reason };
  };

  for (;;) {
    if (!segments.contains(offset)) return result('the last file is full');
    const base = segments.baseOf(offset);
    if (base !== fileBase) {
      file?.closeSync();
      file = files.openSync(segments.path(base), 'read');
      fileBase = base;
      window = Buffer.alloc(0);
    }
    const left = base + segments.size - offset;
    const item = checkLogItem(window, offset - windowStart, left, checkCrc);
    switch (item.kind) {
      case 'more': {
        const wanted = Math.min(left, Math.max(item.size, WINDOW_BYTES));
        const next = window.length >= wanted ? window.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
        window = next.subarray(0, file!.readSync(next, offset - base));
        windowStart = offset;
        if (window.length < item.size) return result('the file is shorter than its size');
        break;
      }
      case 'end':
        return result(item.reason);
      case 'blank':
        offset += item.size;
        break;
      case 'message': {
        const at = offset - windowStart;
        // Bytes of an older life of the file can be a whole message, with a valid CRC, of another place.
        if (readStored.commitLogOffset(window, at) !== offset) return result('a message of another place of the log');
        if (visit(window, at, offset, item.size) === false) return result('stopped');
        lastMessage = offset;
        messages++;
        offset += item.size;
        break;
      }
    }
  }
}

/** Store time and offset of the first message of a file, null when it does not begin with a whole message. */
export function firstMessageSync(
  files: Files,
  segments: Segments,
  base: number,
): { offset: number; storeTimestamp: number } | null {
  let first: { offset: number; storeTimestamp: number } | null = null;
  scanLogSync(files, segments, base, true, (source, at, offset) => {
    if (segments.baseOf(offset) === base) first = { offset, storeTimestamp: readStored.storeTimestamp(source, at) };
    return false;
  });
  return first;
}
