import { ConfigurationError, decodeMessage, type MessageExt } from '@rocketnest/protocol';
import { batchLayout } from './batch-consume-queue.js';
import { nodeFiles } from './files.js';
import { checkLogItem } from './log-record.js';
import { entryLayout, isFiller } from './simple-consume-queue.js';
import type { ConsumeQueueEntry } from './types.js';
import { decodeUnits } from './unit-files.js';

const WINDOW_BYTES = 1024 * 1024;

/** A piece of a commit log file. */
export type CommitLogItem =
  | { readonly kind: 'message'; readonly offset: number; readonly message: MessageExt }
  /** The rest of the file is unused on purpose. */
  | { readonly kind: 'blank'; readonly offset: number; readonly size: number }
  /** Here reading stopped: nothing was written, or the bytes are damaged. */
  | { readonly kind: 'end'; readonly offset: number; readonly reason: string };

/**
 * Reads one commit log file from `from` (a message start within the file; default its first byte) to its end. Read only, needs no
 * lock, works beside a running broker. Ends with exactly one `blank` or `end` item.
 *
 * @param path a file named by its base offset, `…/commitlog/00000000001073741824`
 */
export function* dumpCommitLog(path: string, from?: number): Generator<CommitLogItem> {
  const base = baseOffsetOf(path);
  const size = nodeFiles.factsSync(path)?.size ?? 0;
  const file = nodeFiles.openSync(path, 'read');
  try {
    let offset = from ?? base;
    let window: Buffer = Buffer.alloc(0);
    let windowStart = offset;
    for (;;) {
      const item = checkLogItem(window, offset - windowStart, base + size - offset, true);
      if (item.kind === 'more') {
        const next = Buffer.alloc(Math.min(base + size - offset, Math.max(item.size, WINDOW_BYTES)));
        window = next.subarray(0, file.readSync(next, offset - base));
        windowStart = offset;
        if (window.length < item.size) return yield { kind: 'end', offset, reason: 'the file ends' };
      } else if (item.kind === 'message') {
        yield { kind: 'message', offset, message: decodeMessage(window, offset - windowStart) };
        offset += item.size;
      } else {
        return yield { ...item, offset };
      }
    }
  } finally {
    file.closeSync();
  }
}

/**
 * Reads the entries of one consume queue file, up to the first that was never written. Entries that stand for no message (size
 * 2147483647, before the first message of a queue that does not begin at 0) are left out. Read only, needs no lock.
 *
 * @param path `…/consumequeue/<topic>/<queueId>/00000000000006000000`; a file under `batchconsumequeue` is read as one of a BatchCQ
 */
export function* dumpConsumeQueue(path: string): Generator<ConsumeQueueEntry> {
  const isBatch = /(^|[/\\])batchconsumequeue[/\\]/.test(path);
  const layout = isBatch ? batchLayout : entryLayout;
  const { bytes, stride } = layout;
  let unit = baseOffsetOf(path) / bytes;
  const file = nodeFiles.openSync(path, 'read');
  try {
    const piece = Buffer.alloc(WINDOW_BYTES - (WINDOW_BYTES % bytes));
    for (let position = 0; ; position += piece.length) {
      const units: number[] = [];
      const count = decodeUnits(layout, piece.subarray(0, file.readSync(piece, position)), units);
      for (let at = 0; at < units.length; at += stride, unit++) {
        const [commitLogOffset, size, tagsCode, , base, messageCount] = units.slice(at, at + stride);
        if (isFiller(commitLogOffset!, size!)) continue;
        const queueOffset = base ?? unit;
        yield {
          commitLogOffset: commitLogOffset!,
          size: size!,
          tagsCode: tagsCode!,
          queueOffset,
          messageCount: messageCount ?? 1,
        };
      }
      if (count * bytes < piece.length) return;
    }
  } finally {
    file.closeSync();
  }
}

function baseOffsetOf(path: string): number {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  if (/^\d{20}$/.test(name)) return Number(name);
  throw new ConfigurationError(
    `${path} is not a segment file: expected a name of 20 digits, the offset of its first byte`,
    {
      context: { path },
    },
  );
}
