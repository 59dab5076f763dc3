import { BLANK_MAGIC, readInt64, writeInt64 } from '@rocketnest/protocol';

/** Bytes of a unit of the timer log. Java: `TimerLog.UNIT_SIZE`. */
export const UNIT_BYTES = 52;
/** Bytes of the record that fills the end of a file. Java: `TimerLog.MIN_BLANK_LEN`. */
export const BLANK_UNIT_BYTES = 16;

/** Bits of a unit's magic. Java: `TimerMessageStore.MAGIC_…`. */
export const TimerMagic = { DEFAULT: 1, ROLL: 2, DELETE: 4 } as const;

/** One waiting message in the timer log. */
export interface TimerUnit {
  /** The unit before it in the same slot, -1 for the first. */
  readonly previous: number;
  readonly magic: number;
  /** When it was entered, in ms since 1970, cut to the precision. */
  readonly enqueuedMs: number;
  /** The slot: when Apache takes it out is one precision later. */
  readonly slotMs: number;
  /** Where the message is in the commit log. */
  readonly commitLogOffset: number;
  readonly size: number;
  /** `String.hashCode` of the topic that it will be delivered to. */
  readonly topicHash: number;
  /** Exact time at which the message is due, in ms since 1970; 0 when only the slot is known. */
  readonly dueMs: number;
}

/**
 * Writes a unit at `at`.
 *
 * ```
 * 0      4          12      16         24      28                  36     40      44        52
 * | size | previous | magic | enqueued | delay | commit log offset | size | topic | due ms |   big endian
 * | = 52 | position | bits  | ms       | ms    |                   | msg  | hash  | or 0   |
 * ```
 * Java: `TimerLog`. The last 8 bytes are reserved there: written as 0 and never read, so they may carry what the precision of the
 * wheel takes away, the exact time.
 */
export function encodeTimerUnit(unit: TimerUnit, target: Buffer, at: number): void {
  target.writeInt32BE(UNIT_BYTES, at);
  writeInt64(unit.previous, target, at + 4);
  target.writeInt32BE(unit.magic, at + 12);
  writeInt64(unit.enqueuedMs, target, at + 16);
  target.writeInt32BE(unit.slotMs - unit.enqueuedMs, at + 24);
  writeInt64(unit.commitLogOffset, target, at + 28);
  target.writeInt32BE(unit.size, at + 36);
  target.writeInt32BE(unit.topicHash, at + 40);
  writeInt64(unit.dueMs, target, at + 44);
}

/** The unit at `at`, or null when there is none (`TimerMessageStore.isMagicOK`). */
export function decodeTimerUnit(source: Buffer, at: number): TimerUnit | null {
  if (at + UNIT_BYTES > source.length || source.readInt32BE(at) !== UNIT_BYTES) return null;
  const magic = source.readInt32BE(at + 12);
  if ((magic | 0xf) !== 0xf) return null;
  const enqueuedMs = readInt64(source, at + 16);
  return {
    previous: readInt64(source, at + 4),
    magic,
    enqueuedMs,
    slotMs: enqueuedMs + source.readInt32BE(at + 24),
    commitLogOffset: readInt64(source, at + 28),
    size: source.readInt32BE(at + 36),
    topicHash: source.readInt32BE(at + 40),
    dueMs: readInt64(source, at + 44),
  };
}

/** Fills the rest of a file, `left` bytes, with the record that says so. */
export function encodeBlankUnit(left: number, target: Buffer, at: number): void {
  target.fill(0, at, at + BLANK_UNIT_BYTES);
  target.writeInt32BE(left, at);
  target.writeInt32BE(BLANK_MAGIC, at + 12);
}

export const isBlankUnit = (source: Buffer, at: number): boolean =>
  at + BLANK_UNIT_BYTES <= source.length && source.readInt32BE(at + 12) === BLANK_MAGIC;

export const isRolled = (magic: number): boolean => (magic & TimerMagic.ROLL) !== 0;

/** A unit that removes another message of its slot. One that has to be rolled first is moved on like any message. */
export const isDeletion = (magic: number): boolean => (magic & TimerMagic.DELETE) !== 0 && !isRolled(magic);
