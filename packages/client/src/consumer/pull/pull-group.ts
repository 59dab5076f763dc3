import {
  ConfigurationError,
  type ConsumerData,
  type ConsumerRunningInfo,
  CURRENT_VERSION,
  parseSubscription,
  SUB_ALL,
  type SubscriptionData,
  versionName,
} from '@rocketnest/protocol';
import type { ClientInstance, ConsumerRegistration } from '../../instance.js';
import { compareQueues, type MessageQueue, queueKey } from '../../message-queue.js';
import type { TopicRoute } from '../../routes.js';
import { allocateStrategyOf } from '../allocate-by-name.js';
import type { BrokerLink } from '../broker-link.js';
import { Rebalance } from '../rebalance.js';
import type { ResolvedPullConsumerOptions } from './options.js';
import { Progress } from './progress.js';

export interface PullGroupOptions {
  readonly instance: ClientInstance;
  readonly brokers: BrokerLink;
  readonly options: ResolvedPullConsumerOptions;
  /** As brokers know it. */
  readonly group: string;
  /** The share of a registered topic has changed. */
  onShareChanged(topic: string, all: readonly MessageQueue[], assigned: readonly MessageQueue[]): void;
}

/** A pull consumer as a member of its group: its share of registered topics, its offsets, its answers to brokers. */
export class PullGroup implements ConsumerRegistration {
  readonly progress: Progress;
  private readonly rebalance: Rebalance;
  private readonly registered = new Map<string, SubscriptionData>();
  /** Topics that were pulled: their routes are kept fresh too. */
  private readonly pulled = new Set<string>();
  /** Queues with a noted offset, whoever shares them. */
  private readonly noted = new Map<string, MessageQueue>();
  private readonly startedAt = Date.now();
  private persisting: NodeJS.Timeout | undefined;
  private joined = false;

  constructor(private readonly context: PullGroupOptions) {
    const { brokers, group, instance, options } = context;
    const { clientId, logger } = instance;
    const { localOffsetStoreDir } = options;
    const broadcasting = options.messageModel === 'BROADCASTING';
    this.progress = new Progress({ group, clientId, logger, brokers, broadcasting, localOffsetStoreDir });
    this.rebalance = new Rebalance({
      group,
      instance,
      strategy: allocateStrategyOf(options.allocate),
      broadcasting,
      locks: undefined,
      offsets: this.progress.store,
      // Where to pull is the application's business.
      startOffsets: { of: () => Promise.resolve(0) },
      intervalMs: options.rebalanceIntervalMs,
      logger,
      topics: () => this.registered.keys(),
      onAdded: () => {},
      onDropped: ({ key }) => this.noted.delete(key),
      onChanged: (topic) => this.shareChanged(topic),
    });
  }

  async join(): Promise<void> {
    const { group, instance, options } = this.context;
    await this.progress.store.load();
    await Promise.all([...this.topics()].map((topic) => instance.routes.refresh(topic)));
    instance.registerConsumer(group, this);
    this.joined = true;
    await instance.joinGroups();
    await this.rebalance.start();
    this.persisting = setInterval(
      () => void this.progress.store.persist(this.noted.keys(), false),
      options.persistConsumerOffsetIntervalMs,
    );
  }

  async leave(): Promise<void> {
    clearInterval(this.persisting);
    await this.rebalance.stop();
    await this.progress.store.persist(this.noted.keys(), true);
    await this.rebalance.releaseAll();
    if (this.joined) await this.context.instance.unregisterConsumer(this.context.group);
  }

  /** The members of the group share the topic's queues. */
  register(topic: string): void {
    // Java tells brokers version 0, so that pulls with other filters are not refused.
    this.registered.set(topic, { ...parseSubscription(topic, SUB_ALL), subVersion: 0 });
    if (this.joined) void this.registrationChanged();
  }

  /** Keeps the route of a topic fresh from now on. */
  used(topic: string): void {
    this.pulled.add(topic);
  }

  /** This member's queues of a registered topic, sorted. */
  share(topic: string): MessageQueue[] {
    const ours = Array.from(this.rebalance.queues(), ({ queue }) => queue);
    return ours.filter((queue) => queue.topic === topic).sort(compareQueues);
  }

  note(queue: MessageQueue, offset: number): void {
    this.noted.set(queueKey(queue), queue);
    this.progress.note({ queue, offset });
  }

  /** Writes all noted offsets. Rejects with the first error, after all have been tried. */
  async persist(): Promise<void> {
    const { store } = this.progress;
    await this.progress.commit(
      Array.from(this.noted, ([key, queue]) => ({ queue, offset: store.peek(key) })).filter(
        ({ offset }) => offset >= 0,
      ),
    );
  }

  private async registrationChanged(): Promise<void> {
    await this.context.instance.refreshRoutes();
    await this.context.instance.sendHeartbeats();
    await this.rebalance.request();
  }

  private async shareChanged(topic: string): Promise<void> {
    const { instance } = this.context;
    this.context.onShareChanged(topic, instance.routes.subscribeInfo(topic), this.share(topic));
    await instance.sendHeartbeats();
  }

  // ConsumerRegistration: what the instance asks of a group

  topics(): Set<string> {
    return new Set([...this.registered.keys(), ...this.pulled]);
  }

  heartbeat(): ConsumerData {
    return {
      groupName: this.context.group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: this.context.options.messageModel,
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: [...this.registered.values()],
      unitMode: this.context.options.unitMode,
    };
  }

  onConsumerIdsChanged(): void {
    void this.rebalance.request();
  }

  onRouteChanged({ topic }: TopicRoute): void {
    if (this.registered.has(topic)) void this.rebalance.request();
  }

  /** Where to pull is the application's business; Java's pull consumer ignores it too. */
  resetOffset(): void {
    this.context.instance.logger.warn(
      `offsets of group ${this.context.group} were reset at the broker; its pull consumer goes on where the application says`,
    );
  }

  runningInfo(): ConsumerRunningInfo {
    const { group, instance, options } = this.context;
    return {
      properties: {
        PROP_NAMESERVER_ADDR: `${instance.nameServers.addresses.join(';')};`,
        PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
        PROP_CONSUMEORDERLY: 'false',
        PROP_THREADPOOL_CORE_SIZE: '1',
        PROP_CLIENT_VERSION: versionName(CURRENT_VERSION),
        PROP_CONSUMER_START_TIMESTAMP: String(this.startedAt),
        consumerGroup: group,
        messageModel: options.messageModel,
      },
      subscriptionSet: [...this.registered.values()],
      mqTable: [],
      mqPopTable: [],
      statusTable: {},
      userConsumerInfo: {},
    };
  }

  consumeDirectly(): Promise<never> {
    return Promise.reject(noHandler(this.context.group));
  }

  consumerStatus(topic: string): { queue: MessageQueue; offset: number }[] {
    const { store } = this.progress;
    return Array.from(this.noted, ([key, queue]) => ({ queue, offset: store.peek(key) })).filter(
      ({ queue, offset }) => queue.topic === topic && offset >= 0,
    );
  }
}

/** The answer to an operator who wants a message handled by a consumer that only pulls. */
export function noHandler(group: string): ConfigurationError {
  return new ConfigurationError(
    `Group ${group} has a pull consumer here, which has no handler. Ask a push consumer of the group, or resend the message.`,
    { context: { group } },
  );
}
