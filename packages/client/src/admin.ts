import {
  type ClusterInfo,
  ConfigurationError,
  type ConsumerConnection,
  type ConsumeStats,
  createRequest,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  encodeSubscriptionGroupConfig,
  IndexType,
  isSystemTopic,
  KEY_SEPARATOR,
  type MessageExt,
  PermName,
  type ProducerConnection,
  PropertyName,
  parseClusterInfo,
  parseConsumerConnection,
  parseConsumeStats,
  parseProducerConnection,
  parseResetOffsetBody,
  parseTopicList,
  parseTopicStatsTable,
  Requests,
  ResponseCode,
  retryTopic,
  type SubscriptionGroupConfig,
  SystemTopic,
  TimeoutError,
  type TopicRouteData,
  type TopicStatsTable,
  validateGroup,
  validateTopic,
} from '@rocketnest/protocol';
import { formatAddress } from '@rocketnest/remoting';
import { bodyOf, responseError } from './broker-api.js';
import { decompressBody } from './compression.js';
import { ClientInstance } from './instance.js';
import type { MessageQueue } from './message-queue.js';
import type { ClientOptionsInput } from './options.js';
import { MASTER_ID } from './routes.js';

/** A topic to create or change. */
export interface TopicInput {
  readonly topic: string;
  /** Queues per broker, for reading and writing. Default 8, as mqadmin updateTopic. */
  readonly queues?: number;
  /** Queues per broker if reading and writing differ (while a topic shrinks). Default: queues. */
  readonly readQueues?: number;
  readonly writeQueues?: number;
  /** Bits of PermName. Default 6: read and write. */
  readonly perm?: number;
  readonly order?: boolean;
  /** What the topic takes. Brokers check it only with enableMixedMessageType=false. */
  readonly messageType?: 'NORMAL' | 'DELAY' | 'FIFO' | 'TRANSACTION' | 'MIXED';
  /** Only brokers of this cluster. Default: all brokers the name server knows. */
  readonly cluster?: string;
}

/** Offsets of one group in one queue. */
export type ConsumerOffset = ConsumeStats['offsetTable'][number];

export interface QueryOptions {
  /** At most this many messages per broker. Default 32. */
  readonly max?: number;
  /** Stored at or after, ms since 1970. Default 0. */
  readonly begin?: number;
  /** Stored before, ms since 1970. Default: no limit. */
  readonly end?: number;
}

/** createTopic returns when the name server knows the topic; brokers tell it within this time, in ms, or something is wrong. */
const TOPIC_VISIBLE_WITHIN_MS = 5_000;
const TOPIC_POLL_MS = 50;
/** QUERY_MESSAGE's extra field: the key is a unique id. Java: MixAll.UNIQUE_MSG_QUERY_FLAG. */
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY';

/**
 * Looks at and changes a cluster. Thin: one or a few requests per method, to all brokers concerned. Java: DefaultMQAdminExt.
 * Methods reject with ResponseError when a broker refuses, ConnectionError or TimeoutError when one cannot be asked.
 */
export class Admin {
  readonly instance: ClientInstance;
  private readonly ownsInstance: boolean;

  /** @param options those of the client, or a shared instance, which the caller starts and closes */
  constructor(options: ClientOptionsInput | ClientInstance) {
    this.ownsInstance = !(options instanceof ClientInstance);
    this.instance = options instanceof ClientInstance ? options : new ClientInstance(options);
  }

  async start(): Promise<void> {
    if (this.ownsInstance) await this.instance.start();
  }

  async close(): Promise<void> {
    if (this.ownsInstance) await this.instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // Cluster and topics

  async clusterInfo(): Promise<ClusterInfo> {
    return parseClusterInfo((await this.instance.api.callNameServer(Requests.getBrokerClusterInfo, {})).body);
  }

  async topicNames(): Promise<string[]> {
    const { body } = await this.instance.api.callNameServer(Requests.getAllTopicListFromNameserver, {});
    return parseTopicList(body).topicList;
  }

  /** Null when no broker has the topic. */
  topicRoute(topic: string): Promise<TopicRouteData | null> {
    return this.instance.api.topicRoute(topic);
  }

  /**
   * Creates a topic on all masters, or changes it where it exists; returns when the name server knows it.
   * @throws ConfigurationError when the name is not allowed or the cluster has no broker
   */
  async createTopic(input: TopicInput): Promise<void> {
    const { topic, queues = 8 } = input;
    validateTopic(topic);
    if (isSystemTopic(topic))
      throw new ConfigurationError(`Topic ${topic} belongs to the system. Choose another name.`, {
        context: { topic },
      });
    const masters = await this.masters(input.cluster);
    await Promise.all(
      masters.map(({ address }) =>
        this.instance.api.call(address, Requests.updateAndCreateTopic, {
          topic,
          defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
          readQueueNums: input.readQueues ?? queues,
          writeQueueNums: input.writeQueues ?? queues,
          perm: input.perm ?? PermName.READ | PermName.WRITE,
          topicFilterType: 'SINGLE_TAG',
          topicSysFlag: 0,
          order: input.order ?? false,
          attributes: input.messageType === undefined ? '' : `+message.type=${input.messageType}`,
        }),
      ),
    );
    await this.untilVisible(
      topic,
      masters.map((master) => master.brokerName),
    );
  }

  /** Brokers tell the name server after they answer; without waiting, the next send would find no route. */
  private async untilVisible(topic: string, brokerNames: readonly string[]): Promise<void> {
    const deadline = performance.now() + TOPIC_VISIBLE_WITHIN_MS;
    for (;;) {
      const route = await this.topicRoute(topic);
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

  /** Deletes a topic from all masters, then from the name server. Its messages go with the commit log's retention. */
  async deleteTopic(topic: string, cluster?: string): Promise<void> {
    validateTopic(topic);
    const masters = await this.masters(cluster);
    await Promise.all(
      masters.map(({ address }) => this.instance.api.call(address, Requests.deleteTopicInBroker, { topic })),
    );
    await this.instance.api.callNameServer(Requests.deleteTopicInNamesrv, {
      topic,
      ...(cluster === undefined ? {} : { clusterName: cluster }),
    });
  }

  /** Offsets and last update of every queue of a topic. */
  async topicStats(topic: string): Promise<TopicStatsTable['offsetTable']> {
    const tables = await this.onBrokersOf(topic, async (address) => {
      const { body } = await this.instance.api.call(address, Requests.getTopicStatsInfo, { topic });
      return parseTopicStatsTable(body).offsetTable;
    });
    return tables.flat();
  }

  // Groups

  /** Creates a consumer group on all masters, or changes it where it exists. Absent fields have Java's defaults. */
  async createGroup(
    config: Partial<SubscriptionGroupConfig> & { readonly groupName: string },
    cluster?: string,
  ): Promise<void> {
    validateGroup(config.groupName);
    const body = encodeSubscriptionGroupConfig(config);
    const masters = await this.masters(cluster);
    await Promise.all(
      masters.map(({ address }) =>
        this.instance.api.call(address, Requests.updateAndCreateSubscriptiongroup, {}, { body }),
      ),
    );
  }

  /**
   * Where a group stands in every queue of its topics, or of one topic: broker offset minus consumer offset is the lag. Brokers
   * that do not know the group contribute nothing.
   */
  async consumerOffsets(consumerGroup: string, topic?: string): Promise<ConsumerOffset[]> {
    const tables = await this.onBrokersOf(topic ?? retryTopic(consumerGroup), async (address) => {
      const { body } = await this.instance.api.call(address, Requests.getConsumeStats, { consumerGroup, topic });
      return parseConsumeStats(body).offsetTable;
    });
    return tables.flat();
  }

  /** Live members of a consumer group, asked of one broker. Null when none is connected. */
  async consumerConnections(consumerGroup: string): Promise<ConsumerConnection | null> {
    const address = await this.anyBrokerOf(retryTopic(consumerGroup));
    const { code, body } = await this.instance.api.call(
      address,
      Requests.getConsumerConnectionList,
      { consumerGroup },
      {
        accept: [ResponseCode.SUCCESS, ResponseCode.CONSUMER_NOT_ONLINE],
      },
    );
    return code === ResponseCode.SUCCESS ? parseConsumerConnection(body) : null;
  }

  /** Live members of a producer group, asked of one broker of a topic they send to. */
  async producerConnections(producerGroup: string, topic: string): Promise<ProducerConnection> {
    const address = await this.anyBrokerOf(topic);
    return parseProducerConnection(
      (await this.instance.api.call(address, Requests.getProducerConnectionList, { producerGroup })).body,
    );
  }

  /**
   * Moves a group to the messages stored at or after `timestamp` (ms since 1970; 'latest': to the end), back or forth.
   * Resolves to the new offsets. Needs a live consumer on older brokers; 5.x brokers also reset groups that are not online.
   */
  async resetOffset(
    group: string,
    topic: string,
    timestamp: number | 'latest',
  ): Promise<{ queue: MessageQueue; offset: number }[]> {
    const tables = await this.onBrokersOf(topic, async (address) => {
      const { body } = await this.instance.api.call(address, Requests.invokeBrokerToResetOffset, {
        topic,
        group,
        // Java: -1 means the end of the queue.
        timestamp: timestamp === 'latest' ? -1 : timestamp,
        isForce: true,
      });
      return body.length === 0 ? [] : parseResetOffsetBody(body).offsetTable;
    });
    return tables.flat();
  }

  // Queues and messages

  /** One past the last message. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.instance.api.maxOffset(await this.masterOf(queue), queue);
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.instance.api.minOffset(await this.masterOf(queue), queue);
  }

  /** Offset of the first message stored at or after `timestamp` (ms since 1970). */
  async searchOffset(queue: MessageQueue, timestamp: number): Promise<number> {
    return this.instance.api.searchOffset(await this.masterOf(queue), queue, timestamp);
  }

  /** A message by the broker's id (SendResult.offsetMsgId). The id names the broker, which must be reachable by that address. */
  async viewMessage(topic: string, offsetMsgId: string): Promise<MessageExt> {
    const { host, commitLogOffset } = decodeOffsetMsgId(offsetMsgId);
    const { body } = await this.instance.api.call(formatAddress(host), Requests.viewMessageById, {
      topic,
      offset: commitLogOffset,
    });
    return decodeMessage(body, 0, { decompress: decompressBody });
  }

  /** Messages of a topic with a key, over all its brokers; empty when there is none. */
  async queryByKey(topic: string, key: string, options: QueryOptions = {}): Promise<MessageExt[]> {
    const found = await this.query(topic, key, IndexType.KEY, options);
    // The index knows hashes of keys only.
    return found.filter(
      (message) => message.topic === topic && message.properties[PropertyName.KEYS]?.split(KEY_SEPARATOR).includes(key),
    );
  }

  /** A message by the client's id (SendResult.msgId); undefined when there is none. */
  async messageById(topic: string, msgId: string, options: QueryOptions = {}): Promise<MessageExt | undefined> {
    return (await this.query(topic, msgId, IndexType.UNIQUE, options)).find((message) => message.msgId === msgId);
  }

  private async query(topic: string, key: string, indexType: string, options: QueryOptions): Promise<MessageExt[]> {
    const request = (): ReturnType<typeof createRequest> => {
      const command = createRequest(Requests.queryMessage, {
        topic,
        key,
        maxNum: options.max ?? 32,
        beginTimestamp: options.begin ?? 0,
        endTimestamp: options.end ?? Number.MAX_SAFE_INTEGER,
        indexType,
      });
      command.extFields[UNIQUE_KEY_QUERY] = String(indexType === IndexType.UNIQUE);
      return command;
    };
    const found = await this.onBrokersOf(topic, async (address) => {
      const response = await this.instance.remoting.request(address, request());
      if (response.code === ResponseCode.QUERY_NOT_FOUND) return [];
      if (response.code !== ResponseCode.SUCCESS) throw responseError('QUERY_MESSAGE', address, response);
      return decodeMessages(bodyOf(response), { decompress: decompressBody });
    });
    return found.flat();
  }

  // Which brokers

  private async masters(cluster: string | undefined): Promise<{ brokerName: string; address: string }[]> {
    const { brokerAddrTable } = await this.clusterInfo();
    const masters = Object.values(brokerAddrTable)
      .filter((broker) => cluster === undefined || broker.cluster === cluster)
      .flatMap(({ brokerName, brokerAddrs }) => {
        const address = brokerAddrs[MASTER_ID];
        return address === undefined ? [] : [{ brokerName, address }];
      });
    if (masters.length > 0) return masters;
    const where = cluster === undefined ? 'The name server knows' : `Cluster ${cluster} has`;
    const clusters = [...new Set(Object.values(brokerAddrTable).map((broker) => broker.cluster))].join(', ') || 'none';
    throw new ConfigurationError(
      `${where} no master broker (clusters: ${clusters}). Start a broker that registers there.`,
      { context: { cluster } },
    );
  }

  private async masterOf(queue: MessageQueue): Promise<string> {
    await this.instance.routes.find(queue.topic);
    const broker = this.instance.findBrokerAddress(queue, { onlyMaster: true });
    if (broker === undefined) throw this.instance.routes.noRoute(queue.topic);
    return broker.address;
  }

  private async anyBrokerOf(topic: string): Promise<string> {
    await this.instance.routes.find(topic);
    const address = this.instance.routes.anyBrokerOf(topic);
    if (address === undefined) throw this.instance.routes.noRoute(topic);
    return address;
  }

  /** The answers of one live member, a master if there is one, of each broker of the topic. */
  private async onBrokersOf<T>(topic: string, ask: (address: string) => Promise<T>): Promise<T[]> {
    const route = (await this.instance.routes.refresh(topic)) ?? undefined;
    if (route === undefined) throw this.instance.routes.noRoute(topic);
    const addresses = route.brokerNames.flatMap((name) => this.instance.findBrokerAddress(name)?.address ?? []);
    return Promise.all(addresses.map(ask));
  }
}
