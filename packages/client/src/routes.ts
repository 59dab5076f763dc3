import { NoRouteError, PermName, type TopicRouteData } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { isLogicQueue, logicQueuesOf } from './logic-queues.js';
import { compareQueues, compareText, type MessageQueue } from './message-queue.js';
import { foreignPortHint } from './name-servers.js';

/** Broker id of a master. Java: MixAll.MASTER_ID. */
export const MASTER_ID = 0;

/** What the client makes of one topic's route. Immutable: a refresh makes a new one. */
export interface TopicRoute {
  readonly topic: string;
  /** Writable queues of brokers with a live master, ordered by broker name and queue id. */
  readonly publishQueues: readonly MessageQueue[];
  /** Readable queues, in Java's order of MessageQueue. */
  readonly subscribeQueues: readonly MessageQueue[];
  /** True when the name server has a fixed order configuration for the topic (orderTopicConf). */
  readonly orderTopic: boolean;
  /** True when this is the auto-create topic's route lent to a topic that does not exist yet. */
  readonly lent: boolean;
  readonly brokerNames: readonly string[];
  /** Static topics: the broker that leads each logic queue now, by queue id. */
  readonly leaders: ReadonlyMap<number, string> | null;
  readonly data: TopicRouteData;
}

export interface BrokerAddress {
  readonly address: string;
  readonly brokerId: number;
  readonly slave: boolean;
}

export interface FindBrokerOptions {
  /** Which member of the replica group to prefer. Default: the master (0). */
  readonly brokerId?: number;
  /** Only that member will do; without it any live member is returned. */
  readonly onlyThisBroker?: boolean;
  /** Shorthand for brokerId 0 and onlyThisBroker. */
  readonly onlyMaster?: boolean;
}

export interface RouteTableOptions {
  /** Asks a name server; null when it does not know the topic. */
  readonly fetch: (topic: string) => Promise<TopicRouteData | null>;
  readonly nameServers: () => readonly string[];
  readonly logger: Logger;
  /** A topic got its first route or another one. */
  readonly onChange?: (route: TopicRoute) => void;
  /** Brokers that no topic named before. */
  readonly onNewBrokers?: (addresses: readonly string[]) => void;
}

/**
 * Routes of the topics in use and addresses of the brokers they name. Reads are synchronous; `refresh` asks the name
 * server, once however many callers wait. Java: the route tables of MQClientInstance.
 */
export class RouteTable {
  private readonly routes = new Map<string, TopicRoute>();
  /** Questions under way, so that thousands of sends to a new topic ask once. */
  private readonly refreshing = new Map<string, Promise<TopicRoute | null>>();
  private readonly preparing = new Map<string, Promise<TopicRoute>>();
  /** broker name → broker id → where it listens */
  private readonly brokers = new Map<string, ReadonlyMap<number, BrokerAddress>>();

  constructor(private readonly options: RouteTableOptions) {}

  /** The route as last seen; undefined before the first successful refresh. */
  get(topic: string): TopicRoute | undefined {
    return this.routes.get(topic);
  }

  /** Readable queues of a topic as last seen; empty when its route is unknown. */
  subscribeInfo(topic: string): readonly MessageQueue[] {
    return this.routes.get(topic)?.subscribeQueues ?? [];
  }

  /**
   * Asks a name server for the topic's route. Null when it does not exist: the last known route is kept, as in Java, since
   * an empty answer also happens while brokers restart.
   * @throws ConnectionError when no name server answers
   */
  refresh(topic: string): Promise<TopicRoute | null> {
    return shared(this.refreshing, topic, () => this.load(topic));
  }

  private async load(topic: string): Promise<TopicRoute | null> {
    const data = await this.options.fetch(topic);
    return data === null ? null : this.store(createTopicRoute(topic, data));
  }

  /**
   * The cached route, else a fresh one.
   * @throws NoRouteError when the topic does not exist
   */
  async find(topic: string): Promise<TopicRoute> {
    const route = this.routes.get(topic) ?? (await this.refresh(topic));
    if (route === null) throw this.noRoute(topic);
    return route;
  }

  /**
   * A route to send by: the topic's own, else the route of `createTopicKey` (TBW102), on whose brokers the first message
   * creates the topic with at most `defaultTopicQueueNums` queues. Java: DefaultMQProducerImpl.tryToFindTopicPublishInfo.
   * @throws NoRouteError when neither exists or no queue is writable
   */
  findToPublish(topic: string, createTopicKey: string, defaultTopicQueueNums: number): Promise<TopicRoute> {
    const known = this.routes.get(topic);
    if (known !== undefined && known.publishQueues.length > 0) return Promise.resolve(known);
    return shared(this.preparing, topic, () => this.prepareToPublish(topic, createTopicKey, defaultTopicQueueNums));
  }

  private async prepareToPublish(
    topic: string,
    createTopicKey: string,
    defaultTopicQueueNums: number,
  ): Promise<TopicRoute> {
    const own = await this.refresh(topic);
    if (own !== null) {
      if (own.publishQueues.length > 0) return own;
      throw new NoRouteError(
        `Topic ${topic} has no writable queue: its brokers (${own.brokerNames.join(', ') || 'none'}) are read-only or have no live master. Check its perm and that the masters are running.`,
        { context: { topic, brokers: own.brokerNames } },
      );
    }
    const template = await this.options.fetch(createTopicKey);
    if (template === null) throw this.noRoute(topic);
    const queueDatas = template.queueDatas.map((queues) => {
      const count = Math.min(defaultTopicQueueNums, queues.readQueueNums);
      return { ...queues, readQueueNums: count, writeQueueNums: count };
    });
    const lent = createTopicRoute(topic, { ...template, queueDatas }, true);
    if (lent.publishQueues.length === 0) throw this.noRoute(topic);
    return this.store(lent);
  }

  /** Name of the broker that serves a queue now: its own, or the leader of a logic queue. */
  brokerOf(queue: MessageQueue): string | undefined {
    return isLogicQueue(queue) ? this.routes.get(queue.topic)?.leaders?.get(queue.queueId) : queue.brokerName;
  }

  /** Where a broker, or the one that serves a queue, listens; undefined when no route names it. Java: findBrokerAddressInSubscribe. */
  findBroker(broker: string | MessageQueue, options: FindBrokerOptions = {}): BrokerAddress | undefined {
    const brokerName = typeof broker === 'string' ? broker : this.brokerOf(broker);
    const members = brokerName === undefined ? undefined : this.brokers.get(brokerName);
    if (members === undefined) return undefined;
    const wanted = options.onlyMaster ? MASTER_ID : (options.brokerId ?? MASTER_ID);
    // A slave that is gone may have been replaced by the next one, as Java assumes.
    const found = members.get(wanted) ?? (wanted === MASTER_ID ? undefined : members.get(wanted + 1));
    if (found !== undefined || options.onlyMaster || options.onlyThisBroker) return found;
    for (const member of members.values()) return member;
    return undefined;
  }

  /** Every known broker address with its id. */
  *brokerAddresses(): IterableIterator<BrokerAddress & { readonly brokerName: string }> {
    for (const [brokerName, members] of this.brokers) {
      for (const member of members.values()) yield { brokerName, ...member };
    }
  }

  /** Any broker of the topic, a master if it has one: for questions every broker of a cluster can answer. */
  anyBrokerOf(topic: string): string | undefined {
    const names = this.routes.get(topic)?.brokerNames ?? [];
    const start = Math.floor(Math.random() * names.length);
    for (let i = 0; i < names.length; i++) {
      const found = this.findBroker(names[(start + i) % names.length]!);
      if (found !== undefined) return found.address;
    }
    return undefined;
  }

  /** The error for a topic nobody knows. */
  noRoute(topic: string): NoRouteError {
    const nameServers = this.options.nameServers();
    const asked = nameServers.join(', ');
    return new NoRouteError(
      `No route info of topic ${topic} from name server ${asked}. Create it with "mqadmin updateTopic -n ${nameServers[0]} -c DefaultCluster -t ${topic}" or enable autoCreateTopicEnable on the broker, and check that a broker is registered there.${foreignPortHint(nameServers)}`,
      { context: { topic, nameServers } },
    );
  }

  private store(route: TopicRoute): TopicRoute {
    const previous = this.routes.get(route.topic);
    if (previous !== undefined && sameRoute(previous, route)) return previous;
    this.routes.set(route.topic, route);
    this.rebuildBrokers(route);
    this.options.logger.info(`route of topic ${route.topic} changed`, {
      brokers: route.brokerNames,
      publishQueues: route.publishQueues.length,
      subscribeQueues: route.subscribeQueues.length,
      lent: route.lent,
    });
    this.options.onChange?.(route);
    return route;
  }

  /** Rebuilds the address table: the newest route wins where routes differ, brokers that no route names are dropped. */
  private rebuildBrokers(newest: TopicRoute): void {
    const before = new Set([...this.brokerAddresses()].map((broker) => broker.address));
    this.brokers.clear();
    for (const route of [...[...this.routes.values()].filter((other) => other !== newest), newest]) {
      for (const broker of route.data.brokerDatas) {
        const members = Object.entries(broker.brokerAddrs).map(([id, address]): BrokerAddress => {
          const brokerId = Number(id);
          return Object.freeze({ address, brokerId, slave: brokerId !== MASTER_ID });
        });
        members.sort((a, b) => a.brokerId - b.brokerId);
        this.brokers.set(broker.brokerName, new Map(members.map((member) => [member.brokerId, member])));
      }
    }
    const added = [...this.brokerAddresses()].map((broker) => broker.address).filter((address) => !before.has(address));
    if (added.length > 0) this.options.onNewBrokers?.(added);
  }
}

/** The call under way for `key`, or a new one. */
function shared<T>(running: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const existing = running.get(key);
  if (existing !== undefined) return existing;
  const started = start().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

/** Java: MQClientInstance.topicRouteData2TopicPublishInfo and topicRouteData2TopicSubscribeInfo. */
export function createTopicRoute(topic: string, data: TopicRouteData, lent = false): TopicRoute {
  const queueDatas = [...data.queueDatas].sort((a, b) => compareText(a.brokerName, b.brokerName));
  const masters = new Set(
    data.brokerDatas.filter((broker) => broker.brokerAddrs[MASTER_ID] !== undefined).map((broker) => broker.brokerName),
  );
  const orderTopic = Boolean(data.orderTopicConf);
  const logic = logicQueuesOf(topic, data);
  const publishQueues = data.orderTopicConf
    ? orderedQueues(topic, data.orderTopicConf)
    : queueDatas
        .filter((queues) => (queues.perm & PermName.WRITE) !== 0 && masters.has(queues.brokerName))
        .flatMap((queues) => queuesOf(topic, queues.brokerName, queues.writeQueueNums));
  const subscribeQueues = queueDatas
    .filter((queues) => (queues.perm & PermName.READ) !== 0)
    .flatMap((queues) => queuesOf(topic, queues.brokerName, queues.readQueueNums))
    .sort(compareQueues);
  return Object.freeze({
    topic,
    publishQueues: Object.freeze(logic?.queues ?? publishQueues),
    subscribeQueues: Object.freeze(logic?.queues ?? subscribeQueues),
    leaders: logic?.leaders ?? null,
    orderTopic,
    lent,
    brokerNames: Object.freeze(data.brokerDatas.map((broker) => broker.brokerName).sort()),
    data,
  });
}

/** "broker-a:4;broker-b:4" → the queues in that fixed order. */
function orderedQueues(topic: string, orderTopicConf: string): MessageQueue[] {
  return orderTopicConf
    .split(';')
    .filter((entry) => entry !== '')
    .flatMap((entry) => {
      const [brokerName = '', count = '0'] = entry.split(':');
      return queuesOf(topic, brokerName, Number(count));
    });
}

function queuesOf(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => Object.freeze({ topic, brokerName, queueId }));
}

/** Equal but for the order of lists, which name servers do not keep. */
function sameRoute(a: TopicRoute, b: TopicRoute): boolean {
  return a.lent === b.lent && fingerprint(a) === fingerprint(b);
}

function fingerprint({ data, leaders, publishQueues }: TopicRoute): string {
  const queues = data.queueDatas.map(
    (q) => `${q.brokerName}/${q.readQueueNums}/${q.writeQueueNums}/${q.perm}/${q.topicSysFlag}`,
  );
  const brokers = data.brokerDatas.map((broker) => {
    const members = Object.entries(broker.brokerAddrs).map(([id, address]) => `${id}=${address}`);
    return `${broker.cluster}/${broker.brokerName}/${members.sort().join(',')}`;
  });
  const led = [...(leaders ?? [])].map(([id, name]) => `${id}=${name}`).sort();
  return `${publishQueues.length}/${led.join(',')}|${data.orderTopicConf ?? ''}|${queues.sort().join(';')}|${brokers.sort().join(';')}`;
}
