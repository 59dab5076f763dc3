import { isDeepStrictEqual } from 'node:util';
import {
  type DataVersion,
  encodeTopicConfigSerializeWrapper,
  isSystemTopic,
  PermName,
  parseTopicConfigSerializeWrapper,
  REVIVE_TOPIC_PREFIX,
  replyTopic,
  SystemTopic,
  systemTopicNames,
  TIMER_TOPIC,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { alterAttributes, topicAttributes } from './attributes.js';
import type { Clock } from './clock.js';
import { ConfigFile } from './config-file.js';
import { nextVersion } from './data-version.js';
import { ForeignFields } from './foreign-fields.js';
import type { BrokerOptionName, BrokerOptions } from './options.js';

export interface TopicTableParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
  /** Called after a topic was created or changed: time to tell the name servers. */
  readonly onChange: () => void;
}

/** Most queues of a topic. Apache has no limit, and loops over them all the same. */
export const MAX_QUEUES = 65_535;

/** What a topic may not be, that Java would take, or take and then fail on. */
export function topicSettingProblem(
  fields: Pick<TopicConfig, 'readQueueNums' | 'writeQueueNums'> & { readonly topicFilterType: string },
): string | null {
  if (fields.topicFilterType !== 'SINGLE_TAG' && fields.topicFilterType !== 'MULTI_TAG') {
    return `topicFilterType is ${fields.topicFilterType}, expected SINGLE_TAG or MULTI_TAG`;
  }
  const { readQueueNums, writeQueueNums } = fields;
  if (Math.min(readQueueNums, writeQueueNums) < 0 || Math.max(readQueueNums, writeQueueNums) > MAX_QUEUES) {
    return `readQueueNums is ${readQueueNums} and writeQueueNums ${writeQueueNums}, both must be from 0 to ${MAX_QUEUES}`;
  }
  return null;
}

/** A topic as Apache creates it when nobody says more. */
export const newTopicConfig = (topicName: string, settings: Partial<TopicConfig> = {}): TopicConfig => ({
  topicName,
  readQueueNums: 16,
  writeQueueNums: 16,
  perm: PermName.READ | PermName.WRITE,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: {},
  ...settings,
});

/** The topics of this broker and their settings: `config/topics.json` (`TopicConfigManager`). */
export class TopicTable {
  readonly file: ConfigFile;
  private readonly topics = new Map<string, TopicConfig>();
  private readonly reserved = new Set<string>();
  private readonly foreign = new ForeignFields();
  private version: DataVersion;

  constructor(private readonly parts: TopicTableParts) {
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
    this.file = new ConfigFile(parts.path, this);
    for (const topic of systemTopics(parts.options)) {
      this.topics.set(topic.topicName, topic);
      this.reserved.add(topic.topicName);
    }
  }

  get(topic: string): TopicConfig | undefined {
    return this.topics.get(topic);
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  get all(): ReadonlyMap<string, TopicConfig> {
    return this.topics;
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  isOrder(topic: string): boolean {
    return this.topics.get(topic)?.order === true;
  }

  /** True when client batches to the topic stay together, as one message (`QueueTypeUtils.isBatchCq`). */
  isBatchQueue(topic: string): boolean {
    return this.topics.get(topic)?.attributes?.['queue.type'] === 'BatchCQ';
  }

  /** True for topics that this broker made for itself and that admin requests must not touch. */
  isSystem(topic: string): boolean {
    return this.reserved.has(topic) || isSystemTopic(topic);
  }

  /**
   * The first send to an unknown topic: copies the settings of `defaultTopic` (TBW102) when that one may be inherited.
   * @returns undefined when it may not (`createTopicInSendMessageMethod`)
   */
  createForSend(
    topic: string,
    defaultTopic: string,
    clientQueueNums: number,
    topicSysFlag: number,
    remoteAddress: string,
  ): TopicConfig | undefined {
    const known = this.topics.get(topic);
    if (known !== undefined) return known;
    const model = this.topics.get(defaultTopic);
    const inherited =
      model !== undefined &&
      (model.perm & PermName.INHERIT) !== 0 &&
      (defaultTopic !== SystemTopic.AUTO_CREATE_TOPIC_KEY || this.parts.options.autoCreateTopicEnable);
    if (!inherited) {
      this.parts.logger.warn('topic not created: its default topic is not there or cannot be inherited', {
        topic,
        defaultTopic,
        producer: remoteAddress,
      });
      return undefined;
    }
    const queues = Math.max(0, Math.min(clientQueueNums, model.writeQueueNums));
    return this.add(
      newTopicConfig(topic, {
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: model.perm & ~PermName.INHERIT,
        topicSysFlag,
        topicFilterType: model.topicFilterType,
      }),
    );
  }

  /** Topics that the broker makes for a group or for itself: retry, DLQ (`createTopicInSendMessageBackMethod`). */
  createInternal(topic: string, queueNums: number, perm: number, topicSysFlag = 0, order = false): TopicConfig {
    const known = this.topics.get(topic);
    if (known === undefined) {
      const queues = Math.min(queueNums, MAX_QUEUES);
      return this.add(
        newTopicConfig(topic, { readQueueNums: queues, writeQueueNums: queues, perm, topicSysFlag, order }),
      );
    }
    if (known.order !== order) {
      known.order = order;
      this.changed();
    }
    return known;
  }

  /**
   * Creates or changes a topic for an admin. Attributes come as `+name`/`-name` changes.
   * @throws ResponseError when an attribute change is not allowed (`updateTopicConfig`)
   */
  update(topic: TopicConfig): TopicConfig {
    const current = this.topics.get(topic.topicName);
    const attributes = alterAttributes(topicAttributes, current?.attributes, topic.attributes ?? {});
    const changed = { ...topic, attributes };
    return current !== undefined && isDeepStrictEqual(current, changed) ? current : this.add(changed);
  }

  /** Marks topics as ordered because the name servers have an order configuration for them (`updateOrderTopicConfig`). */
  markOrdered(names: Iterable<string>): void {
    for (const name of names) {
      const topic = this.topics.get(name);
      if (topic === undefined || topic.order) continue;
      topic.order = true;
      this.parts.logger.info('topic is ordered: a name server has an order configuration for it', { topic: name });
      this.changed();
    }
  }

  /** @returns false when there was no such topic */
  delete(topic: string): boolean {
    const existed = this.topics.delete(topic);
    if (existed) this.changed();
    return existed;
  }

  /** Brings the topics that the broker makes for itself in line with changed options; tells the name servers when they must know. */
  optionsChanged(changed: ReadonlySet<BrokerOptionName>): void {
    const { options } = this.parts;
    const names = new Set([...changed].map((option) => topicOf[option]?.(options)));
    for (const topic of systemTopics(options).filter(({ topicName }) => names.has(topicName))) {
      this.reserved.add(topic.topicName);
      this.add(topic);
    }
    if (!changed.has('brokerPermission')) return;
    // The announced permission of every topic changed: a new version, or name servers that compare versions miss it.
    this.changed();
    this.parts.onChange();
  }

  /** Calls back when the last change is on disk; also when writing it failed, which is tried again. */
  saved(callback: () => void): void {
    this.file.save().then(callback, (error: unknown) => {
      this.parts.logger.error('topics are not saved', { error });
      callback();
    });
  }

  /** Names of all system topics, for topic lists. */
  get systemNames(): string[] {
    return [...new Set([...systemTopicNames(), ...this.reserved])];
  }

  encode(): string {
    const text = encodeTopicConfigSerializeWrapper({
      dataVersion: this.version,
      topicConfigTable: Object.fromEntries(this.topics),
    }).toString('utf8');
    return this.foreign.addTo(text);
  }

  decode(text: string): void {
    const wrapper = parseTopicConfigSerializeWrapper(Buffer.from(text));
    this.foreign.remember(text, encodeTopicConfigSerializeWrapper(wrapper).toString('utf8'));
    for (const topic of Object.values(wrapper.topicConfigTable)) this.topics.set(topic.topicName, topic);
    this.version = wrapper.dataVersion;
  }

  private add(topic: TopicConfig): TopicConfig {
    this.topics.set(topic.topicName, topic);
    this.parts.logger.info('topic created or changed', { topic });
    this.changed();
    this.parts.onChange();
    return topic;
  }

  private changed(): void {
    this.version = nextVersion(this.version, this.parts.clock);
    this.file.touch();
  }
}

/** Which topic of its own the broker makes after an option. */
const topicOf: Partial<Record<BrokerOptionName, (options: BrokerOptions) => string>> = {
  autoCreateTopicEnable: () => SystemTopic.AUTO_CREATE_TOPIC_KEY,
  defaultTopicQueueNums: () => SystemTopic.AUTO_CREATE_TOPIC_KEY,
  clusterTopicEnable: (options) => options.brokerClusterName,
  brokerTopicEnable: (options) => options.brokerName,
  traceTopicEnable: (options) => options.msgTraceTopicName,
};

/** Topics that are there from the first start (`TopicConfigManager.init`), with their queues and permission. */
function systemTopics(options: BrokerOptions): TopicConfig[] {
  const queues = (count: number, perm: number = PermName.READ | PermName.WRITE): Partial<TopicConfig> => ({
    readQueueNums: count,
    writeQueueNums: count,
    perm,
  });
  const inheritable = (open: boolean): number => PermName.INHERIT | (open ? PermName.READ | PermName.WRITE : 0);
  const cluster = options.brokerClusterName;
  const rows: (readonly [string, Partial<TopicConfig>])[] = [
    [SystemTopic.SELF_TEST, queues(1)],
    [SystemTopic.BENCHMARK, queues(1024)],
    [cluster, queues(16, inheritable(options.clusterTopicEnable))],
    [options.brokerName, queues(1, inheritable(options.brokerTopicEnable))],
    [SystemTopic.OFFSET_MOVED_EVENT, queues(1)],
    [SystemTopic.SCHEDULE, queues(18)],
    [replyTopic(cluster), queues(1)],
    [REVIVE_TOPIC_PREFIX + cluster, queues(options.reviveQueueNum)],
    [`rmq_sys_SYNC_BROKER_MEMBER_${options.brokerName}`, queues(1, PermName.INHERIT)],
    [SystemTopic.TRANS_HALF, queues(1)],
    [SystemTopic.TRANS_OP_HALF, queues(1)],
  ];
  if (options.autoCreateTopicEnable) {
    rows.push([SystemTopic.AUTO_CREATE_TOPIC_KEY, queues(options.defaultTopicQueueNums, inheritable(true))]);
  }
  if (options.timerWheelEnable) rows.push([TIMER_TOPIC, queues(1)]);
  if (options.traceTopicEnable) rows.push([options.msgTraceTopicName, queues(1)]);
  return rows.map(([name, settings]) => newTopicConfig(name, settings));
}
