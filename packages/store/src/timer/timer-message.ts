import {
  decodeProperties,
  encodeProperties,
  isNotAllowedSendTopic,
  type MessageExt,
  PropertyName,
  readStored,
  TIMER_TOPIC,
} from '@rocketnest/protocol';
import { copyOfStored } from '../stored-copy.js';
import type { StoreMessage } from '../types.js';

/** TIMER_ENQUEUE_MS of a message that was due before it got into the timer log: Java's `Long.MAX_VALUE`. */
export const NEVER_ENQUEUED = '9223372036854775807';

/** What the timers need to know of a message of rmq_sys_wheel_timer. */
export interface TimerMessage {
  readonly commitLogOffset: number;
  readonly size: number;
  readonly properties: Readonly<Record<string, string>>;
  /** The slot it was sent for: TIMER_OUT_MS. */
  readonly outMs: number;
  /** Exact time at which it is due, after `outMs` and at most one precision later; 0 when only the slot is known. */
  readonly dueMs: number;
}

/** Reads a stored message; null when it is none that the wheel can take (no TIMER_OUT_MS). */
export function readTimerMessage(stored: Buffer, precisionMs: number): TimerMessage | null {
  const properties = decodeProperties(readStored.propertiesData(stored, 0));
  const outMs = toLong(properties[PropertyName.TIMER_OUT_MS]);
  if (outMs === null || outMs < 0) return null;
  return {
    commitLogOffset: readStored.commitLogOffset(stored, 0),
    size: stored.length,
    properties,
    outMs,
    dueMs: exactDueMs(properties, readStored.storeTimestamp(stored, 0), outMs, precisionMs),
  };
}

/**
 * The sender's time, which TIMER_OUT_MS has only to the precision. A delay counts from the moment the message was stored; that
 * moment is lost when the message was rolled, hence 0.
 */
function exactDueMs(
  properties: Readonly<Record<string, string>>,
  storedAt: number,
  outMs: number,
  precisionMs: number,
): number {
  const asked = deliverTime(properties, storedAt);
  const isDelay = properties[PropertyName.TIMER_DELIVER_MS] === undefined || isRelative(properties);
  if (asked === null || (isDelay && properties[PropertyName.TIMER_ROLL_TIMES] !== undefined)) return 0;
  return asked > outMs && asked <= outMs + precisionMs ? asked : 0;
}

const isRelative = (properties: Readonly<Record<string, string>>): boolean =>
  properties[PropertyName.TIMER_DELAY_SEC] !== undefined || properties[PropertyName.TIMER_DELAY_MS] !== undefined;

/** True when a message asks for a time of its own. */
export const isTimed = (properties: Readonly<Record<string, string>>): boolean =>
  properties[PropertyName.TIMER_DELIVER_MS] !== undefined || isRelative(properties);

/**
 * When a message wants to be delivered, in ms since 1970, from the properties TIMER_DELAY_SEC, TIMER_DELAY_MS and TIMER_DELIVER_MS,
 * the first of them that is there (`HookUtils.transformTimerMessage`); null when it is not a whole number.
 */
export function deliverTime(properties: Readonly<Record<string, string>>, now: number): number | null {
  const seconds = properties[PropertyName.TIMER_DELAY_SEC];
  const ms = properties[PropertyName.TIMER_DELAY_MS];
  const [text, unit, from] =
    seconds !== undefined
      ? [seconds, 1_000, now]
      : ms !== undefined
        ? [ms, 1, now]
        : [properties[PropertyName.TIMER_DELIVER_MS], 1, 0];
  const value = toLong(text);
  return value === null ? null : from + value * unit;
}

/** As Java's `Long.parseLong`; beyond a safe integer it is only approximate, which is beyond every limit, too. */
const toLong = (text: string | undefined): number | null =>
  text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : null;

/** The slot of a moment: the last one that starts before it, so that the slot's end is never too early. */
export const slotBefore = (deliverMs: number, precisionMs: number): number =>
  Math.ceil(deliverMs / precisionMs) * precisionMs - precisionMs;

/** What names a message for deletion (`TimerMessageStore.buildDeleteKey`). */
export const deleteKey = (topic: string | undefined, uniqueKey: string, withTopic: boolean): string =>
  withTopic ? `${topic}+${uniqueKey}` : uniqueKey;

/**
 * The waiting message as it goes on: to its topic, or, rolled, back to rmq_sys_wheel_timer. The encoded properties keep REAL_TOPIC
 * and REAL_QID like Apache's (`TimerMessageStore.convert`); only the map, by which the store acts, loses them.
 */
export function moveOn(waiting: MessageExt, enqueuedMs: number | string, rolled: boolean, now: number): StoreMessage {
  const all: Record<string, string> = {
    ...waiting.properties,
    [PropertyName.TIMER_ENQUEUE_MS]: String(enqueuedMs),
    [PropertyName.TIMER_DEQUEUE_MS]: String(now),
  };
  if (rolled) {
    const rolls = Number.parseInt(waiting.properties[PropertyName.TIMER_ROLL_TIMES] ?? '0', 10) || 0;
    all[PropertyName.TIMER_ROLL_TIMES] = String(rolls + 1);
  }
  const { [PropertyName.REAL_TOPIC]: topic = '', [PropertyName.REAL_QUEUE_ID]: queueId, ...properties } = all;
  return {
    ...copyOfStored(waiting),
    // One that names the timer topic as its own, or the schedule topic, would go round for ever; without a name it is dropped.
    topic: rolled ? waiting.topic : topic === TIMER_TOPIC || isNotAllowedSendTopic(topic) ? '' : topic,
    queueId: rolled ? waiting.queueId : Number(queueId),
    properties: rolled ? all : properties,
    propertiesData: Buffer.from(encodeProperties(all)),
    waitStoreOk: false,
  };
}
