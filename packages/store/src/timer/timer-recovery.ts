import { readStored, TIMER_TOPIC } from '@rocketnest/protocol';
import type { TimerCheckpoint } from './timer-checkpoint.js';
import { slotOf, type TimerParts } from './timer-parts.js';
import { TimerMagic, type TimerUnit } from './timer-unit.js';
import { SLOTS_TOTAL } from './timer-wheel.js';

/** Slots kept from the oldest that the wheel can still tell from a new one. */
const SPARE_SLOTS = 60;

/** Where the timers go on. */
export interface TimerProgress {
  /** First slot to deliver. */
  readonly readMs: number;
  /** First message of rmq_sys_wheel_timer to enter … */
  readonly queueOffset: number;
  /** … except those that are in the timer log already: their commit log offsets. */
  readonly known: Set<number>;
  /** Messages in the wheel. */
  readonly waiting: number;
}

/**
 * Reads the files and makes them agree (`TimerMessageStore.recover`): the timer log decides what is in the wheel; what the log may
 * lack is entered again from the queue.
 */
export async function recoverTimers(
  { wheel, log, store, clock, logger }: TimerParts,
  checkpoint: TimerCheckpoint,
): Promise<TimerProgress> {
  const { precisionMs } = wheel;
  const hasWheel = wheel.openSync();
  checkpoint.openSync();
  log.loadSync(logger);

  const flushed = checkpoint.lastTimerLogFlushPos;
  const oldest = slotOf(clock.now(), precisionMs) - (SLOTS_TOTAL - SPARE_SLOTS) * precisionMs;
  const readMs = Math.max(slotOf(checkpoint.lastReadTimeMs, precisionMs), oldest);

  let newest: TimerUnit | null = null;
  const known = new Set<number>();
  // The file before the one that the checkpoint names is read again, too: Apache's wheel may lack that much.
  const end = log.scanSync(hasWheel ? Math.max(0, flushed - log.segments.size) : 0, (unit, position) => {
    newest = unit;
    if (unit.slotMs < readMs) return;
    // The counts of the wheel stay as they are, unless there are none.
    wheel.revise(unit.slotMs, position, hasWheel ? 0 : (unit.magic & TimerMagic.DELETE) === 0 ? 1 : -1);
    if (position >= flushed) known.add(unit.commitLogOffset);
  });
  log.startSync(end);
  // A slot that speaks of units that are not there: only after a damage of the log.
  const damaged = wheel.firstBehind(readMs, end);
  if (damaged < end) {
    logger.warn('timer wheel is ahead of the timer log, reading the log again', { from: damaged, end });
    log.scanSync(damaged, (unit, position) => wheel.revise(unit.slotMs, position, 0));
  }

  const inLog = newest === null ? -1 : await queueOffsetOf(store, newest);
  const first = Math.min(inLog < 0 ? checkpoint.lastTimerQueueOffset : inLog + 1, checkpoint.masterTimerQueueOffset);
  const queueOffset = Math.min(Math.max(first, store.minOffset(TIMER_TOPIC, 0)), store.maxOffset(TIMER_TOPIC, 0));
  if (queueOffset !== first) logger.warn('timer queue offset outside its queue, corrected', { first, queueOffset });
  return { readMs, queueOffset, known, waiting: wheel.countFrom(readMs) };
}

/** Queue offset of the message of a unit; -1 when it is gone. */
async function queueOffsetOf(store: TimerParts['store'], unit: TimerUnit): Promise<number> {
  const stored = await store.messageAt(unit.commitLogOffset);
  return stored === null ? -1 : readStored.queueOffset(stored, 0);
}
