import type { Checkpoint } from './checkpoint.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { DelayLevels } from './delay-level.js';
import { type DispatchRequest, entersConsumeQueue } from './dispatch.js';
import type { Files } from './files.js';
import type { IndexService } from './index-service.js';
import { readDispatchRequest } from './log-record.js';
import { firstMessageSync, type ScanResult, scanLogSync } from './log-scan.js';
import type { StoreOptions } from './options.js';
import type { Segments } from './segments.js';
import type { StoreLogger } from './types.js';

/** Entries dispatched between two flushes of the consume queues: bounds the memory of a long recovery. */
const FLUSH_EVERY = 100_000;

/** The loaded parts of a store that is about to start. */
export interface RecoveryParts {
  readonly files: Files;
  readonly log: Segments;
  readonly queues: ConsumeQueues;
  readonly index: IndexService;
  readonly checkpoint: Checkpoint;
  readonly options: StoreOptions;
  readonly delayLevels: DelayLevels;
  readonly logger: StoreLogger;
}

/**
 * Makes log, consume queues and index agree, and returns the end of the log. Blocks; for start-up.
 *
 * The log is the truth. From a place that is certain to be whole it is read to its end; messages that consume queues or index lack
 * are dispatched again, and whatever lies behind the end, in all three, is cut off. Java: `CommitLog.recoverNormally` and
 * `recoverAbnormally`; unlike Java this one reads no further back than needed after a clean stop or when only the process was killed,
 * but as far as needed when consume queues are missing.
 *
 * @param clean the last owner stopped in order (there was no `abort` file)
 */
export function recoverSync(parts: RecoveryParts, clean: boolean): number {
  const { log, queues, index, checkpoint, logger } = parts;
  if (log.empty) {
    if (queues.maxPhysicalOffset >= 0)
      logger.warn('commit log is empty: consume queues and index are emptied, too', { directory: log.directory });
    queues.truncateSync(0);
    index.recoverSync(0, false);
    checkpoint.written = null;
    return 0;
  }

  const startedAt = Date.now();
  const { from, scan } = scanFromBestStart(parts, clean);
  if (queues.maxPhysicalOffset > scan.end) queues.truncateSync(scan.end);
  if (index.endOffset >= scan.end) index.recoverSync(scan.end, false);
  queues.flushSync();
  log.cutSync(scan.end);
  // What Apache left in the page cache must not be less durable than what we are going to say of it.
  if (!checkpoint.isOurs) log.syncSync();
  if (scan.lastMessage >= 0) checkpoint.confirmPhyOffset = scan.lastMessage;
  noteWritten(parts);
  logger.info('commit log recovered', {
    lastStop: clean ? 'clean' : 'crash',
    from,
    end: scan.end,
    messages: scan.messages,
    ms: Date.now() - startedAt,
    reason: scan.reason,
  });
  return scan.end;
}

/** Where a scan may begin, the shortest first. */
function* starts(parts: RecoveryParts, clean: boolean): Generator<{ from: number; keepsIndex?: boolean }> {
  const isDamaged = [...parts.queues].some(({ damaged }) => damaged);
  if (!isDamaged && clean) yield { from: cleanStart(parts) };
  if (!isDamaged && !clean) {
    const written = writtenStart(parts);
    if (written !== null) yield { from: written, keepsIndex: true };
    yield { from: crashStart(parts) };
  }
  yield { from: parts.log.start };
}

/**
 * Scans and dispatches. A message whose queue lacks the one before it says that the scan began too late (files are missing, or are
 * older than the checkpoint), so it begins again further back; at the start of the log that is how it is.
 */
function scanFromBestStart(parts: RecoveryParts, clean: boolean): { from: number; scan: ScanResult } {
  const { files, log, queues, index, options, logger } = parts;
  for (const { from, keepsIndex = false } of starts(parts, clean)) {
    if (!keepsIndex) {
      // What was written behind the start may have reached the disk in part, with holes: it is dispatched anew.
      queues.truncateSync(from);
      index.recoverSync(from, clean);
    }
    let dispatched = 0;
    let gap: DispatchRequest | null = null;
    const scan = scanLogSync(files, log, from, options.checkCRCOnRecover, (source, at) => {
      const request = readDispatchRequest(source, at, parts.delayLevels);
      if (from > log.start && leavesGap(queues, request)) {
        gap = request;
        return false;
      }
      dispatch(parts, request);
      if (++dispatched % FLUSH_EVERY === 0) {
        queues.flushSync();
        index.flushSync();
      }
      return true;
    });
    if (!gap) return { from, scan };
    const { topic, queueId, queueOffset } = gap as DispatchRequest;
    logger.warn('a consume queue lacks messages: reading the commit log from further back', {
      topic,
      queueId,
      found: queueOffset,
      expected: queues.get(topic, queueId)?.maxOffset ?? 0,
      from,
    });
  }
  throw new Error('unreachable: the scan from the start of the log accepts gaps');
}

const leavesGap = (queues: ConsumeQueues, { topic, queueId, queueOffset, sysFlag }: DispatchRequest): boolean =>
  entersConsumeQueue(sysFlag) && queueOffset > (queues.get(topic, queueId)?.maxOffset ?? 0);

/** Everything is written now: should the process be killed before the first flush, the next start need not look again. */
function noteWritten({ queues, index, checkpoint }: RecoveryParts): void {
  if (checkpoint.written) {
    checkpoint.written = { ...checkpoint.written, index: { ...checkpoint.written.index, mixed: true } };
    checkpoint.saveSync();
  }
  index.flushSync();
  const newest = queues.newest?.newestSync();
  checkpoint.written = newest ? { commitLogOffset: newest.commitLogOffset, index: index.written } : null;
}

/**
 * The process was killed, and the machine runs on: what it had written is there. Null when that is not so, or not known. Takes over
 * the index, too.
 */
function writtenStart(parts: RecoveryParts): number | null {
  const { checkpoint, queues, index, options } = parts;
  const { written } = checkpoint;
  if (!written || options.messageIndexSafe || queues.maxPhysicalOffset <= written.commitLogOffset) return null;
  if (!isMessageSync(parts, written.commitLogOffset)) return null;
  if (!options.messageIndexEnable || index.adoptSync(written.index)) return written.commitLogOffset;
  return null;
}

/**
 * After a clean stop the consume queues hold everything: the log goes on behind their newest message. That message must really be
 * there; entries left over from a log that was cut (Apache does not erase them) point anywhere.
 */
function cleanStart(parts: RecoveryParts): number {
  const { log, queues, logger } = parts;
  const { newest } = queues;
  if (!newest) return log.start;
  const entry = newest.newestSync();
  const end = newest.maxPhysicalOffset;
  if (entry && isMessageSync(parts, entry.commitLogOffset, end)) return end;
  if (end <= log.start) return log.start; // All messages it knows were deleted.
  logger.warn('newest consume queue entry points to no message: recovering as after a crash', {
    topic: newest.topic,
    queueId: newest.queueId,
    ...entry,
  });
  return fileStart(parts);
}

/**
 * After a crash: the message of the checkpoint, when we wrote the checkpoint, which vouches for everything before it. Else as Apache
 * does, since its checkpoint can be ahead of its log, and the log has to be checked from further back.
 */
function crashStart(parts: RecoveryParts): number {
  const { checkpoint, queues, options } = parts;
  const known = checkpoint.logicsPhysicalOffset;
  const trusted = checkpoint.isOurs && known > 0 && queues.maxPhysicalOffset > known && !options.messageIndexSafe;
  return trusted && isMessageSync(parts, known) ? known : fileStart(parts);
}

/**
 * The start of the newest file that begins before everything the checkpoint does not vouch for. Java: `isMappedFileMatchedRecover`.
 * Consume queues that hold less than the checkpoint says pull it further back; so does the index, but not beyond the file before:
 * it may have been switched off for a long time, and it can do without.
 */
function fileStart({ files, log, queues, index, checkpoint, options }: RecoveryParts): number {
  const indexed = options.messageIndexEnable;
  let start = log.start;
  for (const base of [...log.bases].reverse()) {
    const first = firstMessageSync(files, log, base);
    if (!first || first.offset > queues.maxPhysicalOffset) continue;
    const vouched =
      checkpoint.logicsPhysicalOffset > 0
        ? first.offset <= checkpoint.logicsPhysicalOffset
        : first.storeTimestamp <= checkpoint.logicsMsgTimestamp;
    const safe = !indexed || !options.messageIndexSafe || first.storeTimestamp <= checkpoint.indexMsgTimestamp;
    if (!vouched || !safe) continue;
    start = base;
    break;
  }
  const indexLags = indexed && !index.empty && index.endOffset < start;
  return indexLags && start > log.start ? start - log.size : start;
}

/** A whole message begins at `offset` (and ends at `end`). */
function isMessageSync({ files, log }: RecoveryParts, offset: number, end?: number): boolean {
  if (!log.contains(offset)) return false;
  let found = false;
  scanLogSync(files, log, offset, true, (_source, _at, start, size) => {
    found = start === offset && (end === undefined || start + size === end);
    return false;
  });
  return found;
}

function dispatch({ queues, index }: RecoveryParts, request: DispatchRequest): void {
  if (entersConsumeQueue(request.sysFlag)) queues.append(queues.getOrCreate(request.topic, request.queueId), request);
  index.put(request);
}
