import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  isSystemTopic,
  type MessageExt,
  RETRY_GROUP_PREFIX,
  UniqueIdGenerator,
} from '@rocketnest/protocol';
import { type Logger, RemotingClient } from '@rocketnest/remoting';
import { BrokerApi } from './broker-api.js';
import { createBrokerCallProcessors } from './broker-calls.js';
import { clientHooks } from './client-hooks.js';
import { createClientId, localAddress } from './client-id.js';
import { nameServersOf } from './environment.js';
import { Heartbeats } from './heartbeats.js';
import type { MessageQueue } from './message-queue.js';
import { NameServers } from './name-servers.js';
import { instanceIdOf, Namespace } from './namespace.js';
import { type ClientOptions, type ClientOptionsInput, clientOptionTable, resolveOptions } from './options.js';
import type { ConsumerRegistration, ProducerRegistration } from './registrations.js';
import { type BrokerAddress, type FindBrokerOptions, RouteTable, type TopicRoute } from './routes.js';
import { type ClientStatus, type StatusListener, StatusTracker } from './status.js';

export type { ConsumerRegistration, ProducerRegistration } from './registrations.js';

type State = 'created' | 'running' | 'closed';

/** First look for a peer whose connection was lost, in ms after that. */
const FIRST_RECOVERY_MS = 200;

/**
 * What the components of one process share: connections, routes, heartbeats and the answers to calls from brokers. Several
 * producers and consumers of different groups may use one; two of the same group need two instances, since a broker tells
 * group members apart by client id. Java: MQClientInstance.
 */
export class ClientInstance {
  readonly options: ClientOptions;
  /** Name of this client at the brokers. Java: ClientConfig.buildMQClientId. */
  readonly clientId: string;
  readonly logger: Logger;
  readonly remoting: RemotingClient;
  readonly api: BrokerApi;
  readonly routes: RouteTable;
  readonly nameServers: NameServers;
  /** Names as users write them ↔ as brokers know them. */
  readonly namespace: Namespace;
  private readonly messageIds: UniqueIdGenerator;
  /** Requests waiting for a reply message (PUSH_REPLY_MESSAGE_TO_CLIENT), by correlation id. */
  readonly replies = new Map<string, (reply: MessageExt) => void>();

  private readonly producers = new Map<string, ProducerRegistration>();
  private readonly consumers = new Map<string, ConsumerRegistration>();
  /** Topics in use that no name server knows. */
  private readonly missingTopics = new Set<string>();
  private readonly heartbeats: Heartbeats;
  private readonly tracker: StatusTracker;
  private readonly timers: NodeJS.Timeout[] = [];
  private recovery: NodeJS.Timeout | undefined;
  /** Brokers whose connection was lost and that are not greeted again: a dead broker is in no route until it is back. */
  private readonly lost = new Set<string>();
  private state: State = 'created';

  /** @throws ConfigurationError on bad options */
  constructor(options: ClientOptionsInput) {
    this.options = resolveOptions(clientOptionTable, options, 'ClientInstance');
    const { logger, requestTimeoutMs, connectTimeoutMs, addressMap, tls } = this.options;
    this.clientId = createClientId(this.options);
    this.namespace = new Namespace(
      this.options.namespace ?? instanceIdOf(this.options.namesrvAddr ?? nameServersOf().namesrvAddr),
    );
    this.logger = logger;
    this.remoting = new RemotingClient({
      logger,
      connectTimeoutMs,
      requestTimeoutMs,
      tls,
      ...(addressMap === undefined ? {} : { addressMap }),
      hooks: clientHooks(this.options),
      processors: createBrokerCallProcessors(this),
      onConnect: (address) => this.onConnect(address),
      onDisconnect: (address, reason) => this.onDisconnect(address, reason),
      connectHint: (address) => this.tracker.hintFor(address),
      onConnectFailed: (address, reason) => this.tracker.down(address, reason.message),
    });
    this.messageIds = new UniqueIdGenerator({
      // A host name will do for the client id, but not here.
      address: isIP(this.options.clientIp ?? '') === 0 ? localAddress() : this.options.clientIp!,
      pid: process.pid,
      // Java takes a hash of the class loader; any number that another instance of this process does not have will do.
      instance: randomInt(0x1_0000_0000),
    });
    this.nameServers = new NameServers({
      ...this.options,
      remoting: this.remoting,
      onChange: () => {
        this.tracker.review();
        void this.refreshRoutes();
      },
    });
    this.api = new BrokerApi(this.remoting, this.nameServers, this.options);
    this.routes = new RouteTable({
      fetch: (topic) => this.api.topicRoute(topic),
      nameServers: () => this.nameServers.addresses,
      logger,
      onChange: (route) => this.onRouteChanged(route),
      onNewBrokers: (addresses) => {
        if (this.state === 'running') void this.heartbeats.send(new Set(addresses));
      },
    });
    this.heartbeats = new Heartbeats({
      api: this.api,
      routes: this.routes,
      logger,
      clientId: this.clientId,
      groups: () => ({
        producerDataSet: [...this.producers.keys()].map((groupName) => ({ groupName })),
        consumerDataSet: [...this.consumers.values()].map((consumer) => consumer.heartbeat()),
      }),
      // Members that left or joined while the connection was down were not announced to this client.
      onGreeted: () => {
        for (const consumer of this.consumers.values()) consumer.onConsumerIdsChanged();
      },
    });
    this.tracker = new StatusTracker({
      clientId: this.clientId,
      logger,
      nameServers: () => this.nameServers.addresses,
      brokers: () => this.routes.brokerAddresses(),
    });
  }

  /** How this client stands with its name servers and brokers. */
  get status(): ClientStatus {
    return this.tracker.current;
  }

  /** Calls `listener` with every change of {@link status}, up to `closed`. @returns a function that ends that */
  onStatus(listener: StatusListener): () => void {
    return this.tracker.subscribe(listener);
  }

  /** A new UNIQ_KEY. Java: MessageClientIDSetter. */
  nextMessageId(): string {
    return this.messageIds.next();
  }

  /** Starts the timers. No connection is opened before somebody needs one. Idempotent. */
  async start(): Promise<void> {
    if (this.state === 'closed') throw this.closedError();
    if (this.state === 'running') return;
    this.state = 'running';
    const { pollNameServerIntervalMs, heartbeatBrokerIntervalMs } = this.options;
    this.nameServers.start();
    this.timers.push(
      setInterval(() => void this.refreshRoutes(), pollNameServerIntervalMs),
      setInterval(() => void this.sendHeartbeats(), heartbeatBrokerIntervalMs),
    );
    this.tracker.started();
  }

  /** Stops the timers and closes all connections. Components close themselves before. Idempotent. */
  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    clearTimeout(this.recovery);
    this.nameServers.close();
    this.replies.clear();
    await this.remoting.close();
    this.tracker.closed();
  }

  get closed(): boolean {
    return this.state === 'closed';
  }

  /**
   * Adds a consumer group and tells the known brokers about it.
   * @throws ConfigurationError when the group already has a consumer here
   */
  registerConsumer(group: string, registration: ConsumerRegistration): void {
    this.register(this.consumers, 'consumer', group, registration);
  }

  /** Removes the group and tells the brokers, so that others take over its queues at once. */
  async unregisterConsumer(group: string): Promise<void> {
    if (this.consumers.delete(group) && this.state === 'running')
      await this.heartbeats.unregister({ consumerGroup: group });
  }

  /** @throws ConfigurationError when the group already has a producer here */
  registerProducer(group: string, registration: ProducerRegistration): void {
    this.register(this.producers, 'producer', group, registration);
  }

  async unregisterProducer(group: string): Promise<void> {
    if (this.producers.delete(group) && this.state === 'running')
      await this.heartbeats.unregister({ producerGroup: group });
  }

  consumer(group: string): ConsumerRegistration | undefined {
    return this.consumers.get(group);
  }

  producer(group: string): ProducerRegistration | undefined {
    return this.producers.get(group);
  }

  allConsumers(): IterableIterator<ConsumerRegistration> {
    return this.consumers.values();
  }

  private register<T>(table: Map<string, T>, kind: string, group: string, registration: T): void {
    if (this.state === 'closed') throw this.closedError();
    if (table.has(group)) {
      // With different topics in one group messages lie unread.
      const hint = kind === 'consumer' ? '; for another topic in the same group, subscribe to it with the first' : '';
      throw new ConfigurationError(
        `This client instance (${this.clientId}) already has a ${kind} of group ${group}. Give the second one its own client instance or another group${hint}.`,
        { context: { group, clientId: this.clientId } },
      );
    }
    table.set(group, registration);
  }

  /** Address of a broker, or of the one that serves a queue, as last seen in a route; undefined when no route names it. */
  findBrokerAddress(broker: string | MessageQueue, options?: FindBrokerOptions): BrokerAddress | undefined {
    return this.routes.findBroker(broker, options);
  }

  /** Version (ordinal of Java's MQVersion) of a broker; 0 until it answered a heartbeat over its present connection. */
  brokerVersion(address: string): number {
    return this.heartbeats.version(address);
  }

  /** The same, asked of the broker when it is not known yet. Never rejects; 0 when nobody answered. */
  askBrokerVersion(address: string): Promise<number> {
    return this.heartbeats.askVersion(address);
  }

  /** Client ids of a group's live members, asked of any broker of the topic. Null when no broker can be asked. */
  async findConsumerIdList(topic: string, group: string): Promise<string[] | null> {
    if (this.routes.get(topic) === undefined) await this.routes.refresh(topic);
    const address = this.routes.anyBrokerOf(topic);
    return address === undefined ? null : this.api.consumerIdList(address, group);
  }

  /** Refreshes the routes of all topics in use. Failures are logged: the last known routes stay. */
  async refreshRoutes(): Promise<void> {
    const topics = new Set<string>();
    for (const user of [...this.consumers.values(), ...this.producers.values()]) {
      for (const topic of user.topics()) topics.add(topic);
    }
    await Promise.all([...topics].map((topic) => this.refreshRoute(topic)));
  }

  private async refreshRoute(topic: string): Promise<void> {
    try {
      this.noteMissing(topic, (await this.routes.refresh(topic)) === null);
    } catch (error) {
      if (!this.closed) this.logger.warn(`route of topic ${topic} could not be refreshed`, { error });
    }
  }

  /** Says once that a topic in use does not exist, and once that it appeared. */
  private noteMissing(topic: string, missing: boolean): void {
    // A group's retry topic exists only after its first heartbeat reached a broker; a lent route is one to be created. Not every service
    // that speaks the protocol has the system's topics.
    if (missing && (topic.startsWith(RETRY_GROUP_PREFIX) || isSystemTopic(topic) || this.routes.get(topic)?.lent))
      return;
    if (missing === this.missingTopics.has(topic)) return;
    if (missing) {
      this.missingTopics.add(topic);
      this.logger.warn(`no name server knows topic ${topic}`, { nameServers: this.nameServers.addresses });
    } else {
      this.missingTopics.delete(topic);
      this.logger.info(`topic ${topic} is known now`);
    }
  }

  /**
   * Tells brokers which groups live here, now rather than with the next interval. Failures are logged. Resolves to whether all
   * brokers answered.
   */
  async sendHeartbeats(): Promise<boolean> {
    return this.state !== 'running' || this.heartbeats.send();
  }

  /** Tells brokers which groups live here. Rejects with ResponseError when they do not let this client in. */
  async joinGroups(): Promise<void> {
    await this.sendHeartbeats();
    const { refusal } = this.heartbeats;
    if (refusal !== undefined) throw refusal;
  }

  private onRouteChanged(route: TopicRoute): void {
    this.tracker.review();
    for (const consumer of this.consumers.values()) consumer.onRouteChanged?.(route);
  }

  /** Connected to a broker, perhaps a restarted one that has forgotten the groups: greet it. */
  private onConnect(address: string): void {
    this.tracker.up(address);
    if (this.state !== 'running' || this.heartbeats.isSending(address)) return;
    if (![...this.routes.brokerAddresses()].some((broker) => broker.address === address)) return;
    void this.heartbeats.send(new Set([address]));
  }

  /** A lost connection means that a peer restarted or moved. */
  private onDisconnect(address: string, reason?: Error): void {
    this.heartbeats.forget(address);
    if (this.state !== 'running') return;
    const missed = this.producers.size + this.consumers.size > 0 && !isIdle(reason);
    if (missed) this.tracker.down(address, reason?.message ?? 'it closed the connection');
    else this.tracker.idle(address);
    if (missed && [...this.routes.brokerAddresses()].some((broker) => broker.address === address))
      this.lost.add(address);
    this.recoverIn(FIRST_RECOVERY_MS);
  }

  /**
   * Learns the new routes and greets brokers again, at growing intervals until all answer, those that are in no route meanwhile among
   * them, or the usual rhythm takes over.
   */
  private recoverIn(delayMs: number): void {
    if (this.recovery !== undefined) return;
    this.recovery = setTimeout(async () => {
      await this.refreshRoutes();
      const answered = await this.sendHeartbeats();
      this.recovery = undefined;
      for (const address of this.lost) if (this.brokerVersion(address) !== 0) this.lost.delete(address);
      const nextMs = delayMs * 2;
      const recovered = answered && this.lost.size === 0;
      if (!recovered && this.state === 'running' && nextMs < this.options.heartbeatBrokerIntervalMs)
        this.recoverIn(nextMs);
      else this.lost.clear();
    }, delayMs);
  }

  private closedError(): ClosedError {
    return new ClosedError(`Client instance ${this.clientId} is closed. Create a new one.`, {
      context: { clientId: this.clientId },
    });
  }
}

/** A connection nobody used was closed; nothing is wrong with its other end. */
const isIdle = (reason: Error | undefined): boolean =>
  reason instanceof ConnectionError && reason.context['idle'] === true;
