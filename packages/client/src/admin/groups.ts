import {
  ConfigurationError,
  dlqTopic,
  encodeDataVersion,
  encodeSetMessageRequestModeRequest,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupList,
  isSystemGroup,
  NoRouteError,
  parseConsumeStats,
  parseGroupForbidden,
  parseMessageRequestModes,
  parseQuerySubscriptionResponse,
  parseSubscriptionGroupWrapper,
  parseTopicList,
  Requests,
  ResponseCode,
  retryTopic,
  type SubscriptionData,
  type SubscriptionGroupConfig,
  validateGroup,
} from '@rocketnest/protocol';
import { type AllocateStrategy, allocateAveragely } from '../consumer/allocate.js';
import { compareText, type MessageQueue } from '../message-queue.js';
import type { BrokersOf, Where } from './brokers-of.js';
import { CONFIG_PAGE_SIZE, readConfigPages } from './config-pages.js';
import { type BrokerTarget, changeAll, type Gathered, gather } from './gathered.js';

/** Settings of a consumer group. Absent fields have Java's defaults (SubscriptionGroupConfig). */
export type GroupInput = Partial<SubscriptionGroupConfig> & { readonly groupName: string };

/** A group's settings on one broker. */
export type GroupConfigOnBroker = SubscriptionGroupConfig & { readonly brokerName: string };

/** How the brokers serve a group's subscription to a topic. Java: SetMessageRequestModeRequestBody. */
export interface RequestModeInput {
  readonly topic: string;
  readonly group: string;
  readonly mode: 'PULL' | 'POP';
  /** POP: how many clients share one queue; 0: all clients share all queues. Default 0. */
  readonly popShareQueueNum?: number;
}

/** A request mode as one broker has it. */
export type RequestModeOnBroker = Required<RequestModeInput> & { readonly brokerName: string };

/** Consumer groups: settings, subscriptions. Where they stand is in `admin.offsets`, who they are in `admin.clients`. */
export class GroupAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Names of all groups that have settings on some broker. `system`: with the predefined ones of RocketMQ. Default: without. */
  async list(options: Where & { readonly system?: boolean } = {}): Promise<Gathered<string>> {
    const { items, failures } = await this.configs(options);
    const names = new Set(items.map(({ groupName }) => groupName));
    return { items: [...names].filter((name) => options.system || !isSystemGroup(name)).sort(), failures };
  }

  /** Settings of all groups of all brokers, those of the system too. */
  async configs(where?: Where): Promise<Gathered<GroupConfigOnBroker>> {
    return gather(await this.brokers.masters(where), async (target) => {
      const configs = await this.configsOn(target);
      return configs.map((config) => ({ ...config, brokerName: target.brokerName }));
    });
  }

  /** Settings of one group, as each broker has them; empty when none knows it. */
  async config(group: string, where?: Where): Promise<Gathered<GroupConfigOnBroker>> {
    validateGroup(group);
    return gather(await this.brokers.masters(where), async (target) => {
      const config = await this.configOn(target, group);
      return config === undefined ? [] : [{ ...config, brokerName: target.brokerName }];
    });
  }

  /**
   * Creates a consumer group on all masters, or sets it where it exists: settings left out get their defaults (see `update`).
   * @throws ConfigurationError when the name or a number is not allowed
   * @throws PartialError when some brokers failed
   */
  async create(config: GroupInput, where?: Where): Promise<void> {
    checkGroupInput(config);
    await this.write(await this.brokers.masters(where), config, 'created');
  }

  /** Creates many groups, or sets those that exist, with one request per broker (5.2 and later). */
  async createAll(configs: readonly GroupInput[], where?: Where): Promise<void> {
    for (const config of configs) checkGroupInput(config);
    if (configs.length === 0) return;
    const body = encodeSubscriptionGroupList({
      groupConfigList: configs.map((config) => ({ ...config, attributes: additions(config.attributes) })),
    });
    await changeAll(await this.brokers.masters(where), `${configs.length} groups are created`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.updateAndCreateSubscriptiongroupList, {}, { body }),
    );
  }

  /**
   * Changes the given settings and leaves the others, on every broker that knows the group. With consumeEnable=false the group
   * gets no more messages.
   * @throws NoRouteError when no broker knows the group
   */
  async update(group: string, change: Partial<SubscriptionGroupConfig>, where?: Where): Promise<void> {
    checkGroupInput({ ...change, groupName: group });
    const found: (BrokerTarget & { readonly config: SubscriptionGroupConfig })[] = [];
    for (const target of await this.brokers.masters(where)) {
      const config = await this.configOn(target, group);
      if (config !== undefined) found.push({ ...target, config });
    }
    if (found.length === 0) {
      throw new NoRouteError(`No broker knows group ${group}. Create it first, with admin.groups.create.`, {
        context: { group, ...where },
      });
    }
    await changeAll(found, `Group ${group} is changed`, ({ address, config }) =>
      // Those attributes it has need no repetition.
      this.writeOn(address, { ...config, attributes: {}, ...change, groupName: group }),
    );
  }

  /**
   * Deletes a group's settings, and unless `cleanOffsets` is false where it stands, from all brokers. `topics`: its retry and dead
   * letter topics, too (default true). A consumer that is still connected may create the group again.
   */
  async delete(
    group: string,
    options: Where & { readonly cleanOffsets?: boolean; readonly topics?: boolean } = {},
  ): Promise<void> {
    validateGroup(group);
    const { cleanOffsets = true, topics = true } = options;
    const { api } = this.brokers.instance;
    const members = await this.brokers.members(options);
    await changeAll(members, `Group ${group} is deleted`, async ({ address }) => {
      const fields = { groupName: group, cleanOffset: cleanOffsets };
      const olderFields = { removeOffset: String(cleanOffsets) }; // its name in 4.9
      await api.call(address, Requests.deleteSubscriptiongroup, fields, { olderFields });
      if (!topics) return;
      for (const topic of [retryTopic(group), dlqTopic(group)]) {
        await api.call(address, Requests.deleteTopicInBroker, { topic });
      }
    });
    if (!topics || options.broker !== undefined) return;
    await changeAll(await this.brokers.nameServers(), `Group ${group} is deleted`, async ({ address }) => {
      for (const topic of [retryTopic(group), dlqTopic(group)]) {
        const clusterName = options.cluster;
        await api.call(
          address,
          Requests.deleteTopicInNamesrv,
          clusterName === undefined ? { topic } : { topic, clusterName },
        );
      }
    });
  }

  /** Topics in which the group has offsets, its retry topic among them. */
  async topics(group: string): Promise<Gathered<string>> {
    validateGroup(group);
    const { api } = this.brokers.instance;
    const { items, failures } = await gather(await this.brokers.masters(), async ({ address }) => {
      const { code, body } = await api.call(
        address,
        Requests.queryTopicsByConsumer,
        { group },
        { accept: [ResponseCode.SUCCESS, ResponseCode.REQUEST_CODE_NOT_SUPPORTED] },
      );
      if (code === ResponseCode.SUCCESS) return body.length === 0 ? [] : parseTopicList(body).topicList;
      // Before 5.0 the topics are in the answer about the group's offsets.
      const stats = await api.call(address, Requests.getConsumeStats, { consumerGroup: group });
      return parseConsumeStats(stats.body).offsetTable.map(({ queue }) => queue.topic);
    });
    return { items: [...new Set(items)].sort(), failures };
  }

  /** What the connected members of a group subscribe of a topic; undefined when no member is connected that does. */
  async subscription(group: string, topic: string): Promise<SubscriptionData | undefined> {
    const { items } = await gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.querySubscriptionByConsumer, {
        group,
        topic,
      });
      const found = parseQuerySubscriptionResponse(body).subscriptionData;
      return found === undefined ? [] : [found];
    });
    // The newest, should brokers differ while it changes.
    return [...items].sort((a, b) => b.subVersion - a.subVersion)[0];
  }

  /**
   * Which queues of a topic each member of a group would get: a calculation, nothing changes.
   * @param clientIds of all members
   * @param strategy the members'. Default allocateAveragely, as theirs
   */
  async allocation(
    topic: string,
    clientIds: readonly string[],
    strategy: AllocateStrategy = allocateAveragely,
  ): Promise<Map<string, MessageQueue[]>> {
    await this.brokers.ofTopic(topic);
    const queues = this.brokers.instance.routes.subscribeInfo(topic);
    const members = [...clientIds].sort(compareText);
    return new Map(members.map((member) => [member, strategy.allocate(member, queues, members)]));
  }

  /** Whether the brokers hand the group its messages by PULL (the client shares the queues) or by POP (the broker does). 5.x. */
  async setRequestMode(input: RequestModeInput, where?: Where): Promise<void> {
    const { topic, group, mode, popShareQueueNum = 0 } = input;
    validateGroup(group);
    if (!Number.isInteger(popShareQueueNum) || popShareQueueNum < -1) {
      throw new ConfigurationError(
        `popShareQueueNum is ${popShareQueueNum}; give the number of clients that share a queue, or 0 for all.`,
        { context: { topic, group, popShareQueueNum } },
      );
    }
    const body = encodeSetMessageRequestModeRequest({ topic, consumerGroup: group, mode, popShareQueueNum });
    await changeAll(
      await this.brokers.masters(where),
      `Group ${group} reads topic ${topic} by ${mode}`,
      ({ address }) => this.brokers.instance.api.call(address, Requests.setMessageRequestMode, {}, { body }),
    );
  }

  /** What `setRequestMode` set, by broker; a group that is not listed reads by PULL. 5.x. */
  async requestModes(where?: Where): Promise<Gathered<RequestModeOnBroker>> {
    return gather(await this.brokers.masters(where), async ({ address, brokerName }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getAllMessageRequestMode, {});
      const byTopic = Object.values(parseMessageRequestModes(body).messageRequestModeMap);
      return byTopic
        .flatMap((byGroup) => Object.values(byGroup))
        .map(({ topic, consumerGroup: group, mode, popShareQueueNum }) => {
          return { brokerName, topic, group, mode, popShareQueueNum };
        });
    });
  }

  /** Whether a group may read a topic, by broker. Java: UPDATE_AND_GET_GROUP_FORBIDDEN. */
  async isReadable(group: string, topic: string): Promise<Gathered<{ brokerName: string; readable: boolean }>> {
    return gather(await this.brokers.masters(), async ({ address, brokerName }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.updateAndGetGroupForbidden, {
        group,
        topic,
      });
      return [{ brokerName, readable: parseGroupForbidden(body).readable ?? true }];
    });
  }

  /** Forbids a group to read a topic, or allows it again. Its consumers keep trying meanwhile. */
  async setReadable(group: string, topic: string, readable: boolean, where?: Where): Promise<void> {
    validateGroup(group);
    const word = readable ? 'allowed' : 'forbidden';
    await changeAll(await this.brokers.masters(where), `Reading topic ${topic} is ${word} to ${group}`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.updateAndGetGroupForbidden, { group, topic, readable }),
    );
  }

  private async write(targets: readonly BrokerTarget[], config: GroupInput, word: string): Promise<void> {
    await changeAll(targets, `Group ${config.groupName} is ${word}`, ({ address }) => this.writeOn(address, config));
  }

  private writeOn(address: string, config: GroupInput): Promise<unknown> {
    const body = encodeSubscriptionGroupConfig({ ...config, attributes: additions(config.attributes) });
    return this.brokers.instance.api.call(address, Requests.updateAndCreateSubscriptiongroup, {}, { body });
  }

  /** From the whole table: brokers that create groups by themselves would create one that is asked for by name. */
  private async configOn(target: BrokerTarget, group: string): Promise<SubscriptionGroupConfig | undefined> {
    return (await this.configsOn(target)).find(({ groupName }) => groupName === group);
  }

  private configsOn({ address }: BrokerTarget): Promise<SubscriptionGroupConfig[]> {
    return readConfigPages(async (groupSeq, version) => {
      const { fields, body } = await this.brokers.instance.api.call(address, Requests.getAllSubscriptiongroupConfig, {
        groupSeq,
        maxGroupNum: CONFIG_PAGE_SIZE,
        dataVersion: version === undefined ? '' : encodeDataVersion(version).toString(),
      });
      const { subscriptionGroupTable, dataVersion } = parseSubscriptionGroupWrapper(body);
      return { entries: Object.values(subscriptionGroupTable), version: dataVersion, total: fields.totalGroupNum };
    });
  }
}

/** Attributes travel as changes: `+name` sets, `-name` removes. Java: AttributeUtil.alterCurrentAttributes. */
function additions(attributes: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [/^[+-]/.test(name) ? name : `+${name}`, value]),
  );
}

/** Lower limits of the settings that are numbers. */
const AT_LEAST = {
  retryQueueNums: 0,
  retryMaxTimes: -1,
  brokerId: 0,
  whichBrokerWhenConsumeSlowly: 0,
  consumeTimeoutMinute: 1,
} as const;

/** @throws ConfigurationError naming what brokers would refuse or store as it is and fail on later */
function checkGroupInput(config: GroupInput): void {
  const { groupName } = config;
  validateGroup(groupName);
  for (const [name, least] of Object.entries(AT_LEAST)) {
    const value = config[name as keyof typeof AT_LEAST];
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw new ConfigurationError(`${name} of group ${groupName} is ${value}; give a whole number from ${least}.`, {
        context: { group: groupName, [name]: value },
      });
    }
  }
}
