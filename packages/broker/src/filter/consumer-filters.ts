import {
  PropertyName,
  parseFastjson,
  parseRetryGroup,
  RETRY_GROUP_PREFIX,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageFilter } from '@rocketnest/store';
import type { Clock } from '../clock.js';
import { getOrCreate } from '../collections.js';
import { ConfigFile } from '../config-file.js';
import { filterOf, isTagExpression } from '../filters.js';
import type { BrokerOptions } from '../options.js';
import { type BloomBits, BloomFilter } from './bloom-filter.js';
import { ExpressionCompiler, type Predicate } from './expressions.js';

/** What a group filters a topic by (`ConsumerFilterData`). Times in ms since 1970. */
export interface ConsumerFilter {
  readonly consumerGroup: string;
  readonly topic: string;
  readonly expression: string;
  readonly expressionType: string;
  readonly bornTime: number;
  /** When its consumers left; before `bornTime` (usually 0) while they are there. */
  deadTime: number;
  /** `subVersion` of the subscription it comes from. */
  clientVersion: number;
  readonly bloomFilterData: BloomBits;
  readonly matches: Predicate;
}

export interface ConsumerFilterParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
}

/** After a restart all consumers count as gone since this long (`ConsumerFilterManager.decode`). */
const GONE_BEFORE_RESTART_MS = 30_000;

const isDead = (filter: Pick<ConsumerFilter, 'bornTime' | 'deadTime'>): boolean => filter.deadTime >= filter.bornTime;

/**
 * The filters of consumer groups that subscribe with expressions: compiled, versioned, kept in
 * `config/consumerFilter.json` until a day after their consumers left (`ConsumerFilterManager`).
 */
export class ConsumerFilterTable {
  /** How often Java writes the file. */
  static readonly saveIntervalMs = 10_000;
  readonly file: ConfigFile;
  private readonly topics = new Map<string, Map<string, ConsumerFilter>>();
  private readonly compiler = new ExpressionCompiler();
  private readonly bloom: BloomFilter;

  constructor(private readonly parts: ConsumerFilterParts) {
    const { options, path } = parts;
    this.bloom = new BloomFilter(options.maxErrorRateOfBloomFilter, options.expectConsumerNumUseFilter);
    this.file = new ConfigFile(path, this);
  }

  /** @throws Error naming the expression and what is wrong */
  compile(expressionType: string, expression: string): Predicate {
    return this.compiler.compile(expressionType, expression);
  }

  get(topic: string, group: string): ConsumerFilter | undefined {
    return this.topics.get(topic)?.get(group);
  }

  /** A filter as an administrator sees it; `null` as text when the group has none. */
  describe(topic: string, group: string): string {
    const filter = this.get(topic, group);
    return JSON.stringify(filter === undefined ? null : stored(filter), null, '\t');
  }

  /**
   * The filter for a get. `matches` is the compiled expression of a subscription that is not by tags. With `filterSupportRetry`
   * a message that is tried again is filtered by the expression for the topic that it came from.
   */
  messageFilter(subscription: SubscriptionData, matches?: Predicate): MessageFilter {
    const byTopic = this.parts.options.filterSupportRetry && subscription.topic.startsWith(RETRY_GROUP_PREFIX);
    if (!byTopic || isTagExpression(subscription.expressionType)) return filterOf(subscription, matches);
    const group = parseRetryGroup(subscription.topic);
    return filterOf(subscription, (properties) => {
      const origin = properties[PropertyName.RETRY_TOPIC];
      return origin === undefined || (this.get(origin, group)?.matches(properties) ?? true);
    });
  }

  /** A heartbeat: what a group subscribes by expression, and by that what it does not any more. */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    for (const subscription of subscriptions) {
      if (!isTagExpression(subscription.expressionType) && subscription.subString !== '') {
        this.registerOne(group, subscription);
      }
    }
    const topics = new Set(subscriptions.map(({ topic }) => topic));
    this.bury(group, (topic) => !topics.has(topic));
  }

  /** The last consumer of a group left. */
  unregister(group: string): void {
    this.bury(group, () => true);
  }

  /** Forgets filters whose consumers left longer than `filterDataCleanTimeSpan` ago. */
  private clean(): void {
    const { clock, options } = this.parts;
    for (const [topic, groups] of this.topics) {
      for (const [group, filter] of groups) {
        if (!isDead(filter) || clock.now() - filter.deadTime < options.filterDataCleanTimeSpan) continue;
        groups.delete(group);
      }
      if (groups.size === 0) this.topics.delete(topic);
    }
  }

  encode(): string {
    this.clean();
    const filterDataByTopic: Record<string, unknown> = {};
    for (const [topic, groups] of this.topics) {
      const groupFilterData = Object.fromEntries([...groups].map(([group, filter]) => [group, stored(filter)]));
      filterDataByTopic[topic] = { groupFilterData, topic };
    }
    return JSON.stringify({ filterDataByTopic });
  }

  /** Filters that do not compile (any more) or were made with other bloom settings are left out: heartbeats bring them again. */
  decode(text: string): void {
    const { logger, clock } = this.parts;
    const { filterDataByTopic = {} } = parseFastjson(text) as { filterDataByTopic?: Record<string, TopicEntry> };
    for (const [topic, entry] of Object.entries(filterDataByTopic)) {
      for (const [group, kept] of Object.entries(entry.groupFilterData ?? {})) {
        if (!this.bloom.isValid(kept.bloomFilterData)) continue;
        const matches = this.tryCompile(group, topic, kept.expressionType, kept.expression);
        if (matches === undefined) continue;
        const { bornTime, clientVersion, expression, expressionType, bloomFilterData } = kept;
        const gone = Math.max(bornTime, clock.now() - GONE_BEFORE_RESTART_MS);
        const deadTime = kept.deadTime === 0 ? gone : kept.deadTime;
        this.groupsOf(topic).set(group, {
          consumerGroup: group,
          topic,
          expression,
          expressionType,
          bornTime,
          deadTime,
          clientVersion,
          bloomFilterData,
          matches,
        });
      }
    }
    logger.info('consumer filters loaded', { topics: this.topics.size });
  }

  private groupsOf(topic: string): Map<string, ConsumerFilter> {
    return getOrCreate(this.topics, topic, () => new Map<string, ConsumerFilter>());
  }

  /** The newest version counts; the same version only brings a filter back to life. */
  private registerOne(group: string, subscription: SubscriptionData): void {
    const { topic, subString: expression, expressionType, subVersion } = subscription;
    const old = this.get(topic, group);
    if (old !== undefined && subVersion <= old.clientVersion) {
      if (subVersion === old.clientVersion) this.revive(old);
      return;
    }
    if (old?.expression === expression && old.expressionType === expressionType) {
      old.clientVersion = subVersion;
      this.revive(old);
      this.file.touch();
      return;
    }
    const matches = this.tryCompile(group, topic, expressionType, expression);
    this.file.touch();
    if (matches === undefined) {
      // Its pulls are refused from now on, which tells the client.
      this.topics.get(topic)?.delete(group);
      return;
    }
    this.groupsOf(topic).set(group, {
      consumerGroup: group,
      topic,
      expression,
      expressionType,
      bornTime: this.parts.clock.now(),
      deadTime: 0,
      clientVersion: subVersion,
      bloomFilterData: this.bloom.bitsOf(`${group}#${topic}`),
      matches,
    });
  }

  private revive(filter: ConsumerFilter): void {
    if (!isDead(filter)) return;
    filter.deadTime = 0;
    this.file.touch();
  }

  private bury(group: string, isGone: (topic: string) => boolean): void {
    for (const [topic, groups] of this.topics) {
      const filter = groups.get(group);
      if (filter === undefined || isDead(filter) || !isGone(topic)) continue;
      filter.deadTime = this.parts.clock.now();
      this.file.touch();
    }
  }

  private tryCompile(group: string, topic: string, type: string, expression: string): Predicate | undefined {
    try {
      return this.compile(type, expression);
    } catch (error) {
      this.parts.logger.warn('consumer filter refused', { group, topic, error: (error as Error).message });
      return undefined;
    }
  }
}

/** A filter as `consumerFilter.json` has it. */
const stored = ({ matches: _compiled, ...filter }: ConsumerFilter) => ({
  ...filter,
  dead: isDead(filter),
});

/** One topic in `consumerFilter.json` (`FilterDataMapByTopic`). */
interface TopicEntry {
  readonly groupFilterData?: Readonly<Record<string, Omit<ConsumerFilter, 'matches'>>>;
}
