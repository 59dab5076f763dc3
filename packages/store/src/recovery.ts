import type { Checkpoint } from './checkpoint.js';
import type { ConsumeQueues } from './consume-queues.js';
import type { DelayLevels } from './delay-level.js';
import { entersConsumeQueue } from './dispatch.js';
import type { Files } from './files.js';
import type { IndexService } from './index-service.js';
import { readDispatchRequest } from './log-record.js';
import { firstMessageSync, scanLogSync } from './log-scan.js';
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
 * `recoverAbnormally`; unlike Java this one reads no further back than needed after a clean stop, but as far as needed when
 * consume queues are missing.
 *
 * @param clean the last owner stopped in order (there was no `abort` file)
 */
export function recoverSync(parts: RecoveryParts, clean: boolean): number {
  const { files, log, queues, index, checkpoint, options, logger } = parts;
  if (log.empty) {
    if (queues.maxPhysicalOffset >= 0)
      logger.warn('commit log is empty: consume queues and index are emptied, too', { directory: log.directory });
    queues.truncateSync(0);
    index.recoverSync(0, false);
    return 0;
  }

  const from = clean ? cleanStart(parts) : crashStart(parts);
  const startedAt = Date.now();
  index.recoverSync(from, clean);
  let dispatched = 0;
  const scan = scanLogSync(files, log, from, options.checkCRCOnRecover, (source, at) => {
    dispatch(parts, source, at);
    if (++dispatched % FLUSH_EVERY === 0) {
      queues.flushSync();
      index.flushSync();
    }
    return true;
  });
  if (queues.maxPhysicalOffset > scan.end) queues.truncateSync(scan.end);
  queues.flushSync();
  log.cutSync(scan.end);
  // What Apache left in the page cache must not be less durable than what we are going to say of it.
  if (!checkpoint.isOurs) log.syncSync();
  if (scan.lastMessage >= 0) checkpoint.confirmPhyOffset = scan.lastMessage;
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

function dispatch({ queues, index, delayLevels }: RecoveryParts, source: Buffer, at: number): void {
  const request = readDispatchRequest(source, at, delayLevels);
  if (entersConsumeQueue(request.sysFlag)) {
    const queue = queues.getOrCreate(request.topic, request.queueId);
    queues.append(queue, request);
  }
  index.put(request);
}
