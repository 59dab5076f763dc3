import {
  ConfigurationError,
  encodeCreateTopicListRequest,
  encodeDataVersion,
  isDlqTopic,
  isRetryTopic,
  isSystemTopic,
  NoRouteError,
  PermName,
  parseGroupList,
  parseTopicConfigAndQueueMapping,
  parseTopicConfigSerializeWrapper,
  parseTopicList,
  parseTopicStatsTable,
  Requests,
  ResponseCode,
  SystemTopic,
  TimeoutError,
  type TopicConfig,
  type TopicRouteData,
  type TopicStatsTable,
  validateTopic,
} from '@rocketnest/protocol';
import type { BrokersOf, Where } from './brokers-of.js';
import { CONFIG_PAGE_SIZE, readConfigPages } from './config-pages.js';
import { type BrokerTarget, changeAll, type Gathered, gather } from './gathered.js';
import { deleteKeyValue, getKeyValue, putKeyValue } from './key-values.js';
import type { StaticTopicPlan } from './static-mapping.js';
import { type StaticTopicInput, StaticTopics } from './static-topics.js';

/** What a topic takes. Brokers and proxies that check it refuse other messages. Java: TopicMessageType. */
export type TopicMessageType = 'NORMAL' | 'DELAY' | 'FIFO' | 'TRANSACTION' | 'MIXED';

/** What can be set of a topic. */
export interface TopicSettings {
  /** Queues per broker, for reading and writing. Default 8, as mqadmin updateTopic. */
  readonly queues?: number;
  /** Queues per broker if reading and writing differ (while a topic shrinks). Default: queues. */
  readonly readQueues?: number;
  readonly writeQueues?: number;
  /** Bits of PermName: 4 read, 2 write. Default 6. */
  readonly perm?: number;
  /** True: the name server's order configuration says on which brokers its queues are. Default false. */
  readonly order?: boolean;
  readonly messageType?: TopicMessageType;
  /** Other attributes (Java: TopicAttributes), for example `cleanup.policy`; null removes one. */
  readonly attributes?: Readonly<Record<string, string | null>>;
}

/** A topic to create or change: where nothing else is said, on all masters the name server knows. */
export interface TopicInput extends TopicSettings, Where {
  readonly topic: string;
}

/** Offsets and last update of one queue. */
export type TopicQueueStats = TopicStatsTable['offsetTable'][number];

/** A topic's settings on one broker. */
export type TopicConfigOnBroker = TopicConfig & { readonly brokerName: string };

/** What a name tells about a topic: DLQ and RETRY belong to a consumer group, SYSTEM to the brokers. */
export type TopicKind = 'USER' | 'RETRY' | 'DLQ' | 'SYSTEM';

export function topicKind(topic: string): TopicKind {
  if (isRetryTopic(topic)) return 'RETRY';
  if (isDlqTopic(topic)) return 'DLQ';
  return isSystemTopic(topic) ? 'SYSTEM' : 'USER';
}

/** create() returns when the name server knows the topic; brokers tell it within this time, in ms, or something is wrong. */
const TOPIC_VISIBLE_WITHIN_MS = 5_000;
const TOPIC_POLL_MS = 50;
/** Java: NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG. */
const ORDER_CONF_NAMESPACE = 'ORDER_TOPIC_CONFIG';
const MESSAGE_TYPE = 'message.type';

/** Topics: settings, routes, offsets. */
export class TopicAdmin {
  private readonly statics: StaticTopics;

  constructor(private readonly brokers: BrokersOf) {
    this.statics = new StaticTopics(brokers);
  }

  /** Names of all topics the name server knows, or of those of a cluster; with those of the system and of retries. */
  async list(cluster?: string): Promise<string[]> {
    const { api } = this.brokers.instance;
    const { body } =
      cluster === undefined
        ? await api.callNameServer(Requests.getAllTopicListFromNameserver, {})
        : await api.callNameServer(Requests.getTopicsByCluster, { cluster });
    return parseTopicList(body).topicList.sort();
  }

  /** Null when no broker has the topic. */
  route(topic: string): Promise<TopicRouteData | null> {
    return this.brokers.instance.api.topicRoute(topic);
  }

  /** Clusters whose brokers have the topic. */
  async clusters(topic: string): Promise<string[]> {
    const route = await this.route(topic);
    if (route === null) throw this.brokers.instance.routes.noRoute(topic);
    return [...new Set(route.brokerDatas.flatMap(({ cluster }) => cluster ?? []))].sort();
  }

  /** Settings of a topic, as each of its brokers has them. @throws NoRouteError when no broker has it */
  async config(topic: string): Promise<Gathered<TopicConfigOnBroker>> {
    return gather(await this.brokers.ofTopic(topic), async (target) => {
      const config = await this.configOn(target, topic);
      return config === undefined ? [] : [{ ...config, brokerName: target.brokerName }];
    });
  }

  /** Settings of all topics of all brokers. */
  async configs(where?: Where): Promise<Gathered<TopicConfigOnBroker>> {
    return gather(await this.brokers.masters(where), async (target) => {
      const configs = await this.configsOn(target);
      return configs.map((config) => ({ ...config, brokerName: target.brokerName }));
    });
  }

  /**
   * Creates a topic on all masters, or sets it where it exists: settings left out get their defaults (see `update`). Returns when the
   * name server knows it.
   * @throws ConfigurationError when a name or number is not allowed or there is no such broker
   * @throws PartialError when some brokers failed
   */
  async create(input: TopicInput): Promise<void> {
    checkTopicInput(input);
    const masters = await this.brokers.masters(input);
    await changeAll(masters, `Topic ${input.topic} is created`, (target) => this.write(target, configOf(input), input));
    await this.untilVisible(
      input.topic,
      masters.map((master) => master.brokerName),
    );
  }

  /** Creates many topics, or sets those that exist, with one request per broker (5.2 and later). All of them at the same brokers. */
  async createAll(inputs: readonly Omit<TopicInput, 'cluster' | 'broker'>[], where?: Where): Promise<void> {
    for (const input of inputs) checkTopicInput(input);
    if (inputs.length === 0) return;
    const topicConfigList = inputs.map((input) => ({
      ...configOf(input),
      // Here, too, attributes are changes.
      attributes: Object.fromEntries(
        attributeChanges(input).map(([name, value]) => [value === null ? `-${name}` : `+${name}`, value ?? '']),
      ),
    }));
    const body = encodeCreateTopicListRequest({ topicConfigList });
    const masters = await this.brokers.masters(where);
    await changeAll(masters, `${inputs.length} topics are created`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.updateAndCreateTopicList, {}, { body }),
    );
    const names = masters.map((master) => master.brokerName);
    for (const { topic } of inputs) await this.untilVisible(topic, names);
  }

  /**
   * Changes the given settings and leaves the others, on every broker that has the topic.
   * @throws NoRouteError when none has it
   */
  async update(topic: string, change: TopicSettings, where?: Where): Promise<void> {
    checkTopicInput({ topic, ...change });
    const found: (BrokerTarget & { readonly config: TopicConfig })[] = [];
    for (const target of await this.brokers.masters(where)) {
      const config = await this.configOn(target, topic);
      if (config !== undefined) found.push({ ...target, config });
    }
    if (found.length === 0) {
      throw new NoRouteError(`No broker has topic ${topic}. Create it first, with admin.topics.create.`, {
        context: { topic, ...where },
      });
    }
    await changeAll(found, `Topic ${topic} is changed`, (target) =>
      this.write(target, configOf({ topic, ...change }, target.config), change),
    );
  }

  /** Bits of PermName: 6 all, 4 only reading, 2 only writing, 0 nothing. */
  setPerm(topic: string, perm: number, where?: Where): Promise<void> {
    return this.update(topic, { perm }, where);
  }

  /**
   * Deletes a topic from all brokers, slaves too, then from the name servers. Its messages go with the commit log's retention. With
   * `broker` only from that one, which tells the name servers at its next registration (30 s).
   */
  async delete(topic: string, where: Where = {}): Promise<void> {
    validateTopic(topic);
    const { api } = this.brokers.instance;
    await changeAll(await this.brokers.members(where), `Topic ${topic} is deleted`, ({ address }) =>
      api.call(address, Requests.deleteTopicInBroker, { topic }),
    );
    if (where.broker !== undefined) return;
    const fields = where.cluster === undefined ? { topic } : { topic, clusterName: where.cluster };
    await changeAll(await this.brokers.nameServers(), `Topic ${topic} is deleted`, ({ address }) =>
      api.call(address, Requests.deleteTopicInNamesrv, fields),
    );
    if (where.cluster === undefined) await this.deleteOrderConf(topic);
  }

  /** Offsets and last update of every queue of a topic, physical ones for a static topic. */
  async stats(topic: string): Promise<Gathered<TopicQueueStats>> {
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getTopicStatsInfo, { topic });
      return parseTopicStatsTable(body).offsetTable;
    });
  }

  /** Groups that consume or consumed the topic: those with offsets, and those connected. */
  async groups(topic: string): Promise<Gathered<string>> {
    const { items, failures } = await gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.queryTopicConsumeByWho, { topic });
      return parseGroupList(body).groupList;
    });
    return { items: [...new Set(items)].sort(), failures };
  }

  /**
   * Creates a static topic, whose number of queues stays when brokers come and go, or gives it more queues. 5.x.
   * @throws ConfigurationError when the topic is an ordinary one or would shrink
   */
  createStatic(input: StaticTopicInput & { readonly queues: number }): Promise<StaticTopicPlan> {
    return this.statics.create(input);
  }

  /**
   * Moves queues of a static topic, so that `brokers` lead all of them: as few as possible. Producers and consumers follow by
   * themselves. A PartialError has the plan to go on with in `context.plan`: see applyStatic.
   */
  remapStatic(input: StaticTopicInput): Promise<StaticTopicPlan> {
    return this.statics.remap(input);
  }

  /** Carries out a plan that `remapStatic` previewed, or finishes one that stopped in the middle. */
  applyStatic(plan: StaticTopicPlan): Promise<StaticTopicPlan> {
    return this.statics.apply(plan);
  }

  /** "broker-a:4;broker-b:4" of a strictly ordered topic; undefined when it has none. */
  orderConf(topic: string): Promise<string | undefined> {
    return getKeyValue(this.brokers, ORDER_CONF_NAMESPACE, topic);
  }

  /**
   * Says on which brokers a strictly ordered topic has how many queues, whether these run or not: `{ 'broker-a': 4 }`. Producers
   * then hash over these, so that a broker that is down moves no key to another queue.
   * @throws ConfigurationError on a count that is not a positive number
   */
  async setOrderConf(topic: string, queues: Readonly<Record<string, number>>): Promise<void> {
    validateTopic(topic);
    for (const [brokerName, count] of Object.entries(queues)) {
      if (!Number.isInteger(count) || count < 1 || /[:;]/.test(brokerName)) {
        throw new ConfigurationError(
          `The order configuration of topic ${topic} gives broker ${brokerName} ${count} queues; give each broker's name a number from 1.`,
          { context: { topic, brokerName, count } },
        );
      }
    }
    const value = Object.entries(queues).map(([brokerName, count]) => `${brokerName}:${count}`);
    await putKeyValue(this.brokers, ORDER_CONF_NAMESPACE, topic, value.join(';'));
  }

  deleteOrderConf(topic: string): Promise<void> {
    return deleteKeyValue(this.brokers, ORDER_CONF_NAMESPACE, topic);
  }

  /** Undefined when this broker does not have the topic. */
  private async configOn(target: BrokerTarget, topic: string): Promise<TopicConfig | undefined> {
    const { code, body } = await this.brokers.instance.api.call(
      target.address,
      Requests.getTopicConfig,
      { topic },
      { accept: [ResponseCode.SUCCESS, ResponseCode.TOPIC_NOT_EXIST, ResponseCode.REQUEST_CODE_NOT_SUPPORTED] },
    );
    if (code === ResponseCode.SUCCESS) return parseTopicConfigAndQueueMapping(body);
    if (code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    // Before 5.0 there is only the whole table.
    return (await this.configsOn(target)).find(({ topicName }) => topicName === topic);
  }

  private configsOn({ address }: BrokerTarget): Promise<TopicConfig[]> {
    return readConfigPages(async (topicSeq, version) => {
      const { fields, body } = await this.brokers.instance.api.call(address, Requests.getAllTopicConfig, {
        topicSeq,
        maxTopicNum: CONFIG_PAGE_SIZE,
        dataVersion: version === undefined ? '' : encodeDataVersion(version).toString(),
      });
      const { topicConfigTable, dataVersion } = parseTopicConfigSerializeWrapper(body);
      return { entries: Object.values(topicConfigTable), version: dataVersion, total: fields.totalTopicNum };
    });
  }

  private write({ address }: BrokerTarget, config: TopicConfig, settings: TopicSettings): Promise<unknown> {
    const changes = attributeChanges(settings).map(([name, value]) =>
      value === null ? `-${name}` : `+${name}=${value}`,
    );
    return this.brokers.instance.api.call(address, Requests.updateAndCreateTopic, {
      topic: config.topicName,
      defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
      readQueueNums: config.readQueueNums,
      writeQueueNums: config.writeQueueNums,
      perm: config.perm,
      topicFilterType: config.topicFilterType,
      topicSysFlag: config.topicSysFlag,
      order: config.order,
      attributes: changes.join(','),
    });
  }

  /** Brokers tell the name server after they answer; without waiting, the next send would find no route. */
  private async untilVisible(topic: string, brokerNames: readonly string[]): Promise<void> {
    const deadline = performance.now() + TOPIC_VISIBLE_WITHIN_MS;
    for (;;) {
      const route = await this.route(topic);
      const seen = new Set(route?.queueDatas.map((queues) => queues.brokerName));
      const missing = brokerNames.filter((name) => !seen.has(name));
      if (missing.length === 0) return;
      if (performance.now() > deadline) {
        throw new TimeoutError(
          `Topic ${topic} is created, but brokers ${missing.join(', ')} did not tell the name server within ${TOPIC_VISIBLE_WITHIN_MS} ms. Check that they are registered there.`,
          { context: { topic, missing } },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, TOPIC_POLL_MS));
    }
  }
}

/** The settings `given`, over those the topic has now or the defaults. */
function configOf({ topic, queues, ...given }: TopicSettings & { topic: string }, now?: TopicConfig): TopicConfig {
  return {
    topicName: topic,
    readQueueNums: given.readQueues ?? queues ?? now?.readQueueNums ?? 8,
    writeQueueNums: given.writeQueues ?? queues ?? now?.writeQueueNums ?? 8,
    perm: given.perm ?? now?.perm ?? PermName.READ | PermName.WRITE,
    topicFilterType: now?.topicFilterType ?? 'SINGLE_TAG',
    topicSysFlag: now?.topicSysFlag ?? 0,
    order: given.order ?? now?.order ?? false,
    attributes: {},
  };
}

function attributeChanges({ attributes = {}, messageType }: TopicSettings): [name: string, value: string | null][] {
  return [
    ...Object.entries(attributes),
    ...(messageType === undefined ? [] : [[MESSAGE_TYPE, messageType] as [string, string]]),
  ];
}

/** @throws ConfigurationError naming what is wrong, for what brokers would refuse or silently bend */
function checkTopicInput(input: TopicSettings & { readonly topic: string }): void {
  const { topic, perm } = input;
  validateTopic(topic);
  if (isSystemTopic(topic)) {
    throw new ConfigurationError(`Topic ${topic} belongs to the system. Choose another name.`, { context: { topic } });
  }
  for (const name of ['queues', 'readQueues', 'writeQueues'] as const) {
    const value = input[name];
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw new ConfigurationError(
        `${name} of topic ${topic} is ${value}; give a whole number from 1. To stop reads or writes, set perm.`,
        { context: { topic, [name]: value } },
      );
    }
  }
  if (perm !== undefined && (!Number.isInteger(perm) || perm < 0 || perm > 7)) {
    throw new ConfigurationError(
      `perm of topic ${topic} is ${perm}; give 6 (read and write), 4 (read), 2 (write) or 0 (neither).`,
      { context: { topic, perm } },
    );
  }
  for (const [name, value] of Object.entries(input.attributes ?? {})) {
    if (/[\s,=+]/.test(name) || (value !== null && /[\s,]/.test(value))) {
      throw new ConfigurationError(
        `Attribute ${JSON.stringify(name)} of topic ${topic} has spaces, commas, "=" or "+" in its name or value, which brokers cannot read.`,
        { context: { topic, attribute: name } },
      );
    }
  }
}
