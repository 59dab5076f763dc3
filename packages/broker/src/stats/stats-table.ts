import { StatsItem, type StatsSpan } from './stats-item.js';

/** Names of Apache's statistics (`Stats`, `BrokerStatsManager`); the keys of their items are in the comments. */
export const StatsName = {
  /** topic */
  TOPIC_PUT_NUMS: 'TOPIC_PUT_NUMS',
  TOPIC_PUT_SIZE: 'TOPIC_PUT_SIZE',
  /** queueId@topic */
  TOPIC_PUT_LATENCY: 'TOPIC_PUT_LATENCY',
  /** topic@queueId */
  QUEUE_PUT_NUMS: 'QUEUE_PUT_NUMS',
  QUEUE_PUT_SIZE: 'QUEUE_PUT_SIZE',
  /** topic@queueId@group */
  QUEUE_GET_NUMS: 'QUEUE_GET_NUMS',
  QUEUE_GET_SIZE: 'QUEUE_GET_SIZE',
  /** topic@group */
  GROUP_GET_NUMS: 'GROUP_GET_NUMS',
  GROUP_GET_SIZE: 'GROUP_GET_SIZE',
  GROUP_ACK_NUMS: 'GROUP_ACK_NUMS',
  GROUP_CK_NUMS: 'GROUP_CK_NUMS',
  SNDBCK_PUT_NUMS: 'SNDBCK_PUT_NUMS',
  /** queueId@topic@group, without the queue when `enableDetailStat` is off */
  GROUP_GET_LATENCY: 'GROUP_GET_LATENCY',
  /** owner@topic@group@type */
  SNDBCK2DLQ_TIMES: 'SNDBCK2DLQ_TIMES',
  /** CONNECT or CLOSE */
  CHANNEL_ACTIVITY: 'CHANNEL_ACTIVITY',
  /** cluster */
  CONSUMER_REGISTER_TIME: 'CONSUMER_REGISTER_TIME',
  PRODUCER_REGISTER_TIME: 'PRODUCER_REGISTER_TIME',
  BROKER_PUT_NUMS: 'BROKER_PUT_NUMS',
  BROKER_GET_NUMS: 'BROKER_GET_NUMS',
  BROKER_ACK_NUMS: 'BROKER_ACK_NUMS',
  BROKER_CK_NUMS: 'BROKER_CK_NUMS',
  BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC: 'BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC',
  BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC: 'BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC',
} as const;

export type StatsName = keyof typeof StatsName;

/** What becomes idle with its topic or group, and is dropped then (`NEED_CLEAN_STATS_SET`). */
const expiring: readonly StatsName[] = [
  'TOPIC_PUT_NUMS',
  'TOPIC_PUT_SIZE',
  'GROUP_GET_NUMS',
  'GROUP_GET_SIZE',
  'SNDBCK_PUT_NUMS',
  'GROUP_GET_LATENCY',
];

/** Place of the topic and of the group in the keys of a statistic, the parts being separated by `@`. */
const topicPart: Partial<Record<StatsName, number>> = {
  TOPIC_PUT_NUMS: 0,
  TOPIC_PUT_SIZE: 0,
  TOPIC_PUT_LATENCY: 1,
  QUEUE_PUT_NUMS: 0,
  QUEUE_PUT_SIZE: 0,
  QUEUE_GET_NUMS: 0,
  QUEUE_GET_SIZE: 0,
  GROUP_GET_NUMS: 0,
  GROUP_GET_SIZE: 0,
  GROUP_ACK_NUMS: 0,
  GROUP_CK_NUMS: 0,
  SNDBCK_PUT_NUMS: 0,
  GROUP_GET_LATENCY: -2,
};
/** In all of these the group comes last. */
const withGroup: readonly StatsName[] = [
  'QUEUE_GET_NUMS',
  'QUEUE_GET_SIZE',
  'GROUP_GET_NUMS',
  'GROUP_GET_SIZE',
  'GROUP_ACK_NUMS',
  'GROUP_CK_NUMS',
  'SNDBCK_PUT_NUMS',
  'GROUP_GET_LATENCY',
];

/** All items of a broker, by name and key, as VIEW_BROKER_STATS_DATA asks for them (`StatsItemSet`). */
export class StatsTable {
  private readonly sets = new Map<string, Map<string, StatsItem>>(
    Object.keys(StatsName).map((name) => [name, new Map<string, StatsItem>()]),
  );

  find(name: string, key: string): StatsItem | undefined {
    return this.sets.get(name)?.get(key);
  }

  getOrCreate(name: StatsName, key: string, now: number): StatsItem {
    const set = this.sets.get(name)!;
    let item = set.get(key);
    if (item === undefined) {
      item = new StatsItem(now);
      set.set(key, item);
    }
    return item;
  }

  sample(span: StatsSpan, now: number): void {
    for (const set of this.sets.values()) for (const item of set.values()) item.sample(span, now);
  }

  /** Drops items that did not change since `before`. */
  expire(before: number): void {
    for (const name of expiring) {
      const set = this.sets.get(name)!;
      for (const [key, item] of set) if (item.changedAt < before) set.delete(key);
    }
  }

  deleteTopic(topic: string): void {
    for (const [name, part] of Object.entries(topicPart)) this.drop(name, (parts) => parts.at(part) === topic);
  }

  deleteGroup(group: string): void {
    for (const name of withGroup) this.drop(name, (parts) => parts.at(-1) === group);
  }

  private drop(name: string, concerned: (parts: readonly string[]) => boolean): void {
    const set = this.sets.get(name)!;
    for (const key of set.keys()) if (concerned(key.split('@'))) set.delete(key);
  }
}
