import {
  encodePopOrderTable,
  joinPopInfo,
  messageOrderCountInfo,
  type PopOrderInfo,
  parsePopOrderTable,
  queueOrderCountInfo,
} from '@rocketnest/protocol';
import { getOrCreate } from '../collections.js';
import { ConfigFile } from '../config-file.js';
import type { BrokerContext } from '../context.js';
import { queueKey } from './names.js';

/** A queue that nobody popped for so long is forgotten. Java: `QueueLevelConsumerManager.CLEAN_SPAN_FROM_LAST`. */
const FORGET_AFTER_MS = 24 * 3_600_000;
/** Node's timers take no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const SEPARATOR = '@';

/** What {@link OrderTable.acknowledge} says instead of an offset. */
export const OrderAck = {
  /** The message is not one of those that are popped. */
  ILLEGAL: -1,
  /** An older pop's message: the queue was popped again since. */
  OUTDATED: -2,
} as const;

type Parts = Pick<BrokerContext, 'options' | 'clock' | 'topics' | 'groups'> & {
  readonly path: string;
  /** A queue that was blocked is free again because time has passed. */
  readonly onFree: (topic: string, group: string, queueId: number) => void;
};

/** One pop in order. */
export interface OrderedPop {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly attemptId: string | undefined;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly queueOffsets: readonly number[];
}

/** Bits of a Java long; at most 32 messages are popped at once, so a number holds them. */
const hasBit = (bits: number, index: number): boolean => Math.floor(bits / 2 ** index) % 2 === 1;

const offsetAt = ({ o }: PopOrderInfo, index: number): number => (index === 0 ? o[0]! : o[0]! + o[index]!);
const offsetsOf = (info: PopOrderInfo): number[] => info.o.map((_, index) => offsetAt(info, index));

/**
 * What groups have popped in order: while a message of a queue is neither acknowledged nor visible again, the group gets nothing
 * more of that queue. Kept in `config/consumerOrderInfo.json` (`QueueLevelConsumerManager`).
 */
export class OrderTable {
  readonly file: ConfigFile;
  /** topic@group → queue → what is popped. */
  private readonly table = new Map<string, Map<number, PopOrderInfo>>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private closed = false;

  constructor(private readonly parts: Parts) {
    this.file = new ConfigFile(parts.path, this);
  }

  /**
   * Notes a pop. Messages that were popped before count one attempt more, unless the attempt is the same: then a client asks
   * again because it did not get the answer.
   * @returns how often each message and the queue were popped before, for the response
   */
  popped(pop: OrderedPop): string {
    const { topic, group, queueId, attemptId, popTime, invisibleTime, queueOffsets } = pop;
    const queues = getOrCreate(this.table, topic + SEPARATOR + group, () => new Map<number, PopOrderInfo>());
    const before = queues.get(queueId);
    const [first = 0, ...others] = queueOffsets;
    const info: PopOrderInfo = {
      popTime,
      i: invisibleTime,
      o: [first, ...others.map((offset) => offset - first)],
      l: this.parts.clock.now(),
      cm: 0,
      a: attemptId,
    };
    if (before !== undefined) info.oc = attemptsOf(before, info);
    queues.set(queueId, info);
    this.changed(topic, group, queueId, info);

    const counts = Object.entries(info.oc ?? {}).map(([offset, count]) => [Number(offset), count] as const);
    const isRepeated = counts.length > 0 && counts.length === info.o.length;
    return joinPopInfo([
      ...counts.map(([offset, count]) => messageOrderCountInfo(topic, queueId, offset, count)),
      // Old clients look for the count of the queue.
      queueOrderCountInfo(topic, queueId, isRepeated ? Math.min(...counts.map(([, count]) => count)) : 0),
    ]);
  }

  /**
   * True while the group must wait for messages of the queue. The attempt that popped them may have them again.
   * @param invisibleTime ms; for entries of old brokers that do not say how long theirs is
   */
  isBlocked(
    attemptId: string | undefined,
    topic: string,
    group: string,
    queueId: number,
    invisibleTime: number,
  ): boolean {
    const info = this.get(topic, group, queueId);
    if (info === undefined || info.o.length === 0) return false;
    if (info.a !== undefined && info.a === attemptId) return false;
    if (!info.i || info.i <= 0) info.i = invisibleTime;
    const now = this.parts.clock.now();
    return info.o.some((_, index) => !hasBit(info.cm, index) && now < visibleAt(info, index));
  }

  /** Notes an acknowledgement. @returns the next offset to consume, or one of {@link OrderAck} */
  acknowledge(topic: string, group: string, queueId: number, offset: number, popTime: number): number {
    const info = this.get(topic, group, queueId);
    if (info === undefined) return offset + 1;
    if (info.o.length === 0) return OrderAck.ILLEGAL;
    if (info.popTime !== popTime) return OrderAck.OUTDATED;
    const index = offsetsOf(info).indexOf(offset);
    if (index < 0) return OrderAck.ILLEGAL;
    if (!hasBit(info.cm, index)) info.cm += 2 ** index;
    this.changed(topic, group, queueId, info);
    const open = info.o.findIndex((_, each) => !hasBit(info.cm, each));
    return open < 0 ? offsetAt(info, info.o.length - 1) + 1 : offsetAt(info, open);
  }

  /** Moves the moment at which one message is visible again. Pops that are not the last one have no say. */
  setVisibleAt(topic: string, group: string, queueId: number, offset: number, popTime: number, at: number): void {
    const info = this.get(topic, group, queueId);
    if (info === undefined || info.popTime !== popTime) return;
    info.ot = { ...info.ot, [offset]: at };
    this.changed(topic, group, queueId, info);
  }

  /** The group was moved: nothing blocks the queue any more. */
  clear(topic: string, group: string, queueId: number): void {
    if (this.table.get(topic + SEPARATOR + group)?.delete(queueId)) this.file.touch();
  }

  /** Timers for what the file said. Called once after loading. */
  start(): void {
    for (const [key, queues] of this.table) {
      const [topic, group] = key.split(SEPARATOR) as [string, string];
      for (const [queueId, info] of queues) {
        if (this.isBlocked(undefined, topic, group, queueId, 0)) this.armTimer(topic, group, queueId, info);
      }
    }
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  encode(): string {
    this.clean();
    const table = Object.fromEntries([...this.table].map(([key, queues]) => [key, Object.fromEntries(queues)]));
    return encodePopOrderTable({ table }).toString('utf8');
  }

  decode(text: string): void {
    this.table.clear();
    for (const [key, queues] of Object.entries(parsePopOrderTable(Buffer.from(text)).table)) {
      this.table.set(key, new Map(Object.entries(queues).map(([queueId, info]) => [Number(queueId), info])));
    }
  }

  private get(topic: string, group: string, queueId: number): PopOrderInfo | undefined {
    return this.table.get(topic + SEPARATOR + group)?.get(queueId);
  }

  private changed(topic: string, group: string, queueId: number, info: PopOrderInfo): void {
    this.file.touch();
    this.armTimer(topic, group, queueId, info);
  }

  /**
   * Tells when time alone has made the queue free, which is when the last message that blocks it becomes visible.
   * Java: `QueueLevelConsumerOrderInfoLockManager`, which tells it of the first one.
   */
  private armTimer(topic: string, group: string, queueId: number, info: PopOrderInfo): void {
    if (this.closed || !this.parts.options.enableNotifyAfterPopOrderLockRelease || !info.i || info.i <= 0) return;
    const now = this.parts.clock.now();
    const blocking = info.o.flatMap((_, index) => (hasBit(info.cm, index) ? [] : [visibleAt(info, index)]));
    const key = queueKey(topic, group, queueId);
    clearTimeout(this.timers.get(key));
    const timer = setTimeout(
      () => {
        this.timers.delete(key);
        // Timers may be early by a millisecond.
        if (this.isBlocked(undefined, topic, group, queueId, 0)) this.armTimer(topic, group, queueId, info);
        else this.parts.onFree(topic, group, queueId);
      },
      Math.min(Math.max(0, ...blocking.map((at) => at - now)), MAX_TIMER_MS),
    );
    this.timers.set(key, timer);
  }

  /** Drops what belongs to topics, groups and queues that are gone, and what is old. Java: `autoClean`. */
  private clean(): void {
    const { topics, groups, clock } = this.parts;
    const oldest = clock.now() - FORGET_AFTER_MS;
    for (const [key, queues] of this.table) {
      const [topic, group] = key.split(SEPARATOR) as [string, string];
      const config = topics.get(topic);
      for (const [queueId, info] of queues) {
        if (config === undefined || queueId >= config.readQueueNums || info.l < oldest) queues.delete(queueId);
      }
      if (queues.size === 0 || !groups.has(group)) this.table.delete(key);
    }
  }
}

function visibleAt(info: PopOrderInfo, index: number): number {
  return info.ot?.[offsetAt(info, index)] ?? info.popTime + (info.i ?? 0);
}

/** How often the messages of `info` were popped before, given the pop before. Java: `mergeOffsetConsumedCount`. */
function attemptsOf(before: PopOrderInfo, info: PopOrderInfo): Record<number, number> {
  if (before.a !== undefined && before.a === info.a) return before.oc ?? {};
  const known = new Set(offsetsOf(before));
  const again = offsetsOf(info).filter((offset) => known.has(offset));
  return Object.fromEntries(again.map((offset) => [offset, (before.oc?.[offset] ?? 0) + 1]));
}
