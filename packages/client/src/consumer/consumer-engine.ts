import {
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type MessageExt,
  retryTopic,
} from '@rocketnest/protocol';
import type { ClientInstance, ConsumerRegistration } from '../instance.js';
import { type MessageQueue, queueKey } from '../message-queue.js';
import type { TopicRoute } from '../routes.js';
import { allocateStrategyOf } from './allocate-by-name.js';
import { BrokerLink } from './broker-link.js';
import { checkFilters, reportRefusal } from './check-filters.js';
import { ConcurrentConsumption } from './consume-concurrently.js';
import { consumeDirectly } from './consume-directly.js';
import { OrderlyConsumption } from './consume-orderly.js';
import { ConsumeStats } from './consume-stats.js';
import type { Consumption } from './consumption.js';
import { HandlerCall } from './handler-call.js';
import type { OffsetStore } from './offset-store.js';
import { LocalOffsetStore } from './offset-store-local.js';
import { RemoteOffsetStore } from './offset-store-remote.js';
import { effectiveMaxReconsumeTimes, type ResolvedPushConsumerOptions } from './options.js';
import { hookList, type MessageHandler } from './outcome.js';
import { OverdueHandlers } from './overdue-handlers.js';
import { createPop, type Pop } from './pop/create-pop.js';
import type { PopConsumption } from './pop/pop-consumption.js';
import type { PopQueue } from './pop/pop-queue.js';
import type { ProcessQueue } from './process-queue.js';
import type { PullContext } from './pull-loop.js';
import { Pulling } from './pulling.js';
import { QueueLocks } from './queue-locks.js';
import { Rebalance } from './rebalance.js';
import { type ConsumerReport, createReport, describeHandlers } from './report.js';
import { createRunningInfo } from './running-info.js';
import { SendBack } from './send-back.js';
import { StartOffsets } from './start-offset.js';
import { SubscriptionCheck } from './subscription-check.js';
import type { Subscriptions } from './subscriptions.js';
import { TopicLimits } from './topic-limits.js';

/** How long a reset of offsets waits for running handlers. Java: RESET_OFFSET_MAX_WAIT. ms */
const RESET_WAIT_MS = 10_000;
/** Handlers that run too long are looked for at least this often. ms */
const LONGEST_WATCH_PAUSE_MS = 60_000;
/** The retry topic is looked for after pauses that double from the first to the last. ms */
const RETRY_TOPIC_FIRST_PAUSE_MS = 50;
const RETRY_TOPIC_LAST_PAUSE_MS = 10_000;

/**
 * The parts of a started push consumer and how they work together:
 *
 *     Rebalance ──queues──▶ PullLoop ──messages──▶ Consumption ──▶ HandlerCall ──▶ business code
 *                              │                        ├─ done ──▶ OffsetStore
 *                              └── BrokerLink ◀─────────┴─ failed ▶ SendBack
 */
export class ConsumerEngine implements ConsumerRegistration {
  readonly consumption: Consumption;
  readonly rebalance: Rebalance;
  private readonly startedAt = Date.now();
  private readonly offsets: OffsetStore;
  private readonly stats = new ConsumeStats();
  private readonly calls: HandlerCall;
  private readonly locks: QueueLocks | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly pulling: Pulling;
  private readonly subscriptionCheck: SubscriptionCheck;
  /** Set when brokers assign the queues. */
  private readonly pop: Pop | undefined;
  private readonly sendBack: SendBack;
  private seeking: NodeJS.Timeout | undefined;
  private closing = false;
  private registered = false;

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ResolvedPushConsumerOptions,
    private readonly subscriptions: Subscriptions,
    handler: MessageHandler,
  ) {
    const { group, hooks, onError } = options;
    const { logger } = instance;
    const broadcasting = options.messageModel === 'BROADCASTING';
    const orderly = options.consumeMode === 'ORDERLY';
    const brokers = new BrokerLink(instance, group);
    this.offsets = broadcasting
      ? new LocalOffsetStore(options.localOffsetStoreDir, instance.clientId, group, logger)
      : new RemoteOffsetStore(brokers, logger);
    this.locks = orderly && !broadcasting ? new QueueLocks(brokers, logger) : undefined;
    this.calls = new HandlerCall({
      group,
      namespace: instance.namespace,
      handler,
      logger,
      stats: this.stats,
      hooks: hookList(hooks),
      onError,
    });
    this.sendBack = new SendBack(instance, brokers, group, effectiveMaxReconsumeTimes(options));
    this.consumption = this.createConsumption();
    this.pulling = new Pulling(this.createPullContext(brokers), new TopicLimits(options));
    this.pop = createPop(
      {
        instance,
        options,
        subscriptions,
        brokers,
        calls: this.calls,
        sendBack: this.sendBack,
        stats: this.stats,
        onAdded: (queue) => this.tell(options.onAssigned, queue),
        onDropped: (queue) => this.tell(options.onRevoked, queue),
      },
      () => void this.subscriptionsChanged(),
    );
    this.subscriptionCheck = new SubscriptionCheck(instance, group, subscriptions);
    this.rebalance = new Rebalance({
      group,
      instance,
      strategy: allocateStrategyOf(options.allocate),
      broadcasting,
      assignments: this.pop?.assignments,
      locks: this.locks,
      offsets: this.offsets,
      startOffsets: new StartOffsets(options.consumeFrom, brokers, this.offsets, this.startedAt),
      intervalMs: options.rebalanceIntervalMs,
      logger,
      topics: () => subscriptions.topics(),
      onAdded: (queue, offset) => {
        this.tell(options.onAssigned, queue);
        this.pulling.start(queue, offset);
      },
      onDropped: (queue) => {
        this.pulling.stop(queue);
        this.tell(options.onRevoked, queue);
      },
      onMembers: (members, topic) => this.subscriptionCheck.membersAre(members, topic),
      onChanged: (topic) => this.announce(topic),
    });
  }

  /** Joins the group. Rejects when no name server answers. */
  async start(): Promise<void> {
    const { instance, options, subscriptions } = this;
    await this.offsets.load();
    await Promise.all(subscriptions.topics().map((topic) => instance.routes.refresh(topic)));
    await checkFilters(instance, options.group, subscriptions.forHeartbeat());
    instance.registerConsumer(options.group, this);
    this.registered = true;
    await instance.joinGroups();
    if (options.messageModel === 'CLUSTERING') await this.seekRetryTopic(RETRY_TOPIC_FIRST_PAUSE_MS);
    await this.rebalance.start();
    this.timers.push(setInterval(() => void this.persist(false), options.persistConsumerOffsetIntervalMs));
    const watch = this.handlerWatch();
    this.timers.push(setInterval(watch, Math.min(options.consumeTimeoutMs, LONGEST_WATCH_PAUSE_MS)));
  }

  /** Leaves the group in good order; see PushConsumer.close. */
  async close(): Promise<void> {
    const { group, shutdownTimeoutMs } = this.options;
    this.closing = true;
    clearTimeout(this.seeking);
    await this.rebalance.stop();
    this.subscriptionCheck.stop();
    this.pulling.stopAll();
    const stopped = await Promise.all([
      this.consumption.stop(shutdownTimeoutMs),
      this.pop?.consumer.stop(shutdownTimeoutMs) ?? [],
    ]);
    const unfinished = stopped.flat();
    if (unfinished.length > 0) {
      this.instance.logger.error(
        `consumer group ${group} closes while handlers still run after ${shutdownTimeoutMs} ms; their messages are not acknowledged and come again`,
        { group, msgIds: unfinished.flatMap((batch) => batch.messages.map((message) => message.msgId)) },
      );
    }
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    await this.persist(true);
    await this.rebalance.releaseAll();
    if (this.registered) await this.instance.unregisterConsumer(group);
    await this.pop?.consumer.ended();
  }

  pause(): void {
    this.pulling.pause();
    this.consumption.pause();
    this.pop?.consumer.pause();
  }

  resume(): void {
    this.consumption.resume();
    this.pulling.resume();
    this.pop?.consumer.resume();
  }

  pauseQueues(queues: Iterable<MessageQueue>): void {
    this.pulling.pauseQueues(queues);
  }

  resumeQueues(queues: Iterable<MessageQueue>): void {
    for (const queue of this.pulling.resumeQueues(queues)) this.consumption.submit(queue);
  }

  /** Who calls handlers: for queues that are pulled and for those that are popped, each with its own limits, as in Java. */
  get consumptions(): readonly (Consumption | PopConsumption)[] {
    return this.pop === undefined ? [this.consumption] : [this.consumption, this.pop.consumer.consumption];
  }

  /** Queues of this member, pulled and popped; -1 as queue id stands for all queues of a topic on a broker. */
  get queues(): MessageQueue[] {
    return [...this.rebalance.queues(), ...(this.pop?.consumer.queues() ?? [])].map(({ queue }) => queue);
  }

  /** Brokers learn of the changed subscription to a topic, then the share is computed again. */
  async subscriptionChanged(topic: string): Promise<void> {
    this.subscriptionCheck.again();
    await this.subscriptionsChanged(() => {
      this.pulling.refilter(topic);
      this.pop?.consumer.refilter(topic);
    });
    const subscription = this.subscriptions.get(topic);
    if (subscription !== undefined) await reportRefusal(this.instance, this.options.group, subscription);
  }

  private async subscriptionsChanged(onceTold?: () => void): Promise<void> {
    await this.instance.refreshRoutes();
    await this.instance.sendHeartbeats();
    onceTold?.();
    await this.rebalance.request();
  }

  /** See PushConsumer.sendMessageBack. */
  giveBack(message: MessageExt, delayLevel: number): Promise<boolean> {
    const { brokerName = '', queueId, topic } = message;
    const queue = { topic: this.instance.namespace.wrapTopic(topic), brokerName, queueId };
    return delayLevel < 0 ? this.sendBack.giveUp(message, queue) : this.sendBack.retry(message, queue, delayLevel);
  }

  report(): ConsumerReport {
    return createReport({
      group: this.options.group,
      namespace: this.instance.namespace,
      topics: this.subscriptions.topics(),
      queues: this.rebalance.queues(),
      popQueues: this.pop?.consumer.queues() ?? [],
      running: this.consumptions.flatMap((consumption) => [...consumption.running]),
      offsets: this.offsets,
      stats: this.stats,
    });
  }

  // ConsumerRegistration: what the instance asks of a group

  topics(): string[] {
    return this.subscriptions.topics();
  }

  heartbeat(): ConsumerData {
    const { consumeFrom, group, messageModel } = this.options;
    return {
      groupName: group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel,
      consumeFromWhere: consumeFrom instanceof Date ? 'CONSUME_FROM_TIMESTAMP' : `CONSUME_FROM_${consumeFrom}`,
      subscriptionDataSet: this.subscriptions.forHeartbeat(),
      unitMode: this.options.unitMode,
    };
  }

  onConsumerIdsChanged(): void {
    void this.rebalance.request();
  }

  onRouteChanged(route: TopicRoute): void {
    if (this.subscriptions.get(route.topic) !== undefined) void this.rebalance.request();
  }

  async resetOffset(
    topic: string,
    offsets: readonly { readonly queue: MessageQueue; readonly offset: number }[],
  ): Promise<void> {
    const targets = offsets.flatMap(({ queue, offset }) => {
      const key = queueKey(queue);
      const ours = queue.topic === topic ? this.rebalance.get(key) : undefined;
      if (ours === undefined) {
        // What the store may remember of a queue that was ours is outdated.
        this.offsets.update(key, queue, offset, false);
        this.offsets.forget(key);
      }
      return ours === undefined || ours.dropped ? [] : [{ queue: ours, offset }];
    });
    if (targets.length > 0) await this.rebalance.reset(targets, RESET_WAIT_MS);
  }

  runningInfo(withHandlers?: boolean): ConsumerRunningInfo {
    const info = createRunningInfo({
      options: this.options,
      nameServers: this.instance.nameServers.addresses,
      startedAt: this.startedAt,
      concurrency: this.consumption.concurrency,
      subscriptions: this.subscriptions.forHeartbeat(),
      queues: [...this.rebalance.queues()],
      popQueues: [...(this.pop?.consumer.queues() ?? [])],
      offsets: this.offsets,
      stats: this.stats,
    });
    return withHandlers ? { ...info, jstack: describeHandlers(this.report()) } : info;
  }

  consumeDirectly(message: MessageExt, brokerName: string | undefined): Promise<ConsumeMessageDirectlyResult> {
    const queue = { topic: message.topic, brokerName: brokerName ?? '', queueId: message.queueId };
    return consumeDirectly(this.calls, message, queue, this.options.consumeMode === 'ORDERLY');
  }

  consumerStatus(topic: string): { queue: MessageQueue; offset: number }[] {
    return Array.from(this.rebalance.queues(), ({ queue, key }) => ({ queue, offset: this.offsets.peek(key) })).filter(
      ({ queue, offset }) => queue.topic === topic && offset >= 0,
    );
  }

  /**
   * The first heartbeat has brokers create the group's retry topic, which name servers learn of a moment later. Waiting for the
   * next poll of routes, as Java does, would leave the first retries lying for up to 30 s.
   */
  private async seekRetryTopic(pauseMs: number): Promise<void> {
    const route = await this.instance.routes.refresh(retryTopic(this.options.group)).catch(() => null);
    if (route !== null || this.closing || pauseMs > RETRY_TOPIC_LAST_PAUSE_MS) return;
    this.seeking = setTimeout(() => void this.seekRetryTopic(pauseMs * 2), pauseMs);
  }

  /** What is to be done now and then about handlers that run too long. */
  private handlerWatch(): () => void {
    const { consumption, options } = this;
    if (consumption instanceof ConcurrentConsumption && options.messageModel === 'CLUSTERING') {
      return () => {
        for (const queue of this.rebalance.queues()) void consumption.expire(queue);
      };
    }
    const overdue = new OverdueHandlers(options.group, options.consumeTimeoutMs, this.instance.logger);
    return () => overdue.check(consumption.running);
  }

  private createConsumption(): Consumption {
    const { calls, instance, locks, offsets, options, sendBack } = this;
    const shared = {
      group: options.group,
      concurrency: options.concurrency,
      batchSize: options.consumeMessageBatchMaxSize,
      batchWaitMs: options.consumeMessageBatchWaitMs,
      calls,
      offsets,
      sendBack,
      logger: instance.logger,
    };
    if (options.consumeMode === 'ORDERLY') {
      return new OrderlyConsumption({
        ...shared,
        locks,
        maxReconsumeTimes: effectiveMaxReconsumeTimes(options),
        suspendMs: options.suspendCurrentQueueTimeMs,
      });
    }
    const broadcasting = options.messageModel === 'BROADCASTING';
    return new ConcurrentConsumption({ ...shared, broadcasting, consumeTimeoutMs: options.consumeTimeoutMs });
  }

  private readonly submit = (queue: ProcessQueue): void => this.consumption.submit(queue);

  private createPullContext(brokers: BrokerLink): Omit<PullContext, 'limits' | 'paused'> {
    const { options } = this;
    return {
      group: options.group,
      brokers,
      offsets: this.offsets,
      stats: this.stats,
      logger: this.instance.logger,
      batchSize: options.pullBatchSize,
      batchBytes: options.pullBatchSizeInBytes,
      intervalMs: options.pullIntervalMs,
      retryDelayMs: options.pullRetryDelayMs,
      clustering: options.messageModel === 'CLUSTERING',
      postSubscription: options.postSubscriptionWhenPull,
      subscription: (topic) => this.subscriptions.get(topic),
      // The next pull leaves at the end of this turn of the event loop, handlers start after it: brokers work while they do.
      onMessages: (queue) => void setImmediate(this.submit, queue),
      onOffsetMoved: (queue, offset) => void this.rebalance.reset([{ queue, offset }], RESET_WAIT_MS),
    };
  }

  /** The user's listeners hear of their own topics, and must not disturb the share. */
  private tell(listener: ((queue: MessageQueue) => void) | undefined, { queue }: ProcessQueue | PopQueue): void {
    if (listener === undefined || queue.topic === retryTopic(this.options.group)) return;
    try {
      listener(this.instance.namespace.unwrapQueue(queue));
    } catch (error) {
      this.instance.logger.warn('a listener for assigned queues threw', { group: this.options.group, queue, error });
    }
  }

  private async announce(topic: string): Promise<void> {
    this.subscriptions.touch(topic);
    await this.instance.sendHeartbeats();
  }

  private persist(confirmed: boolean): Promise<void> {
    return this.offsets.persist(
      Array.from(this.rebalance.queues(), (queue) => queue.key),
      confirmed,
    );
  }
}
