import {
  ConfigurationError,
  isSystemTopic,
  PermName,
  parseTopicList,
  parseTopicStatsTable,
  Requests,
  SystemTopic,
  TimeoutError,
  type TopicRouteData,
  type TopicStatsTable,
  validateTopic,
} from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';
import { type Gathered, gather } from './gathered.js';

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

/** Offsets and last update of one queue. */
export type TopicQueueStats = TopicStatsTable['offsetTable'][number];

/** create() returns when the name server knows the topic; brokers tell it within this time, in ms, or something is wrong. */
const TOPIC_VISIBLE_WITHIN_MS = 5_000;
const TOPIC_POLL_MS = 50;

export class TopicAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Names of all topics the name server knows, those of the system and of retries among them. */
  async list(): Promise<string[]> {
    const { body } = await this.brokers.instance.api.callNameServer(Requests.getAllTopicListFromNameserver, {});
    return parseTopicList(body).topicList;
  }

  /** Null when no broker has the topic. */
  route(topic: string): Promise<TopicRouteData | null> {
    return this.brokers.instance.api.topicRoute(topic);
  }

  /**
   * Creates a topic on all masters, or changes it where it exists; returns when the name server knows it.
   * @throws ConfigurationError when the name is not allowed or the cluster has no broker
   */
  async create(input: TopicInput): Promise<void> {
    const { topic, queues = 8 } = input;
    validateTopic(topic);
    if (isSystemTopic(topic))
      throw new ConfigurationError(`Topic ${topic} belongs to the system. Choose another name.`, {
        context: { topic },
      });
    const masters = await this.brokers.masters(input.cluster);
    await Promise.all(
      masters.map(({ address }) =>
        this.brokers.instance.api.call(address, Requests.updateAndCreateTopic, {
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

  /** Deletes a topic from all masters, then from the name server. Its messages go with the commit log's retention. */
  async delete(topic: string, cluster?: string): Promise<void> {
    validateTopic(topic);
    const masters = await this.brokers.masters(cluster);
    await Promise.all(
      masters.map(({ address }) => this.brokers.instance.api.call(address, Requests.deleteTopicInBroker, { topic })),
    );
    await this.brokers.instance.api.callNameServer(Requests.deleteTopicInNamesrv, {
      topic,
      ...(cluster === undefined ? {} : { clusterName: cluster }),
    });
  }

  /** Offsets and last update of every queue of a topic. */
  async stats(topic: string): Promise<Gathered<TopicQueueStats>> {
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const { body } = await this.brokers.instance.api.call(address, Requests.getTopicStatsInfo, { topic });
      return parseTopicStatsTable(body).offsetTable;
    });
  }
}
