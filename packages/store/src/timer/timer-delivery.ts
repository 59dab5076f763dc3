import { decodeMessage, type MessageExt, PropertyName, readStored, TIMER_TOPIC } from '@rocketnest/protocol';
import type { MessagePlace } from '../read-messages.js';
import { type PutResult, PutStatus, type StoreMessage } from '../types.js';
import { type DueTimer, OpenSlot } from './open-slot.js';
import { deleteKey, moveOn, NEVER_ENQUEUED } from './timer-message.js';
import { slotOf, type TimerParts } from './timer-parts.js';
import { isDeletion, isRolled, type TimerUnit } from './timer-unit.js';

/** A slot is read from the disk this long before it starts. */
const READ_AHEAD_MS = 500;
/** Messages read and delivered at a time: bounds memory when a full slot becomes due. */
const BATCH = 128;
/** Longest sleep: a changed system clock is noticed within this time. */
const MAX_SLEEP_MS = 1_000;
/** Pause after a failed read or write, and how often it is tried (`doPut`, at a precision of one second). */
const RETRY_MS = 500;
const MAX_TRIES = 3;

/** Statuses after which trying again is useless. */
const HOPELESS: ReadonlySet<PutStatus> = new Set([
  PutStatus.MESSAGE_ILLEGAL,
  PutStatus.PROPERTIES_SIZE_EXCEEDED,
  PutStatus.WHEEL_TIMER_NOT_ENABLE,
  PutStatus.WHEEL_TIMER_MSG_ILLEGAL,
]);

/**
 * Takes messages out of the wheel when their time has come (`TimerDequeueGetService` and those behind it).
 *
 * Apache takes a slot out when it has ended: up to one precision late. Here the slot that has begun is open in memory, and each
 * message goes at its own millisecond; the slot counts as read, also on the disk, when it has ended and all of it is delivered. After a
 * crash it is delivered again from its start, by whoever continues on the files.
 */
export class TimerDelivery {
  /** Messages that wait in slots that are not read yet. */
  waiting = 0;
  /** Messages taken out since the start. */
  delivered = 0;
  /** End of the last slot that had something to deliver: what the next start should not read again. */
  doneMs = 0;

  private readMs_ = 0;
  private current: OpenSlot | null = null;
  private next: OpenSlot | null = null;
  private loop: Promise<void> = Promise.resolve();
  private stopping = false;
  private aborted = false;
  private timer: NodeJS.Timeout | undefined;
  private endSleep: (() => void) | null = null;
  private woken = false;

  constructor(private readonly parts: TimerParts) {}

  /** The first slot that is not wholly delivered. */
  get readMs(): number {
    return this.readMs_;
  }

  start(readMs: number, waiting: number): void {
    this.readMs_ = readMs;
    this.waiting = waiting;
    this.loop = this.run();
  }

  /** Looks at the clock, now. */
  wake(): void {
    this.woken = true;
    clearTimeout(this.timer);
    this.endSleep?.();
  }

  /**
   * Stops. A slot of which some messages are delivered is delivered to its end, which takes at most one precision: what was
   * delivered does not come again after the next start.
   */
  async close(): Promise<void> {
    this.stopping = true;
    this.wake();
    const giveUp = setTimeout(
      () => {
        this.aborted = true;
        this.wake();
      },
      this.parts.wheel.precisionMs + 2 * RETRY_MS,
    );
    await this.loop;
    clearTimeout(giveUp);
    this.aborted = true;
    if (this.current?.touched && this.current.isEmpty) this.readMs_ = this.current.endMs;
  }

  /** A unit has entered the wheel: into memory with it when its slot is open. */
  entered(unit: TimerUnit, properties: Readonly<Record<string, string>>): void {
    const slot = [this.current, this.next].find((open) => open?.timeMs === unit.slotMs);
    if (!slot) return;
    if (isDeletion(unit.magic)) this.recall(slot, properties);
    else slot.add(unit);
    this.wake();
  }

  /** Delivers messages that were due when they came. Says of each whether it is dealt with. */
  async deliverLate(places: readonly MessagePlace[]): Promise<boolean[]> {
    const now = this.parts.clock.now();
    return this.moveAll(places, (message) => moveOn(message, NEVER_ENQUEUED, false, now));
  }

  private async run(): Promise<void> {
    while (!this.aborted && (!this.stopping || (this.current?.touched && !this.current.isEmpty))) {
      this.woken = false;
      try {
        const sleepMs = await this.step();
        if (sleepMs > 0) await this.sleep(sleepMs);
      } catch (error) {
        this.parts.logger.error('timer delivery failed, it will be tried again', { error });
        await this.sleep(RETRY_MS);
      }
    }
  }

  /** Does what there is to do now; returns how long there will be nothing, in ms. */
  private async step(): Promise<number> {
    const { clock, wheel } = this.parts;
    const now = clock.now();
    if (this.current === null) {
      // Slots of the past that have nothing are not opened.
      const present = slotOf(now, wheel.precisionMs);
      if (this.readMs_ < present) this.readMs_ = wheel.nextUsed(this.readMs_, present);
      if (now < this.readMs_ - READ_AHEAD_MS) return this.readMs_ - READ_AHEAD_MS - now;
      this.current = this.open(this.readMs_);
    }
    const { current } = this;
    await current.ready;
    const readNextAt = current.endMs - READ_AHEAD_MS;
    if (!this.next && now >= readNextAt && (now < current.endMs || !wheel.isEmpty(current.endMs))) {
      this.next = this.open(current.endMs);
    }
    const due = current.take(now, BATCH);
    if (due.length > 0) return (await this.deliver(due, current)) ? 0 : RETRY_MS;
    if (current.isEmpty && now >= current.endMs) {
      this.waiting -= wheel.slot(current.timeMs).count;
      if (current.touched) this.doneMs = current.endMs;
      this.readMs_ = current.endMs;
      this.current = this.next;
      this.next = null;
      return 0;
    }
    return Math.max(1, Math.min(current.nextDueMs, current.endMs, this.next ? current.endMs : readNextAt) - now);
  }

  /** Opens a slot and starts to read what the disk has of it; what comes later is added by {@link entered}. */
  private open(timeMs: number): OpenSlot {
    const slot = new OpenSlot(timeMs, this.parts.wheel.precisionMs);
    const { last } = this.parts.wheel.slot(timeMs);
    if (last === -1) return slot;
    slot.ready = this.fill(slot, last).catch((error: unknown) => {
      // Forgotten, it is opened and read again; nothing of it was delivered.
      if (this.current === slot) this.current = null;
      if (this.next === slot) this.next = null;
      throw error;
    });
    slot.ready.catch(() => undefined); // heard when the slot's turn comes
    return slot;
  }

  /** Follows the units of a slot back to the first, and takes them in from there. */
  private async fill(slot: OpenSlot, last: number): Promise<void> {
    const { log, logger } = this.parts;
    const read = log.reader();
    const positions: number[] = []; // not the units: a slot may have millions
    for (let position = last; position !== -1; ) {
      const unit = await read(position);
      if (unit === null) {
        logger.warn('timer log: a unit is gone, and with it those before it in its slot', {
          position,
          slot: slot.timeMs,
        });
        break;
      }
      positions.push(position);
      position = unit.previous < position ? unit.previous : -1;
    }
    const deletions: TimerUnit[] = [];
    for (const position of positions.reverse()) {
      const unit = (await read(position))!;
      if (isDeletion(unit.magic)) deletions.push(unit);
      else slot.add(unit);
    }
    for (let from = 0; from < deletions.length; from += BATCH) {
      const messages = await this.read(deletions.slice(from, from + BATCH));
      for (const message of messages) if (message) this.recall(slot, message.properties);
    }
  }

  private recall(slot: OpenSlot, properties: Readonly<Record<string, string>>): void {
    const key = properties[PropertyName.TIMER_DEL_UNIQKEY];
    if (key === undefined) return;
    slot.deleted.add(key);
    this.count(properties, 1); // it was taken off when it came; the message itself takes it off when it is skipped
  }

  /** False when some have to be tried again; they are in the slot again. */
  private async deliver(due: readonly DueTimer[], slot: OpenSlot): Promise<boolean> {
    const now = this.parts.clock.now();
    const results = await this.moveAll(due, (message, index) => {
      const { enqueuedMs, magic } = due[index]!;
      return this.isRecalled(message, slot) ? null : moveOn(message, enqueuedMs, isRolled(magic), now);
    });
    due.forEach((timer, index) => {
      if (!results[index]) slot.add(timer);
    });
    return !results.includes(false);
  }

  /** Reads waiting messages and stores what becomes of them, in their order. Says of each whether it is dealt with. */
  private async moveAll(
    places: readonly MessagePlace[],
    becomes: (message: MessageExt, index: number) => StoreMessage | null,
  ): Promise<boolean[]> {
    const { options, logger } = this.parts;
    const failed = (error: unknown): boolean => {
      logger.error('timer messages could not be delivered', { commitLogOffset: places[0]?.commitLogOffset, error });
      return options.timerSkipUnknownError;
    };
    let messages: (MessageExt | null)[];
    try {
      messages = await this.read(places);
    } catch (error) {
      return places.map(() => failed(error));
    }
    return Promise.all(
      messages.map((waiting, index) => {
        const message = waiting && becomes(waiting, index);
        return message ? this.store(waiting!, message).catch(failed) : true;
      }),
    );
  }

  private isRecalled({ properties }: MessageExt, slot: OpenSlot): boolean {
    const uniqueKey = properties[PropertyName.UNIQ_KEY];
    if (slot.deleted.size === 0 || uniqueKey === undefined) return false;
    const withTopic = this.parts.options.appendTopicForTimerDeleteKey;
    const recalled = slot.deleted.has(deleteKey(properties[PropertyName.REAL_TOPIC], uniqueKey, withTopic));
    if (recalled) this.count(properties, -1);
    return recalled;
  }

  /** Stores a message that goes on. False when that was given up because the timers are being closed. */
  private async store(waiting: MessageExt, message: StoreMessage): Promise<boolean> {
    const { options, logger, put } = this.parts;
    if (message.topic !== TIMER_TOPIC && waiting.properties[PropertyName.TIMER_DEL_UNIQKEY] !== undefined) return true;
    for (let tries = 1; ; tries++) {
      if (this.aborted) return false;
      const { status } = await new Promise<PutResult>((resolve) => put(message, resolve));
      if (status === PutStatus.PUT_OK) break;
      const about = { topic: message.topic, commitLogOffset: waiting.commitLogOffset, status, tries };
      if (HOPELESS.has(status) || (tries >= MAX_TRIES && !options.timerEnableRetryUntilSuccess)) {
        logger.error('timer message could not be stored in its topic and is dropped', about);
        break;
      }
      logger.warn('timer message could not be stored in its topic, will be tried again', about);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    this.delivered++;
    if (message.properties[PropertyName.TIMER_ENQUEUE_MS] !== NEVER_ENQUEUED) this.count(waiting.properties, -1);
    return true;
  }

  /** Waiting messages; null where the commit log no longer has one, or (after a power failure) has something else. */
  private async read(places: readonly MessagePlace[]): Promise<(MessageExt | null)[]> {
    const { store, logger } = this.parts;
    const stored = await store.messagesAt(places);
    return stored.map((bytes, index) => {
      if (bytes && readStored.topic(bytes, 0) === TIMER_TOPIC) return decodeMessage(bytes);
      logger.warn('timer message is not in the commit log any more', places[index]);
      return null;
    });
  }

  private count(properties: Readonly<Record<string, string>>, value: number): void {
    const topic = properties[PropertyName.REAL_TOPIC];
    if (topic !== undefined) this.parts.metrics.add(topic, value);
  }

  private sleep(ms: number): Promise<void> {
    if (this.woken) return Promise.resolve(); // something came while the last look was under way
    return new Promise((resolve) => {
      this.endSleep = () => {
        this.endSleep = null;
        resolve();
      };
      this.timer = setTimeout(this.endSleep, Math.min(ms, MAX_SLEEP_MS));
    });
  }
}
