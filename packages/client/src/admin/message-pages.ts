import { ConfigurationError, type MessageExt, validateTopic } from '@rocketnest/protocol';
import { compareQueues, type MessageQueue } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import { type BrokerFailure, type Gathered, gather } from './gathered.js';
import { QueueReader, READ_BATCH, type TagFilter, tagFilter } from './queue-reader.js';

export interface PageOptions {
  /** Stored at or after this time: a Date or ms since 1970. Default: the oldest message there is. */
  readonly begin?: Date | number | undefined;
  /** Stored before this time. Default: up to the call that asks for the first page. */
  readonly end?: Date | number | undefined;
  /** By store time. Default oldest. */
  readonly order?: 'oldest' | 'newest' | undefined;
  /** Tags as consumers write them, "a || b". Default: all. */
  readonly tags?: string | undefined;
  /** Only these queues. Default: all. */
  readonly queues?: readonly MessageQueue[] | undefined;
  /** Messages per page. Range 1 to 10,000. Default 64. A page has fewer when it would take longer than 5 s to fill. */
  readonly limit?: number | undefined;
  /** That of the page before; the other options must be the same. */
  readonly cursor?: string | undefined;
}

/** A page of messages. `failures`: brokers whose messages are missing; the next page tries them again. */
export interface MessagePage extends Gathered<MessageExt> {
  /** For the next page; undefined when this is the last one. */
  readonly cursor: string | undefined;
}

/** What is left of one queue: offsets from `low` up to, not including, `high`. */
interface Rest {
  readonly queue: MessageQueue;
  low: number;
  high: number;
  /** Read and not given out yet, in the order of the page. */
  buffer: MessageExt[];
  failed: boolean;
  /** Newest first: messages to look at with one step back. Grows while tags let none through. */
  block: number;
}

/** What of a queue belongs on a page. */
interface Range {
  readonly begin: number;
  readonly end: number;
  readonly filter: TagFilter;
  readonly newest: boolean;
  /** The page has taken long enough. */
  readonly isOver: () => boolean;
}

/** A page of rare messages of a large topic is given out unfinished after this time, in ms. */
const PAGE_TIME_MS = 5_000;
const NO_END = Number.MAX_SAFE_INTEGER;
const MAX_BLOCK = 1_024;
const MAX_LIMIT = 10_000;

/** Messages of a topic by store time, over all its queues, page by page. */
export class MessagePages {
  private readonly reader: QueueReader;

  constructor(private readonly brokers: BrokersOf) {
    this.reader = new QueueReader(brokers);
  }

  async page(topic: string, options: PageOptions = {}): Promise<MessagePage> {
    validateTopic(topic);
    const { limit = 64, order = 'oldest' } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
      throw new ConfigurationError(`limit is ${limit}; a page has 1 to ${MAX_LIMIT} messages.`, { context: { limit } });
    }
    const deadline = performance.now() + PAGE_TIME_MS;
    const range = {
      isOver: () => performance.now() > deadline,
      begin: millis('begin', options.begin, 0),
      end: millis('end', options.end, NO_END),
      filter: tagFilter(options.tags),
      newest: order === 'newest',
    };
    const failures: BrokerFailure[] = [];
    const rests =
      options.cursor === undefined
        ? await this.first(topic, options.queues, range, failures)
        : parseCursor(topic, options.cursor);
    const items: MessageExt[] = [];
    while (items.length < limit) {
      await Promise.all(rests.map((rest) => this.fill(rest, range, failures)));
      // Without the next message of every queue, nobody knows which is next.
      if (range.isOver() && rests.some(isUnread)) break;
      const next = nearest(rests, range.newest);
      if (next === undefined) break;
      const message = next.buffer.shift()!;
      if (range.newest) next.high = message.queueOffset;
      else next.low = message.queueOffset + 1;
      items.push(message);
    }
    return { items, failures, cursor: formatCursor(rests) };
  }

  /** Every queue with what it has between `begin` and about `end`. */
  private async first(
    topic: string,
    wanted: readonly MessageQueue[] | undefined,
    { begin, end }: Range,
    failures: BrokerFailure[],
  ): Promise<Rest[]> {
    await this.brokers.ofTopic(topic);
    const queues = wanted ?? this.brokers.instance.routes.subscribeInfo(topic);
    const { api } = this.brokers.instance;
    const targets = queues.map((queue) => {
      return { queue, brokerName: queue.brokerName, address: this.brokers.addressOf(queue) };
    });
    const answer = await gather(targets, async ({ queue }) => {
      const address = await this.brokers.serving(queue);
      const max = await api.maxOffset(address, queue);
      const low = begin === 0 ? await api.minOffset(address, queue) : await api.searchOffset(address, queue, begin);
      // Brokers answer with the last message, or the place behind it, when all are older.
      const high = end === NO_END ? max : Math.min(max, (await api.searchOffset(address, queue, end)) + READ_BATCH);
      return [{ queue, low, high, buffer: [], failed: false, block: READ_BATCH }];
    });
    failures.push(...onePerBroker(answer.failures));
    return [...answer.items].sort((a, b) => compareQueues(a.queue, b.queue));
  }

  private async fill(rest: Rest, range: Range, failures: BrokerFailure[]): Promise<void> {
    const { begin, end, filter, newest } = range;
    while (isUnread(rest) && !range.isOver()) {
      try {
        const [from, to] = newest ? [Math.max(rest.low, rest.high - rest.block), rest.high] : [rest.low, rest.high];
        let found: MessageExt[];
        if (newest) {
          found = (await this.reader.readRange(rest.queue, from, to, filter)).reverse();
          if (found.length === 0) {
            rest.high = from;
            rest.block = Math.min(MAX_BLOCK, rest.block * 2);
          }
        } else {
          const { messages, next } = await this.reader.read(rest.queue, from, filter);
          found = messages.filter(({ queueOffset }) => queueOffset < to);
          // Nothing here that fits: go on behind it, or stop where the broker has no more.
          if (found.length === 0) rest.low = next > from ? next : to;
        }
        rest.buffer = found.filter(({ storeTimestamp }) => storeTimestamp >= begin && storeTimestamp < end);
        const last = found.at(-1);
        if (last === undefined || rest.buffer.length > 0) continue;
        // Messages of a queue are stored in the order of time: from here on, none can fit.
        if (newest) rest.high = last.storeTimestamp < begin ? rest.low : last.queueOffset;
        else rest.low = last.storeTimestamp >= end ? rest.high : last.queueOffset + 1;
      } catch (error) {
        rest.failed = true;
        const { brokerName } = rest.queue;
        if (!failures.some((failure) => failure.brokerName === brokerName))
          failures.push({ brokerName, address: this.brokers.addressOf(rest.queue), error: error as Error });
      }
    }
  }
}

/** More is there, and nothing of it has been read. */
const isUnread = ({ buffer, low, high, failed }: Rest): boolean => buffer.length === 0 && low < high && !failed;

/** The queue whose next message is the oldest, or the newest, of all. */
function nearest(rests: readonly Rest[], newest: boolean): Rest | undefined {
  let best: Rest | undefined;
  for (const rest of rests) {
    const time = rest.buffer[0]?.storeTimestamp;
    if (time === undefined) continue;
    const bestTime = best?.buffer[0]?.storeTimestamp;
    if (bestTime === undefined || (newest ? time > bestTime : time < bestTime)) best = rest;
  }
  return best;
}

function onePerBroker(failures: readonly BrokerFailure[]): BrokerFailure[] {
  return [...new Map(failures.map((failure) => [failure.brokerName, failure])).values()];
}

/** @throws ConfigurationError when it is no time */
function millis(name: string, value: Date | number | undefined, absent: number): number {
  const time = value instanceof Date ? value.getTime() : (value ?? absent);
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new ConfigurationError(`${name} is ${String(value)}; give a Date or a number of ms since 1970.`, {
    context: { [name]: String(value) },
  });
}

/* The cursor is what is left of every queue. It is a text, so that it can travel through a URL. */

type Entry = readonly [brokerName: string, queueId: number, low: number, high: number];

function formatCursor(rests: readonly Rest[]): string | undefined {
  const left = rests.filter(({ low, high }) => low < high);
  if (left.length === 0) return undefined;
  const entries = left.map(({ queue, low, high }): Entry => [queue.brokerName, queue.queueId, low, high]);
  return Buffer.from(JSON.stringify(entries)).toString('base64url');
}

function parseCursor(topic: string, cursor: string): Rest[] {
  try {
    const entries = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Entry[];
    return entries.map(([brokerName, queueId, low, high]) => {
      if (typeof brokerName !== 'string' || ![queueId, low, high].every(Number.isSafeInteger)) throw new TypeError();
      return { queue: { topic, brokerName, queueId }, low, high, buffer: [], failed: false, block: READ_BATCH };
    });
  } catch (cause) {
    throw new ConfigurationError(
      `The cursor for topic ${topic} is not one that a page had. Take it from the page before, or leave it out.`,
      { context: { topic, cursor: cursor.slice(0, 100) }, cause },
    );
  }
}
