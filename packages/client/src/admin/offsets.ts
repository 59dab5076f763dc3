import {
  ConfigurationError,
  parseConsumeStats,
  parseQueryConsumeTimeSpanBody,
  type QueryConsumeTimeSpanBody,
  Requests,
  ResponseCode,
  retryTopic,
  validateGroup,
  validateTopic,
} from '@rocketnest/protocol';
import { compareQueues, type MessageQueue } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import { type BrokerTarget, changeAll, type Gathered, gather } from './gathered.js';
import type { GroupAdmin } from './groups.js';
import { type OffsetMove, OffsetReset, type ResetInput, type ResetPlan } from './offset-reset.js';
import { logicProgress, type QueueProgress } from './progress.js';

/** Where one group stands in all queues of its topics. */
export interface GroupProgress extends Gathered<QueueProgress> {
  /** Sums over the queues, those of the retry topic among them. */
  readonly lag: number;
  readonly inflight: number;
  /** Messages per second the group was given in the last minute. */
  readonly consumeTps: number;
}

/** One group in the list of all. */
export interface GroupSummary extends Pick<GroupProgress, 'lag' | 'inflight' | 'consumeTps' | 'failures'> {
  readonly group: string;
  /** When the newest consumed message was stored, ms since 1970; 0: never. */
  readonly lastTimestamp: number;
}

export type QueueTimeSpan = QueryConsumeTimeSpanBody['consumeTimeSpanSet'][number];

/** Groups asked at once, so that a cluster of thousands of groups gets no burst. */
const GROUPS_AT_ONCE = 8;

/** Offsets of queues, and where groups stand in them. */
export class OffsetAdmin {
  private readonly resets: OffsetReset;

  constructor(
    private readonly brokers: BrokersOf,
    private readonly groups: GroupAdmin,
  ) {
    this.resets = new OffsetReset(brokers);
  }

  /** One past the last message. */
  async max(queue: MessageQueue): Promise<number> {
    return this.brokers.instance.api.maxOffset(await this.brokers.masterOf(queue), queue);
  }

  async min(queue: MessageQueue): Promise<number> {
    return this.brokers.instance.api.minOffset(await this.brokers.masterOf(queue), queue);
  }

  /**
   * Offset of the first message stored at or after `timestamp` (ms since 1970). Of several messages stored at that very ms
   * LOWER finds the first and UPPER the last.
   */
  async search(queue: MessageQueue, timestamp: number, boundary: 'LOWER' | 'UPPER' = 'LOWER'): Promise<number> {
    const { topic, queueId } = queue;
    const { fields } = await this.brokers.instance.api.call(
      await this.brokers.masterOf(queue),
      Requests.searchOffsetByTimestamp,
      { topic, queueId, timestamp, boundaryType: boundary.toLowerCase() },
    );
    return fields.offset;
  }

  /** When the oldest message of a queue was stored, ms since 1970; -1 when it is empty. */
  async earliestTime({ topic, queueId, brokerName }: MessageQueue): Promise<number> {
    const address = await this.brokers.masterOf({ topic, queueId, brokerName });
    return (await this.brokers.instance.api.call(address, Requests.getEarliestMsgStoretime, { topic, queueId })).fields
      .timestamp;
  }

  /** The offset a group committed; null when it has none in this queue. */
  async committed(group: string, queue: MessageQueue): Promise<number | null> {
    return this.resets.committedAt(await this.brokers.masterOf(queue), group, queue);
  }

  /**
   * Where a group stands in every queue of its topics, or of one topic. Static topics are shown by their logic queues. Brokers that do
   * not know the group contribute nothing.
   */
  async progress(group: string, topic?: string): Promise<GroupProgress> {
    validateGroup(group);
    if (topic !== undefined) validateTopic(topic);
    return this.progressOn(await this.brokersOfGroup(group, topic), group, topic);
  }

  /** Where all users' groups stand, the largest lag first. Java: mqadmin consumerProgress. */
  async overview(): Promise<Gathered<GroupSummary>> {
    const { items: names, failures: unlisted } = await this.groups.list();
    const groups = [...names];
    const masters = await this.brokers.masters();
    const summaries: GroupSummary[] = [];
    const next = async (): Promise<void> => {
      for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
        const { items, ...sums } = await this.progressOn(masters, group);
        const lastTimestamp = items.reduce((latest, row) => Math.max(latest, row.lastTimestamp), 0);
        summaries.push({ group, ...sums, lastTimestamp });
      }
    };
    await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, next));
    const failures = [...unlisted, ...summaries.flatMap((summary) => summary.failures)];
    return { items: summaries.sort((a, b) => b.lag - a.lag), failures: oncePerBroker(failures) };
  }

  /** Per queue, when its first, last and last consumed messages were stored, and how long the next one waits (ms). */
  async timeSpans(group: string, topic: string): Promise<Gathered<QueueTimeSpan>> {
    validateGroup(group);
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.queryConsumeTimeSpan, { topic, group });
      return parseQueryConsumeTimeSpanBody(body).consumeTimeSpanSet;
    });
  }

  /** What `reset` would do, without doing it. */
  planReset(input: ResetInput): Promise<ResetPlan> {
    return this.resets.plan(input);
  }

  /**
   * Moves a group in a topic, or in some queues of it, back or forth. Works while consumers are connected and while none is; a group
   * that never consumed the topic starts there.
   *
   * Brokers with useServerSideResetOffset (the default since 5.2) keep the new offsets, and consumers meet them on their next pull.
   * Others tell connected consumers to move, which they do within seconds; they cannot move single queues of connected groups.
   * @throws ConfigurationError when a queue does not exist or an offset is outside its messages
   * @throws PartialError when some brokers failed
   */
  reset(input: ResetInput): Promise<ResetPlan> {
    return this.resets.reset(input);
  }

  /** Skips everything the group has not consumed yet of a topic: the next message it gets is one sent after this. */
  skipAccumulated(group: string, topic: string): Promise<ResetPlan> {
    return this.reset({ group, topic, to: 'latest' });
  }

  /** Sets the offsets of single queues. @throws ConfigurationError when an offset is outside its queue's messages */
  set(group: string, moves: readonly OffsetMove[]): Promise<void> {
    return this.resets.set(group, moves);
  }

  /**
   * Gives group `to` the offsets of group `from`, in all its topics or in one. `offline`: also in topics that connected members of
   * `from` do not subscribe any more. Default true.
   */
  async clone(input: { from: string; to: string; topic?: string; offline?: boolean }): Promise<void> {
    const { from, to, topic, offline = true } = input;
    validateGroup(from);
    validateGroup(to);
    if (from === to) {
      throw new ConfigurationError(`Offsets of group ${from} cannot be cloned to itself. Give another group as "to".`, {
        context: { from, to },
      });
    }
    const fields = { srcGroup: from, destGroup: to, ...(topic === undefined ? {} : { topic }), offline };
    await changeAll(await this.brokers.masters(), `Offsets of group ${from} are cloned to ${to}`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.cloneGroupOffset, fields),
    );
  }

  /** Where a group may have offsets. Java: DefaultMQAdminExtImpl.examineConsumeStats. */
  private async brokersOfGroup(group: string, topic: string | undefined): Promise<BrokerTarget[]> {
    for (const name of [topic, retryTopic(group)]) {
      if (name !== undefined && (await this.brokers.instance.api.topicRoute(name)) !== null)
        return this.brokers.ofTopic(name);
    }
    if (topic !== undefined) throw this.brokers.instance.routes.noRoute(topic);
    return this.brokers.masters();
  }

  private async progressOn(
    targets: readonly BrokerTarget[],
    consumerGroup: string,
    topic?: string,
  ): Promise<GroupProgress> {
    let consumeTps = 0;
    const { items, failures } = await gather(targets, async ({ address }) => {
      const { code, body } = await this.brokers.instance.api.call(
        address,
        Requests.getConsumeStats,
        { consumerGroup, topic },
        // A broker that has no part of the topic.
        { accept: [ResponseCode.SUCCESS, ResponseCode.TOPIC_NOT_EXIST] },
      );
      if (code !== ResponseCode.SUCCESS || body.length === 0) return [];
      const stats = parseConsumeStats(body);
      consumeTps += stats.consumeTps;
      return stats.offsetTable;
    });
    const rows = (await logicProgress(this.brokers, items)).sort((a, b) => compareQueues(a.queue, b.queue));
    const sum = (field: 'lag' | 'inflight'): number => rows.reduce((total, row) => total + row[field], 0);
    return { items: rows, failures, lag: sum('lag'), inflight: sum('inflight'), consumeTps };
  }
}

function oncePerBroker<F extends { readonly address: string }>(failures: readonly F[]): F[] {
  return [...new Map(failures.map((failure) => [failure.address, failure])).values()];
}
