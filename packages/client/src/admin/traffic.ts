import { type BrokerStatsData, parseBrokerStatsData, Requests, ResponseCode } from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';
import { type BrokerFailure, gather } from './gathered.js';
import type { OffsetAdmin } from './offsets.js';
import type { TopicAdmin } from './topics.js';

/** What comes into a topic and what groups take out of it, over all its brokers. */
export interface TopicTraffic {
  readonly topic: string;
  /** Messages per second in the last minute. */
  readonly inTps: number;
  /** Messages of the last 24 hours; of a broker that runs for less, of the last hour or minute. */
  readonly in24h: number;
  readonly groups: readonly {
    readonly group: string;
    readonly outTps: number;
    readonly out24h: number;
    /** Messages not consumed. */
    readonly lag: number;
  }[];
  /** Brokers whose numbers are missing. */
  readonly failures: readonly BrokerFailure[];
}

interface Sum {
  readonly tps: number;
  readonly day: number;
}

/** Java: StatsAllSubCommand. */
export async function topicTraffic(
  brokers: BrokersOf,
  { topics, offsets }: { readonly topics: TopicAdmin; readonly offsets: OffsetAdmin },
  topic: string,
): Promise<TopicTraffic> {
  const failures = new Map<string, BrokerFailure>();
  const note = (found: readonly BrokerFailure[]): void => {
    for (const failure of found) failures.set(failure.address, failure);
  };
  const sum = async (statsName: string, statsKey: string): Promise<Sum> => {
    const answer = await gather(await brokers.ofTopic(topic), async ({ address }) => {
      const { code, body } = await brokers.instance.api.call(
        address,
        Requests.viewBrokerStatsData,
        { statsName, statsKey },
        // What was never counted does not exist.
        { accept: [ResponseCode.SUCCESS, ResponseCode.SYSTEM_ERROR] },
      );
      return code === ResponseCode.SUCCESS ? [parseBrokerStatsData(body)] : [];
    });
    note(answer.failures);
    return answer.items.reduce<Sum>(
      (total, stats) => ({ tps: total.tps + (stats.statsMinute?.tps ?? 0), day: total.day + dayOf(stats) }),
      { tps: 0, day: 0 },
    );
  };
  const names = await topics.groups(topic);
  note(names.failures);
  const incoming = await sum('TOPIC_PUT_NUMS', topic);
  const groups = await Promise.all(
    names.items.map(async (group) => {
      const { tps, day } = await sum('GROUP_GET_NUMS', `${topic}@${group}`);
      const { lag, failures } = await offsets.progress(group, topic);
      note(failures);
      return { group, outTps: tps, out24h: day, lag };
    }),
  );
  return { topic, inTps: incoming.tps, in24h: incoming.day, groups, failures: [...failures.values()] };
}

const dayOf = ({ statsDay, statsHour, statsMinute }: BrokerStatsData): number =>
  statsDay?.sum || statsHour?.sum || statsMinute?.sum || 0;
