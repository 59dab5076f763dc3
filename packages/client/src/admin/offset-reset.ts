import {
  ConfigurationError,
  parseProperties,
  parseResetOffsetBody,
  parseTopicStatsTable,
  Requests,
  ResponseCode,
  ResponseError,
  validateGroup,
  validateTopic,
} from '@rocketnest/protocol';
import { isLogicQueue } from '../logic-queues.js';
import { compareQueues, type MessageQueue, queueKey } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import { type BrokerTarget, changeAll, type Gathered, gather, requireComplete } from './gathered.js';

/** A place in every queue: where it begins, where it ends, or the first message stored at or after a time (ms since 1970). */
export type OffsetTarget = 'earliest' | 'latest' | Date | number;

/** A queue without its topic. */
export type QueueOfTopic = Pick<MessageQueue, 'brokerName' | 'queueId'>;

export interface ResetInput {
  readonly group: string;
  readonly topic: string;
  readonly to: OffsetTarget;
  /** Only these queues. Default: all. */
  readonly queues?: readonly QueueOfTopic[];
}

/** A queue and the offset it gets. */
export interface OffsetMove {
  readonly queue: MessageQueue;
  readonly offset: number;
}

interface QueueRange {
  readonly queue: MessageQueue;
  /** The first message there is, and one past the last. */
  readonly min: number;
  readonly max: number;
}

/** What a reset does to one queue. */
export interface PlannedMove extends OffsetMove, QueueRange {
  /** The offset now; null: none committed. */
  readonly current: number | null;
}

/** What a reset does. `failures`: brokers that were not asked with success; a reset then does not begin. */
export interface ResetPlan extends Gathered<PlannedMove> {
  readonly group: string;
  readonly topic: string;
  /** Messages that will be consumed again, and messages that will be skipped. */
  readonly again: number;
  readonly skipped: number;
}

/** INVOKE_BROKER_TO_RESET_OFFSET: the beginning and the end of every queue. */
const START = 0;
const END = -1;
/** No queue, no offset: all queues, by time. */
const NONE = -1;
/** Broker setting that says who keeps reset offsets. */
const SERVER_SIDE = 'useServerSideResetOffset';

/** Moving groups. Java: DefaultMQAdminExtImpl.resetOffsetByTimestamp, resetOffsetByTimestampOld, resetOffsetByQueueId. */
export class OffsetReset {
  constructor(private readonly brokers: BrokersOf) {}

  async plan({ group, topic, to, queues }: ResetInput): Promise<ResetPlan> {
    validateGroup(group);
    validateTopic(topic);
    const timestamp = timestampOf(to);
    const wanted = queues && new Set(queues.map(({ brokerName, queueId }) => queueKey({ topic, brokerName, queueId })));
    const { api } = this.brokers.instance;
    const { items, failures } = await gather(await this.brokers.ofTopic(topic), async (target) => {
      const { address } = target;
      const ranges = (await this.rangesOn(target, topic)).filter(
        ({ queue }) => wanted?.delete(queueKey(queue)) ?? true,
      );
      return Promise.all(
        ranges.map(async ({ queue, min, max }): Promise<PlannedMove> => {
          const found =
            timestamp === START || timestamp === END ? undefined : await api.searchOffset(address, queue, timestamp);
          const offset = found ?? (timestamp === START ? min : max);
          return { queue, min, max, offset, current: await this.committedAt(address, group, queue) };
        }),
      );
    });
    if (wanted !== undefined && wanted.size > 0 && failures.length === 0) {
      throw new ConfigurationError(
        `Topic ${topic} has no queue ${[...wanted].join(', ')}. Its queues: ${items.map(({ queue }) => queueKey(queue)).join(', ') || 'see admin.topics.stats'}.`,
        { context: { topic, queues: [...wanted] } },
      );
    }
    const moves = [...items].sort((a, b) => compareQueues(a.queue, b.queue));
    const distance = (sign: 1 | -1): number =>
      moves.reduce((sum, { current, min, offset }) => sum + Math.max(0, sign * (offset - (current ?? min))), 0);
    return { group, topic, items: moves, failures, again: distance(-1), skipped: distance(1) };
  }

  async reset(input: ResetInput): Promise<ResetPlan> {
    const plan = await this.plan(input);
    requireComplete(plan);
    const { group, topic, queues, to } = input;
    // The brokers' own reset by time knows no logic queues.
    if (queues !== undefined || plan.items.some(({ queue }) => isLogicQueue(queue))) {
      await this.set(group, plan.items);
      return plan;
    }
    const timestamp = timestampOf(to);
    const moved = new Map<string, number>();
    await changeAll(await this.mastersOf(plan.items), `Group ${group} is reset`, async (target) => {
      for (const { queue, offset } of await this.resetTopic(target, group, topic, timestamp, plan.items))
        moved.set(queueKey(queue), offset);
    });
    // The brokers had the last word: messages may have come since the plan.
    const items = plan.items.map((move) => ({ ...move, offset: moved.get(queueKey(move.queue)) ?? move.offset }));
    return { ...plan, items };
  }

  async set(group: string, moves: readonly OffsetMove[]): Promise<void> {
    validateGroup(group);
    for (const { queue, offset } of moves) {
      if (!Number.isSafeInteger(offset) || offset < 0) {
        throw new ConfigurationError(
          `The offset ${offset} for queue ${queueKey(queue)} must be a whole number from 0. See admin.topics.stats for what the queue has.`,
          { context: { group, queue, offset } },
        );
      }
    }
    const targets = await this.mastersOf(moves);
    await changeAll(targets, `Offsets of group ${group} are set`, (target) =>
      this.setOn(
        target,
        group,
        moves.filter(({ queue }) => this.brokerOf(queue) === target.brokerName),
      ),
    );
  }

  /** The offset a group has in a queue of a broker; null when none. */
  async committedAt(address: string, consumerGroup: string, { topic, queueId }: MessageQueue): Promise<number | null> {
    return this.brokers.instance.api.consumerOffset(address, {
      consumerGroup,
      topic,
      queueId,
      setZeroIfNotFound: false,
    });
  }

  /** All queues of a topic on one broker, by time: its own reset, or when the group is not connected there, the planned offsets. */
  private async resetTopic(
    target: BrokerTarget,
    group: string,
    topic: string,
    timestamp: number,
    plan: readonly OffsetMove[],
  ): Promise<readonly OffsetMove[]> {
    const { code, body, response } = await this.brokers.instance.api.call(
      target.address,
      Requests.invokeBrokerToResetOffset,
      { topic, group, timestamp, isForce: true, queueId: NONE, offset: NONE },
      // SYSTEM_ERROR: before server-side reset, the answer for a group that has not committed every queue yet.
      {
        accept: [ResponseCode.SUCCESS, ResponseCode.CONSUMER_NOT_ONLINE, ResponseCode.SYSTEM_ERROR],
        // 4.x brokers look at the language to answer C++ in its own way, and stumble over one they do not know.
        language: 'OTHER',
      },
    );
    if (code === ResponseCode.SUCCESS) return body.length === 0 ? [] : parseResetOffsetBody(body).offsetTable;
    const mine = plan.filter(({ queue }) => queue.brokerName === target.brokerName);
    if (code === ResponseCode.SYSTEM_ERROR && (await this.isConnected(target, group))) {
      throw new ResponseError(
        `Broker ${target.brokerName} does not reset the connected group ${group}: ${response.remark}. It has not consumed every queue of topic ${topic} yet. Try again when it has, or stop its consumers, or set ${SERVER_SIDE}=true on the broker (5.2 and later).`,
        { responseCode: code, remark: response.remark, context: { group, topic, broker: target.brokerName } },
      );
    }
    await this.write(target, group, mine);
    return mine;
  }

  /** What a broker has of a topic's queues: physical ones, or of a static topic the logic ones it leads. */
  private async rangesOn({ brokerName, address }: BrokerTarget, topic: string): Promise<QueueRange[]> {
    const { api, routes } = this.brokers.instance;
    if (routes.get(topic)?.leaders == null) {
      const { body } = await api.call(address, Requests.getTopicStatsInfo, { topic });
      return parseTopicStatsTable(body).offsetTable.map(({ queue, minOffset, maxOffset }) => ({
        queue,
        min: minOffset,
        max: maxOffset,
      }));
    }
    const led = routes.subscribeInfo(topic).filter((queue) => this.brokerOf(queue) === brokerName);
    return Promise.all(
      led.map(async (queue) => ({
        queue,
        min: await api.minOffset(address, queue),
        max: await api.maxOffset(address, queue),
      })),
    );
  }

  /** Name of the broker that serves a queue now. */
  private brokerOf(queue: MessageQueue): string {
    return this.brokers.instance.routes.brokerOf(queue) ?? queue.brokerName;
  }

  /** Single queues on one broker. */
  private async setOn(target: BrokerTarget, group: string, moves: readonly OffsetMove[]): Promise<void> {
    const logic = moves.some(({ queue }) => isLogicQueue(queue));
    if (!logic && (await this.isServerSide(target))) {
      for (const { queue, offset } of moves) {
        const { topic, queueId } = queue;
        await this.brokers.instance.api.call(target.address, Requests.invokeBrokerToResetOffset, {
          topic,
          group,
          queueId,
          offset,
          timestamp: 0,
          isForce: true,
        });
      }
      return;
    }
    // These brokers ignore queueId and offset: they would move all queues to the timestamp.
    if (await this.isConnected(target, group)) {
      const next = logic
        ? 'reset static topics while nobody is connected'
        : `set ${SERVER_SIDE}=true on the broker (5.2 and later), or reset the whole topic`;
      throw new ConfigurationError(
        `Broker ${target.brokerName} cannot set single offsets of group ${group} while its consumers are connected: they would overwrite them. Stop the consumers, or ${next}.`,
        { context: { group, broker: target.brokerName } },
      );
    }
    await this.write(target, group, moves);
  }

  private async write({ address }: BrokerTarget, consumerGroup: string, moves: readonly OffsetMove[]): Promise<void> {
    for (const { queue, offset } of moves) {
      const { topic, queueId } = queue;
      const fields = { consumerGroup, topic, queueId, commitOffset: offset };
      await this.brokers.instance.api.updateConsumerOffset(address, fields);
    }
  }

  private async isServerSide({ address }: BrokerTarget): Promise<boolean> {
    const { body } = await this.brokers.instance.api.call(address, Requests.getBrokerConfig, {});
    return parseProperties(body.toString()).get(SERVER_SIDE) === 'true';
  }

  private async isConnected({ address }: BrokerTarget, group: string): Promise<boolean> {
    return (await this.brokers.instance.api.consumerIdList(address, group)).length > 0;
  }

  private async mastersOf(moves: readonly OffsetMove[]): Promise<BrokerTarget[]> {
    const byName = new Map<string, BrokerTarget>();
    for (const { queue } of moves) {
      const address = await this.brokers.masterOf(queue);
      const brokerName = this.brokerOf(queue);
      byName.set(brokerName, { brokerName, address });
    }
    return [...byName.values()];
  }
}

/** As the broker takes it. @throws ConfigurationError when it is no time */
function timestampOf(to: OffsetTarget): number {
  if (to === 'earliest') return START;
  if (to === 'latest') return END;
  const time = to instanceof Date ? to.getTime() : to;
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new ConfigurationError(
    `A group can be reset to "earliest", "latest", a Date or a number of ms since 1970, not to ${String(to)}.`,
    { context: { to: String(to) } },
  );
}
