import { javaHashCode, PropertyName, readStored, StoreError, TIMER_TOPIC } from '@rocketnest/protocol';
import { GetStatus } from '../types.js';
import type { TimerDelivery } from './timer-delivery.js';
import { readTimerMessage, type TimerMessage } from './timer-message.js';
import { slotOf, type TimerParts } from './timer-parts.js';
import { TimerMagic, type TimerUnit } from './timer-unit.js';
import { SLOTS_TOTAL } from './timer-wheel.js';

/** Messages and bytes looked at in one go. */
const BATCH = 32;
const BATCH_BYTES = 1024 * 1024;
/** Units that may wait for the disk before the intake waits, too. */
const MAX_BACKLOG = 20_000;
/** Slots at the end of the wheel that stay free. Java: `TIMER_BLANK_SLOTS`. */
const BLANK_SLOTS = 60;
/** After a failure. */
const RETRY_MS = 500;

/**
 * Enters the messages of rmq_sys_wheel_timer into timer log and wheel, in queue order (`TimerEnqueueGetService`,
 * `TimerEnqueuePutService`).
 */
export class TimerIntake {
  /** Messages looked at since the start. */
  entered = 0;

  private offset_ = 0;
  /** Commit log offsets of messages from {@link offset} on that are dealt with. */
  private known = new Set<number>();
  private running: Promise<void> | null = null;
  private again = false;
  private closed = false;
  private behindMs = 0;

  constructor(
    private readonly parts: TimerParts,
    private readonly delivery: TimerDelivery,
  ) {}

  /** Queue offset of the next message; all before it are in the timer log, or delivered. */
  get offset(): number {
    return this.offset_;
  }

  /** How old the last message was when it was entered, in ms. */
  get behindMillis(): number {
    return this.offset_ < this.parts.store.maxOffset(TIMER_TOPIC, 0) ? this.behindMs : 0;
  }

  /** @param known commit log offsets of messages behind `offset` that are in the timer log already */
  start(offset: number, known: Set<number>): void {
    this.offset_ = offset;
    this.known = known;
    // What was left over by the last run may be of any age.
    this.behindMs = this.parts.clock.now();
    this.arrived();
  }

  /** The queue may have something new. */
  arrived(): void {
    this.again = true;
    if (this.running !== null || this.closed) return;
    this.running = this.run().finally(() => {
      this.running = null;
      if (this.again) this.arrived();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    await Promise.resolve(); // arrivals of this moment go together
    while (this.again && !this.closed && !this.parts.options.timerStopEnqueue) {
      this.again = false;
      try {
        while (!this.closed && (await this.enterBatch()));
      } catch (error) {
        this.parts.logger.error('timer messages could not be entered, it will be tried again', { error });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        this.again = true;
      }
    }
    this.again &&= !this.parts.options.timerStopEnqueue && !this.closed;
  }

  /** False when there was nothing. */
  private async enterBatch(): Promise<boolean> {
    const { store, log, wheel, logger } = this.parts;
    const found = store.get(TIMER_TOPIC, 0, this.offset_, BATCH, BATCH_BYTES);
    const { status, buffers, nextBeginOffset } = found instanceof Promise ? await found : found;
    if (status !== GetStatus.FOUND) {
      const moved = nextBeginOffset > this.offset_ && nextBeginOffset <= store.maxOffset(TIMER_TOPIC, 0);
      if (moved) {
        logger.warn('timer messages are gone from the commit log', { from: this.offset_, to: nextBeginOffset, status });
        this.offset_ = nextBeginOffset;
      }
      return moved;
    }
    const late: TimerMessage[] = [];
    for (const stored of buffers) {
      const message = readTimerMessage(stored, wheel.precisionMs);
      if (message === null) logger.error('timer message without TIMER_OUT_MS, skipped', { offset: this.offset_ });
      else if (!this.known.has(message.commitLogOffset)) {
        if (this.enter(message)) this.known.add(message.commitLogOffset);
        else late.push(message);
      }
    }
    await this.deliverLate(late);
    for (const stored of buffers) this.known.delete(readStored.commitLogOffset(stored, 0));
    this.entered += buffers.length;
    this.behindMs = this.parts.clock.now() - readStored.storeTimestamp(buffers.at(-1)!, 0);
    this.offset_ = nextBeginOffset;
    if (log.backlog > MAX_BACKLOG) await log.written();
    else log.written().catch((error: unknown) => logger.error('timer log: write failed', { error }));
    return true;
  }

  /** Those that are due already. Rejects when some of them have to be tried again. */
  private async deliverLate(late: readonly TimerMessage[]): Promise<void> {
    if (late.length === 0) return;
    const results = await this.delivery.deliverLate(late);
    late.forEach(({ commitLogOffset }, index) => {
      if (results[index]) this.known.add(commitLogOffset);
    });
    if (results.includes(false)) throw new StoreError('timer messages that are due could not be delivered');
  }

  /** Puts a message into its slot (`doEnqueue`). False when it is due already. */
  private enter({ commitLogOffset, size, properties, outMs, dueMs }: TimerMessage): boolean {
    const { clock, wheel, log, metrics } = this.parts;
    const { precisionMs } = wheel;
    const enqueuedMs = slotOf(clock.now(), precisionMs);
    if (outMs < enqueuedMs) return false;
    const topic = properties[PropertyName.REAL_TOPIC];
    const deletes = properties[PropertyName.TIMER_DEL_UNIQKEY] !== undefined;
    const window = this.rollWindowSlots * precisionMs;
    const rolls = outMs - enqueuedMs >= window;
    // A slot that is read already (the broker was stopped in it, or the clock was put back) is not looked at again.
    const slotMs = Math.max(rolls ? this.rollTime(enqueuedMs, outMs) : outMs, this.delivery.readMs);
    const slot = wheel.slot(slotMs);
    const unit: TimerUnit = {
      previous: slot.last,
      magic: TimerMagic.DEFAULT | (rolls ? TimerMagic.ROLL : 0) | (deletes ? TimerMagic.DELETE : 0),
      enqueuedMs,
      slotMs,
      commitLogOffset,
      size,
      topicHash: topic === undefined ? 0 : javaHashCode(topic),
      dueMs: rolls ? 0 : dueMs,
    };
    const position = log.append(unit);
    const change = deletes ? -1 : 1;
    wheel.put(slotMs, slot.first === -1 ? position : slot.first, position, slot.count + change);
    this.delivery.waiting += change;
    if (topic !== undefined) metrics.add(topic, change);
    this.delivery.entered(unit, properties);
    return true;
  }

  private get rollWindowSlots(): number {
    const { timerRollWindowSlot } = this.parts.options;
    const most = SLOTS_TOTAL - BLANK_SLOTS;
    return timerRollWindowSlot > most || timerRollWindowSlot < 2 ? most : timerRollWindowSlot;
  }

  /** Where a message waits that is due beyond the window: at its end, or half way when little is left then. */
  private rollTime(enqueuedMs: number, outMs: number): number {
    const slots = this.rollWindowSlots;
    const { precisionMs } = this.parts.wheel;
    const left = outMs - enqueuedMs - slots * precisionMs;
    const wait = left < Math.floor(slots / 3) * precisionMs ? Math.floor(slots / 2) : slots;
    return enqueuedMs + wait * precisionMs;
  }
}
