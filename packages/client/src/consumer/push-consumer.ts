import {
  ClosedError,
  ConfigurationError,
  ConsumeError,
  type MessageExt,
  parseSubscription,
  retryTopic,
  SUB_ALL,
  validateGroup,
  validateTopic,
} from '@rocketnest/protocol';
import { ClientInstance } from '../instance.js';
import { compareQueues, type MessageQueue, queueKey } from '../message-queue.js';
import { clientOptionTable, pickOptions } from '../options.js';
import type { ClientStatus, StatusListener } from '../status.js';
import { createConsumeTrace } from '../trace/consume-trace.js';
import { MessageTrace } from '../trace/message-trace.js';
import type { TraceStats } from '../trace/trace-dispatcher.js';
import { ConsumerEngine } from './consumer-engine.js';
import {
  isRate,
  type PushConsumerOptions,
  type ResolvedPushConsumerOptions,
  resolvePushConsumerOptions,
} from './options.js';
import { hookList, type MessageHandler } from './outcome.js';
import type { ConsumerReport } from './report.js';
import { type SubscriptionFilter, subscriptionOf } from './subscription-of.js';
import { Subscriptions } from './subscriptions.js';

/** Options of a consumer on a shared instance: those of the client are the instance's. */
export type SharedPushConsumerOptions = Omit<PushConsumerOptions, keyof typeof clientOptionTable>;

type State = 'created' | 'started' | 'closed';

/**
 * Receives the messages of its topics: members of a group share the queues (CLUSTERING) or each get everything
 * (BROADCASTING). A message is acknowledged when its handler is done, and comes again when the handler fails.
 * Java: DefaultMQPushConsumer.
 *
 * ```ts
 * const consumer = new PushConsumer({ namesrvAddr: '127.0.0.1:9876', group: 'billing' })
 *   .subscribe('orders', 'created || paid')
 *   .listen(async ([message]) => { await bill(JSON.parse(message.body.toString())); });
 * await consumer.start();
 * await consumer.close();
 * ```
 */
export class PushConsumer {
  readonly options: ResolvedPushConsumerOptions;
  readonly group: string;
  /** Connections and routes; shared with others if it was given to the constructor. */
  readonly instance: ClientInstance;

  /** The group as brokers know it: with the namespace. */
  private readonly wireGroup: string;
  private readonly trace: MessageTrace | undefined;
  private readonly ownsInstance: boolean;
  private readonly subscriptions = new Subscriptions();
  private handler: MessageHandler | undefined;
  private engine: ConsumerEngine | undefined;
  private concurrency: number;
  private rateLimit: number | undefined;
  /** Named as brokers know them. */
  private readonly pausedQueues = new Map<string, MessageQueue>();
  private readonly changedWhileStarting = new Set<string>();
  private paused = false;
  private state: State = 'created';
  private starting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /**
   * @param instance a shared client instance, which the caller starts and closes; default: one of its own
   * @throws ConfigurationError on bad options
   */
  constructor(options: PushConsumerOptions);
  constructor(options: SharedPushConsumerOptions, instance: ClientInstance);
  constructor(options: PushConsumerOptions | SharedPushConsumerOptions, instance?: ClientInstance) {
    this.options = resolvePushConsumerOptions({ ...instance?.options, ...options } as PushConsumerOptions);
    this.group = this.options.group;
    this.concurrency = this.options.concurrency;
    this.rateLimit = this.options.rateLimit;
    this.ownsInstance = instance === undefined;
    this.instance = instance ?? new ClientInstance(pickOptions(clientOptionTable, this.options));
    this.wireGroup = this.instance.namespace.wrapGroup(this.group);
    validateGroup(this.wireGroup);
    this.trace = this.options.traceEnable
      ? new MessageTrace(this.instance, { ...this.options, group: this.wireGroup }, 'CONSUME')
      : undefined;
  }

  /**
   * Adds a topic, or gives it another filter; possible at any time.
   * @param filter tags, e.g. `paid || shipped`, `*` for all: brokers compare hashes, this client the tags themselves. Or
   *   `{ sql92: 'amount > 100' }` over message properties, for brokers with enablePropertyFilter; start() has it checked.
   * @throws ConfigurationError for an invalid topic or tag expression
   */
  subscribe(topic: string, filter: SubscriptionFilter = SUB_ALL): this {
    const wireTopic = this.instance.namespace.wrapTopic(topic);
    validateTopic(wireTopic);
    this.subscriptions.set(subscriptionOf(wireTopic, filter));
    this.subscriptionChanged(wireTopic);
    return this;
  }

  /** Gives the queues of a topic up. */
  unsubscribe(topic: string): this {
    const wireTopic = this.instance.namespace.wrapTopic(topic);
    this.subscriptions.delete(wireTopic);
    this.subscriptionChanged(wireTopic);
    return this;
  }

  /** Sets the business code. @throws ConfigurationError when there is one already */
  listen(handler: MessageHandler): this {
    if (this.handler !== undefined) {
      throw new ConfigurationError(
        `Consumer group ${this.group} has a handler already. Use one PushConsumer per handler.`,
        {
          context: { group: this.group },
        },
      );
    }
    this.handler = handler;
    return this;
  }

  /**
   * Joins the group and takes over its share of the queues. Idempotent. Topics that do not exist yet are consumed once they do.
   * @throws ConfigurationError without listen() or subscribe(), or when the instance has a consumer of this group already
   * @throws ConnectionError when no name server answers, ResponseError when brokers refuse an SQL filter or this client; the consumer is
   *   closed then
   */
  async start(): Promise<void> {
    if (this.state === 'closed') throw this.closed();
    if (this.handler === undefined) throw this.incomplete('listen(handler)');
    if (this.subscriptions.size === 0) throw this.incomplete('subscribe(topic)');
    this.starting ??= this.startUp(this.handler);
    await this.instance.namespace.explained(this.starting);
  }

  /**
   * No handler starts and nothing is pulled until resume(); queues stay assigned. Running handlers finish. Java: suspend.
   * @param queues only these, also if they are assigned later; default: the whole consumer
   */
  pause(queues?: Iterable<MessageQueue>): void {
    if (queues !== undefined) {
      const wired = this.wireQueues(queues);
      for (const queue of wired) this.pausedQueues.set(queueKey(queue), queue);
      this.engine?.pauseQueues(wired);
      return;
    }
    this.paused = true;
    this.engine?.pause();
  }

  /** Goes on after pause(), with these queues or with all of the consumer but queues that were paused by themselves. */
  resume(queues?: Iterable<MessageQueue>): void {
    if (queues !== undefined) {
      const wired = this.wireQueues(queues);
      for (const queue of wired) this.pausedQueues.delete(queueKey(queue));
      this.engine?.resumeQueues(wired);
      return;
    }
    this.paused = false;
    this.engine?.resume();
  }

  get isPaused(): boolean {
    return this.paused;
  }

  /** Handlers that may run at once, from now on. @throws ConfigurationError outside 1..1000 */
  setConcurrency(concurrency: number): void {
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
      throw new ConfigurationError(`Concurrency must be an integer from 1 to 1000, got ${concurrency}.`, {
        context: { group: this.group, concurrency },
      });
    }
    this.concurrency = concurrency;
    for (const consumption of this.engine?.consumptions ?? []) consumption.setConcurrency(concurrency);
  }

  /**
   * Most messages given to handlers per second, from now on.
   * @param perSecond undefined: no limit
   * @throws ConfigurationError unless it is a number above 0 and at most 1,000,000
   */
  setRateLimit(perSecond: number | undefined): void {
    if (perSecond !== undefined && !isRate(perSecond)) {
      throw new ConfigurationError(
        `The rate limit must be a number of messages per second > 0, got ${perSecond}. Use pause() to stop.`,
        { context: { group: this.group, perSecond } },
      );
    }
    this.rateLimit = perSecond;
    for (const consumption of this.engine?.consumptions ?? []) consumption.setRateLimit(perSecond);
  }

  /**
   * Has a message delivered to the group again later, without failing its handler; deliveries count towards maxReconsumeTimes.
   * Java: sendMessageBack.
   * @param delayLevel of the broker, 1..18 by default; 0: the broker's choice, by the number of deliveries; below 0: to the dead letter queue at once
   * @throws ConfigurationError before start() or when the level is no integer; ClosedError after close()
   * @throws ConsumeError when no broker could store it; the log says why
   */
  async sendMessageBack(message: MessageExt, delayLevel = 0): Promise<void> {
    if (this.state === 'closed') throw this.closed();
    if (this.engine === undefined) {
      throw new ConfigurationError(`Consumer group ${this.group} gives nothing back before start().`, {
        context: { group: this.group },
      });
    }
    if (!Number.isInteger(delayLevel)) {
      throw new ConfigurationError(`The delay level must be an integer, got ${delayLevel}.`, {
        context: { group: this.group, delayLevel },
      });
    }
    if (await this.engine.giveBack(message, delayLevel)) return;
    const { msgId, topic } = message;
    throw new ConsumeError(
      `Message ${msgId} of topic ${topic} could not be given back to group ${this.group}: no broker stored it. Try again; the log has the brokers' answers.`,
      { context: { group: this.group, topic, msgId }, retriable: true },
    );
  }

  /** Queues this member consumes now, sorted. */
  get assignment(): readonly MessageQueue[] {
    const queues = [...(this.engine?.queues ?? [])].sort(compareQueues);
    return this.instance.namespace.unwrapQueues(queues);
  }

  /** What became of the trace records; undefined without traceEnable. */
  get traceStats(): TraceStats | undefined {
    return this.trace?.stats;
  }

  /** Handlers running now. */
  get runningHandlers(): number {
    return this.engine?.consumptions.reduce((sum, { runningHandlers }) => sum + runningHandlers, 0) ?? 0;
  }

  /** What this member does now: its queues, running handlers and rates. */
  report(): ConsumerReport {
    return this.engine?.report() ?? { group: this.group, queues: [], popQueues: [], handlers: [], topics: {} };
  }

  /** How the client stands with its name servers and brokers. */
  get status(): ClientStatus {
    return this.instance.status;
  }

  /** Calls `listener` with every change of {@link status}. @returns a function that ends that */
  onStatus(listener: StatusListener): () => void {
    return this.instance.onStatus(listener);
  }

  /**
   * Stops pulling, waits for running handlers up to shutdownTimeoutMs, commits offsets, gives up locks and leaves the group, so
   * that others take over at once. Messages whose handler still runs then are logged by id and come again. Idempotent.
   * Do not await it inside a handler: it waits for that handler.
   */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async startUp(handler: MessageHandler): Promise<void> {
    this.state = 'started';
    if (this.options.messageModel === 'CLUSTERING')
      this.subscriptions.set(parseSubscription(retryTopic(this.wireGroup), SUB_ALL));
    const engine = new ConsumerEngine(this.instance, this.wireOptions(), this.subscriptions, handler);
    this.adjust(engine);
    if (this.paused) engine.pause();
    try {
      if (this.ownsInstance) await this.instance.start();
      this.trace?.start();
      await engine.start();
    } catch (error) {
      await this.tearDown(engine);
      throw error;
    }
    this.engine = engine;
    this.adjust(engine);
    for (const topic of this.changedWhileStarting) void engine.subscriptionChanged(topic);
    if (!this.paused) engine.resume();
  }

  /** What may have been changed before the engine was there, or while it started. */
  private adjust(engine: ConsumerEngine): void {
    for (const consumption of engine.consumptions) {
      consumption.setConcurrency(this.concurrency);
      consumption.setRateLimit(this.rateLimit);
    }
    engine.pauseQueues(this.pausedQueues.values());
  }

  /** The options as the engine needs them: names with the namespace, and the trace among the hooks. */
  private wireOptions(): ResolvedPushConsumerOptions {
    const options = { ...this.options, group: this.wireGroup };
    if (this.trace === undefined) return options;
    return {
      ...options,
      hooks: [...hookList(options.hooks), createConsumeTrace(this.trace, options.consumeTimeoutMs)],
    };
  }

  private async shutDown(): Promise<void> {
    // Closing half of what start() is still making would leave the other half.
    await this.starting?.catch(() => {});
    await this.tearDown(this.engine);
  }

  private async tearDown(engine: ConsumerEngine | undefined): Promise<void> {
    this.state = 'closed';
    await engine?.close();
    await this.trace?.close();
    if (this.ownsInstance) await this.instance.close();
  }

  private subscriptionChanged(wireTopic: string): void {
    if (this.engine !== undefined) void this.engine.subscriptionChanged(wireTopic);
    else if (this.state === 'started') this.changedWhileStarting.add(wireTopic);
  }

  private wireQueues(queues: Iterable<MessageQueue>): MessageQueue[] {
    return Array.from(queues, (queue) => this.instance.namespace.wrapQueue(queue));
  }

  private closed(): ClosedError {
    return new ClosedError(`Consumer group ${this.group} is closed. Create a new PushConsumer.`, {
      context: { group: this.group },
    });
  }

  private incomplete(missing: string): ConfigurationError {
    return new ConfigurationError(`Consumer group ${this.group} cannot start: call ${missing} first.`, {
      context: { group: this.group },
    });
  }
}
