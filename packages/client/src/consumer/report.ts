import type { MessageExt } from '@rocketnest/protocol';
import { compareQueues, type MessageQueue } from '../message-queue.js';
import type { Namespace } from '../namespace.js';
import type { ConsumeStats, ConsumeStatus } from './consume-stats.js';
import { startOf } from './handler-call.js';
import type { OffsetStore } from './offset-store.js';
import type { PopQueue } from './pop/pop-queue.js';
import type { ProcessQueue } from './process-queue.js';

/** What one member of a group does now: for health checks, metrics and consoles. Names are the user's, times in ms since 1970. */
export interface ConsumerReport {
  readonly group: string;
  /** Queues this member pulls, sorted. */
  readonly queues: readonly QueueReport[];
  /** Queues it pops, sorted; see PopQueueReport. */
  readonly popQueues: readonly PopQueueReport[];
  /** Handlers running now, the longest-running first. */
  readonly handlers: readonly HandlerReport[];
  /** Rates of the last minute. */
  readonly topics: Readonly<Record<string, ConsumeStatus>>;
}

export interface QueueReport extends MessageQueue {
  /** Where the group goes on after a restart; -1 before the first message. */
  readonly committedOffset: number;
  /** Messages that were pulled and are not consumed yet, those in handlers included. */
  readonly cachedMessages: number;
  /** Their bodies. */
  readonly cachedBytes: number;
  readonly paused: boolean;
  /** ORDERLY: the broker lets nobody else consume it. */
  readonly locked: boolean;
  readonly lastPullTime: number;
  readonly lastConsumeTime: number;
}

/** A queue that brokers let this member pop, with queue id -1 all queues of the topic on that broker. */
export interface PopQueueReport extends MessageQueue {
  /** Messages that were popped and are not consumed yet, those in handlers included. */
  readonly cachedMessages: number;
  readonly lastPopTime: number;
}

/** A handler call that has not finished: what is stuck, if something is. */
export interface HandlerReport extends MessageQueue {
  /** One per message of the batch. */
  readonly msgIds: readonly string[];
  readonly startedAt: number;
}

export interface ReportedState {
  readonly group: string;
  readonly namespace: Namespace;
  readonly topics: readonly string[];
  readonly queues: Iterable<ProcessQueue>;
  readonly popQueues: Iterable<PopQueue>;
  readonly running: Iterable<{
    readonly messages: readonly MessageExt[];
    readonly queue: { readonly queue: MessageQueue };
  }>;
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
}

export function createReport(state: ReportedState): ConsumerReport {
  const { group, namespace, offsets, popQueues, queues, running, stats, topics } = state;
  const now = Date.now();
  return {
    group: namespace.unwrapGroup(group),
    queues: Array.from(queues, (held) => ({
      ...namespace.unwrapQueue(held.queue),
      committedOffset: offsets.peek(held.key),
      cachedMessages: held.count,
      cachedBytes: held.bytes,
      paused: held.paused,
      locked: held.isLocked(now),
      lastPullTime: held.lastPullTime,
      lastConsumeTime: held.lastConsumeTime,
    })).sort(compareQueues),
    popQueues: Array.from(popQueues, ({ lastPopTime, queue, waiting }) => ({
      ...namespace.unwrapQueue(queue),
      cachedMessages: waiting,
      lastPopTime,
    })).sort(compareQueues),
    handlers: Array.from(running, ({ messages, queue }) => ({
      ...namespace.unwrapQueue(queue.queue),
      msgIds: messages.map((message) => message.msgId),
      startedAt: startOf(messages),
    })).sort((a, b) => a.startedAt - b.startedAt),
    topics: Object.fromEntries(topics.map((topic) => [namespace.unwrapTopic(topic), stats.status(topic)])),
  };
}

/** The running handlers for people; consoles that ask a Java consumer for its threads (`mqadmin consumerStatus -s`) show it. */
export function describeHandlers({ group, handlers }: ConsumerReport, now = Date.now()): string {
  const lines = handlers.map(
    ({ brokerName, msgIds, queueId, startedAt, topic }) =>
      `  ${now - startedAt} ms: topic ${topic}, broker ${brokerName}, queue ${queueId}, msgId ${msgIds.join(' ')}`,
  );
  return [`${handlers.length} handlers of group ${group} are running`, ...lines, ''].join('\n');
}
