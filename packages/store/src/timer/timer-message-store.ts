import { dirname } from 'node:path';
import { TIMER_TOPIC } from '@rocketnest/protocol';
import { type Files, nodeFiles } from '../files.js';
import { TimerCheckpoint } from './timer-checkpoint.js';
import { TimerDelivery } from './timer-delivery.js';
import { TimerIntake } from './timer-intake.js';
import { TimerLog } from './timer-log.js';
import { TimerMetrics } from './timer-metrics.js';
import type { TimerParts } from './timer-parts.js';
import { recountTimers } from './timer-recount.js';
import { recoverTimers, type TimerProgress } from './timer-recovery.js';
import { TimerWheel } from './timer-wheel.js';

/** Java: every 30 s. */
const HOUSEKEEPING_MS = 30_000;
/** Hour of the day (local time) at which the messages of each topic are counted anew (`timerCheckMetricsWhen`), and how often at most. */
const RECOUNT_HOUR = 5;
const RECOUNT_INTERVAL_MS = 70 * 60_000;

export interface TimerMessageStoreInput extends Omit<TimerParts, 'wheel' | 'log' | 'metrics'> {
  /** The disk; another one is for tests. */
  readonly files?: Files;
}

/**
 * Messages that are due at a time of their own, in Apache RocketMQ's files. Java: `TimerMessageStore`.
 *
 * ```
 * rmq_sys_wheel_timer      the messages themselves, as they came, in the commit log
 * timerlog/<20 digits>     a unit of 52 bytes for each, in the same order
 * timerwheel               for each second the last unit that is due then
 * config/timercheck        how far they are entered and delivered
 * config/timermetrics      how many wait for each topic
 * ```
 * Messages on their way out go through `put`. Memory does not grow with what waits: only the present slot and the next are open.
 */
export class TimerMessageStore {
  readonly metrics: TimerMetrics;
  /** Messages entered and taken out per second, of the last flush interval. */
  readonly rates = { enqueue: 0, dequeue: 0 };
  private readonly files: Files;
  private readonly parts: TimerParts;
  private readonly checkpoint: TimerCheckpoint;
  private readonly delivery: TimerDelivery;
  private readonly intake: TimerIntake;
  private running = false;
  private flushTimer: NodeJS.Timeout | undefined;
  private housekeeping: NodeJS.Timeout | undefined;
  private recountedAt = 0;
  private flushing: Promise<void> = Promise.resolve();
  private readonly measured = { at: 0, entered: 0, delivered: 0 };
  /** What the files on the disk speak of. */
  private readonly saved = { delivered: 0, offset: -1, readMs: 0 };

  /** Does no I/O. `options.timerPrecisionMs` and `mappedFileSizeTimerLog` are read here, once. */
  constructor({ files = nodeFiles, ...input }: TimerMessageStoreInput) {
    const { store, options, clock } = input;
    this.files = files;
    const { rootDir } = store;
    this.metrics = new TimerMetrics(`${rootDir}/config/timermetrics`, clock);
    this.checkpoint = new TimerCheckpoint(files, `${rootDir}/config/timercheck`);
    this.parts = {
      ...input,
      wheel: new TimerWheel(files, `${rootDir}/timerwheel`, precisionOf(options.timerPrecisionMs)),
      log: new TimerLog(files, `${rootDir}/timerlog`, options.mappedFileSizeTimerLog),
      metrics: this.metrics,
    };
    this.delivery = new TimerDelivery(this.parts);
    this.intake = new TimerIntake(this.parts, this.delivery);
  }

  /** Width of a slot in ms. */
  get precisionMs(): number {
    return this.parts.wheel.precisionMs;
  }

  /**
   * Reads and repairs the files, then begins; the message store has been started.
   *
   * @throws CorruptError when files are missing or have another size
   */
  async start(): Promise<void> {
    this.files.makeDirectorySync(dirname(this.checkpoint.path));
    await this.metrics.load();
    let progress: TimerProgress;
    try {
      progress = await recoverTimers(this.parts, this.checkpoint);
    } catch (error) {
      this.closeFiles();
      throw error;
    }
    const { readMs, queueOffset, known, waiting } = progress;
    this.running = true;
    this.measured.at = this.parts.clock.now();
    this.saved.readMs = readMs;
    this.delivery.start(readMs, waiting);
    this.intake.start(queueOffset, known);
    this.scheduleFlush();
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING_MS);
    this.housekeeping.unref();
  }

  /** Stops entering and delivering, and brings everything to the disk; the message store is closed after this. Idempotent. */
  async close(): Promise<void> {
    if (!this.running) return;
    this.running = false;
    clearTimeout(this.flushTimer);
    clearInterval(this.housekeeping);
    await this.delivery.close();
    await this.intake.close();
    await this.flushing;
    try {
      await this.flush(true);
    } catch (error) {
      this.parts.logger.error('closing the timers: flush failed; the next start reads more of the timer log', {
        error,
      });
    }
    this.closeFiles();
  }

  private closeFiles(): void {
    this.parts.wheel.close();
    this.parts.log.close();
    this.checkpoint.close();
  }

  /** rmq_sys_wheel_timer has a new message. */
  arrived(): void {
    if (this.running) this.intake.arrived();
  }

  /** Looks at the clock, now: for clocks that jump. */
  wake(): void {
    this.delivery.wake();
  }

  /** Whether a slot is so full that a message for it is refused (`isReject`): always at twice the limit, by chance from the limit on. */
  isCongested(slotMs: number): boolean {
    const limit = this.parts.options.timerCongestNumEachSlot;
    const { count } = this.parts.wheel.slot(slotMs);
    if (count <= limit) return false;
    return count >= limit * 2 || Math.floor(Math.random() * 1_000) > (1_000 * (count - limit)) / (limit + 0.1);
  }

  /** Body of GET_TIMER_CHECK_POINT. */
  encodeCheckpoint(): Buffer {
    return this.checkpoint.encode();
  }

  /** Messages of rmq_sys_wheel_timer that are not entered yet. */
  get behindMessages(): number {
    return Math.max(0, this.parts.store.maxOffset(TIMER_TOPIC, 0) - this.intake.offset);
  }

  /** How far entering lags behind, in ms. */
  get enqueueBehindMillis(): number {
    return this.intake.behindMillis;
  }

  /** How far delivery lags behind the clock, in ms; within one precision when nothing does. */
  get dequeueBehindMillis(): number {
    return Math.max(0, this.parts.clock.now() - this.delivery.readMs);
  }

  /** Messages in the wheel. */
  get waiting(): number {
    return this.delivery.waiting;
  }

  private scheduleFlush(): void {
    this.flushTimer = setTimeout(() => {
      this.flushing = this.flush(false)
        .catch((error: unknown) => {
          this.parts.logger.error('flush of the timer files failed, it will be tried again', { error });
        })
        .then(() => {
          if (this.running) this.scheduleFlush();
        });
    }, this.parts.options.timerFlushIntervalMs);
    this.flushTimer.unref();
  }

  /**
   * Timer log first, then the wheel that speaks of it, then the checkpoint that speaks of both, as they were before. Nothing happens
   * while nothing is entered or delivered: that empty slots passed need not be remembered.
   */
  private async flush(closing: boolean): Promise<void> {
    const { log, wheel, clock } = this.parts;
    const { saved, checkpoint } = this;
    const { offset } = this.intake;
    const { delivered, readMs, doneMs } = this.delivery;
    this.measure();
    this.intake.arrived(); // timerStopEnqueue may have been taken back, or an entry failed
    const changed = offset !== saved.offset || delivered !== saved.delivered || doneMs > saved.readMs;
    if (!changed && !closing) return;

    const logEnd = log.end;
    await log.sync();
    await wheel.flush();
    checkpoint.lastReadTimeMs = readMs;
    checkpoint.lastTimerLogFlushPos = logEnd;
    checkpoint.masterTimerQueueOffset = offset;
    checkpoint.lastTimerQueueOffset = offset;
    checkpoint.dataVersion.timestamp = clock.now();
    checkpoint.dataVersion.counter++;
    await checkpoint.save();
    await this.metrics.save();
    Object.assign(saved, { offset, delivered, readMs });
  }

  private measure(): void {
    const { measured } = this;
    const at = this.parts.clock.now();
    const { entered } = this.intake;
    const { delivered } = this.delivery;
    const seconds = Math.max(1, at - measured.at) / 1_000;
    this.rates.enqueue = (entered - measured.entered) / seconds;
    this.rates.dequeue = (delivered - measured.delivered) / seconds;
    Object.assign(measured, { at, entered, delivered });
  }

  /** Counts the messages that wait for each topic anew. */
  recount(): Promise<void> {
    return recountTimers(this.parts, this.delivery.readMs);
  }

  private keepHouse(): void {
    const { log, store, logger, clock, options } = this.parts;
    const now = clock.now();
    const isTime = new Date(now).getHours() === RECOUNT_HOUR && now - this.recountedAt > RECOUNT_INTERVAL_MS;
    if (isTime && options.timerEnableCheckMetrics && !options.timerStopEnqueue) {
      this.recountedAt = now;
      this.recount().catch((error: unknown) => logger.error('timer messages could not be counted anew', { error }));
    }
    log.deleteBefore(store.minCommitLogOffset).catch((error: unknown) => {
      logger.error('timer log: old files could not be deleted, it will be tried again', { error });
    });
  }
}

/** Apache takes the next lower of these (`setTimerPrecisionMs`). */
const PRECISIONS_MS = [1_000, 500, 200, 100];

const precisionOf = (asked: number): number => PRECISIONS_MS.find((precision) => precision <= asked) ?? 100;
