import { ConsumeError, type MessageExt, SUB_ALL, validateGroup, validateTopic } from '@rocketnest/protocol';
import type { ClientInstance } from '../../instance.js';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { clientOptionTable } from '../../options.js';
import { MASTER_ID } from '../../routes.js';
import { BrokerLink } from '../broker-link.js';
import { SendBack } from '../send-back.js';
import { type SubscriptionFilter, subscriptionOf } from '../subscription-of.js';
import { type PullConsumerOptions, type ResolvedPullConsumerOptions, resolvePullConsumerOptions } from './options.js';
import { PullGroup } from './pull-group.js';
import { type PullResult, pullOnce } from './pull-once.js';
import { PullingClient } from './pulling-client.js';

/** Options of a consumer on a shared instance: those of the client are the instance's. */
export type SharedPullConsumerOptions = Omit<PullConsumerOptions, keyof typeof clientOptionTable>;

/** How one pull is done. */
export interface PullOptions {
  /** Which messages: tags, or an SQL expression. Default: all */
  readonly filter?: SubscriptionFilter;
  /** Most messages it may bring, 1 … 1024; brokers bring no more than their own limit. Default: 32 */
  readonly maxNums?: number;
  /** Most bytes it may bring (brokers since 5.0 look at it). Default: the broker's choice */
  readonly maxBytes?: number;
  /** Deadline. Default: consumerPullTimeoutMs, or consumerTimeoutMsWhenSuspend when it waits for messages. ms */
  readonly timeoutMs?: number;
}

/** Called when this member's share of a registered topic's queues has changed. Java: MessageQueueListener. */
type ShareListener = (topic: string, all: readonly MessageQueue[], assigned: readonly MessageQueue[]) => void;

const DEFAULT_MAX_NUMS = 32;
const LARGEST_MAX_NUMS = 1024;
const UNLIMITED_BYTES = 0x7fff_ffff;

/**
 * Pulls queues at offsets the application keeps, or has kept by the group. For most uses LitePullConsumer does more with less.
 * Java: DefaultMQPullConsumer.
 *
 * ```ts
 * const consumer = new PullConsumer({ namesrvAddr: '127.0.0.1:9876', group: 'audit' });
 * await consumer.start();
 * for (const queue of await consumer.fetchSubscribeMessageQueues('orders')) {
 *   const offset = (await consumer.fetchConsumeOffset(queue)) ?? (await consumer.minOffset(queue));
 *   const { messages, nextBeginOffset } = await consumer.pull(queue, offset);
 *   await audit(messages);
 *   consumer.updateConsumeOffset(queue, nextBeginOffset);
 * }
 * ```
 */
export class PullConsumer extends PullingClient<ResolvedPullConsumerOptions> {
  /** As brokers know it. */
  private readonly wireGroup: string;
  private readonly brokers: BrokerLink;
  private readonly members: PullGroup;
  private readonly listeners = new Map<string, ShareListener>();
  /** The member of each replica group that brokers suggested for the next pull, by queue. */
  private readonly suggested = new Map<string, number>();

  /**
   * @param instance a shared client instance, which the caller starts and closes; default: one of its own
   * @throws ConfigurationError on bad options
   */
  constructor(options: PullConsumerOptions);
  constructor(options: SharedPullConsumerOptions, instance: ClientInstance);
  constructor(options: PullConsumerOptions | SharedPullConsumerOptions, instance?: ClientInstance) {
    super(resolvePullConsumerOptions({ ...instance?.options, ...options } as PullConsumerOptions), instance);
    const { namespace } = this.instance;
    this.wireGroup = namespace.wrapGroup(this.group);
    validateGroup(this.wireGroup);
    this.brokers = new BrokerLink(this.instance, this.wireGroup);
    this.members = new PullGroup({
      instance: this.instance,
      brokers: this.brokers,
      options: this.options,
      group: this.wireGroup,
      onShareChanged: (topic, all, assigned) => this.shareChanged(topic, all, assigned),
    });
    for (const topic of this.options.registerTopics) this.register(topic);
  }

  // Queues

  /** The readable queues of a topic. Rejects with NoRouteError when it does not exist. */
  fetchSubscribeMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    return this.readableQueues(topic);
  }

  /** This member's share of a registered topic's queues, sorted; empty for other topics. Java: fetchMessageQueuesInBalance. */
  fetchMessageQueuesInBalance(topic: string): readonly MessageQueue[] {
    const { namespace } = this.instance;
    return namespace.unwrapQueues(this.members.share(namespace.wrapTopic(topic)));
  }

  /**
   * Registers a topic (see the option registerTopics) and calls `listener` when this member's share of its queues has changed.
   * @throws ConfigurationError for an invalid topic
   */
  registerMessageQueueListener(topic: string, listener: ShareListener): this {
    this.listeners.set(this.instance.namespace.wrapTopic(topic), listener);
    this.register(topic);
    return this;
  }

  // Pulling

  /**
   * Asks for messages from `offset` on; does not wait for any.
   *
   * Rejects with ConfigurationError on bad input; ResponseError when the broker refuses; ConnectionError or TimeoutError when it does
   * not answer; ClosedError unless running.
   */
  pull(queue: MessageQueue, offset: number, options: PullOptions = {}): Promise<PullResult> {
    return this.pullOne(queue, offset, options, 0, options.timeoutMs ?? this.options.consumerPullTimeoutMs);
  }

  /** The same, but the broker holds the pull until there is a message, for brokerSuspendMaxTimeMs at most. */
  pullBlockIfNotFound(queue: MessageQueue, offset: number, options: PullOptions = {}): Promise<PullResult> {
    const { brokerSuspendMaxTimeMs, consumerTimeoutMsWhenSuspend } = this.options;
    return this.pullOne(
      queue,
      offset,
      options,
      brokerSuspendMaxTimeMs,
      options.timeoutMs ?? consumerTimeoutMsWhenSuspend,
    );
  }

  /**
   * Has the group get a message again later, from its retry topic, or moves it to the dead letter queue.
   * @param delayLevel of the broker, 1..18 by default; 0: the broker's choice, by the number of deliveries; below 0: to the dead
   *   letter queue at once
   *
   * Rejects with ConfigurationError when the level is no integer, ConsumeError when no broker could store the message.
   */
  async sendMessageBack(message: MessageExt, delayLevel = 0): Promise<void> {
    this.checkRunning();
    if (!Number.isInteger(delayLevel)) throw this.refused(`The delay level must be an integer, got ${delayLevel}.`);
    const { brokerName = '', msgId, queueId, topic } = message;
    const queue = this.inner({ topic, brokerName, queueId });
    const sendBack = new SendBack(this.instance, this.brokers, this.wireGroup, this.options.maxReconsumeTimes);
    const stored = await (delayLevel < 0
      ? sendBack.giveUp(message, queue)
      : sendBack.retry(message, queue, delayLevel));
    if (stored) return;
    throw new ConsumeError(
      `Message ${msgId} of topic ${topic} could not be given back to group ${this.group}: no broker stored it. Try again; the log has the brokers' answers.`,
      { context: { group: this.group, topic, msgId }, retriable: true },
    );
  }

  // Offsets

  /** Notes how far the group is in a queue; written every persistConsumerOffsetIntervalMs, by persistConsumerOffset() and by close(). */
  updateConsumeOffset(queue: MessageQueue, offset: number): void {
    this.checkRunning();
    this.members.note(this.inner(queue), this.checkOffset(queue, offset));
  }

  /** Writes all noted offsets. Rejects as the broker calls do; every offset has been tried then. */
  async persistConsumerOffset(): Promise<void> {
    this.checkRunning();
    await this.members.persist();
  }

  /**
   * The group's offset of a queue: the noted one, else the one last written; null when there is none.
   * @param fromStore only the one last written counts
   */
  async fetchConsumeOffset(queue: MessageQueue, fromStore = false): Promise<number | null> {
    this.checkRunning();
    const inner = this.inner(queue);
    const { progress } = this.members;
    const noted = progress.store.peek(queueKey(inner));
    return noted >= 0 && !fromStore ? noted : progress.committed(inner);
  }

  /** The offset of the next message to come. Rejects as the broker calls do. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.brokers.maxOffset(this.inner(queue));
  }

  /** The offset of the oldest message. */
  async minOffset(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.brokers.minOffset(this.inner(queue));
  }

  /** The offset of the first message stored at or after a time (ms since 1970, or a Date); on brokers of 4.9 the one stored nearest. */
  async searchOffset(queue: MessageQueue, timestamp: number | Date): Promise<number> {
    this.checkRunning();
    return this.brokers.searchOffset(this.inner(queue), Number(timestamp));
  }

  /** When the oldest message was stored, in ms since 1970; -1 when the queue is empty. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number> {
    this.checkRunning();
    return this.brokers.earliestMsgStoreTime(this.inner(queue));
  }

  protected join(): Promise<void> {
    return this.members.join();
  }

  protected async drain(): Promise<void> {}

  protected leave(): Promise<void> {
    return this.members.leave();
  }

  private async pullOne(
    queue: MessageQueue,
    offset: number,
    options: PullOptions,
    suspendMs: number,
    timeoutMs: number,
  ): Promise<PullResult> {
    this.checkRunning();
    const { filter = SUB_ALL, maxBytes = UNLIMITED_BYTES, maxNums = DEFAULT_MAX_NUMS } = options;
    this.checkOffset(queue, offset);
    this.checkRange('maxNums', maxNums, LARGEST_MAX_NUMS);
    this.checkRange('maxBytes', maxBytes, UNLIMITED_BYTES);
    this.checkRange('timeoutMs', timeoutMs, UNLIMITED_BYTES);
    const inner = this.inner(queue);
    validateTopic(inner.topic);
    const key = queueKey(inner);
    this.members.used(inner.topic);
    const { result, brokerId } = await pullOnce(this.brokers, {
      group: this.wireGroup,
      queue: inner,
      subscription: subscriptionOf(inner.topic, filter),
      offset,
      maxNums,
      maxBytes,
      suspendMs,
      timeoutMs,
      brokerId: this.suggested.get(key) ?? MASTER_ID,
    });
    this.suggested.set(key, brokerId);
    for (const message of result.messages) this.instance.namespace.unwrapMessage(message);
    return result;
  }

  private register(topic: string): void {
    const name = this.instance.namespace.wrapTopic(topic);
    validateTopic(name);
    this.members.register(name);
  }

  private shareChanged(topic: string, all: readonly MessageQueue[], assigned: readonly MessageQueue[]): void {
    const { namespace, logger } = this.instance;
    try {
      const listener = this.listeners.get(topic);
      listener?.(namespace.unwrapTopic(topic), namespace.unwrapQueues(all), namespace.unwrapQueues(assigned));
    } catch (error) {
      logger.warn(`the queue listener of topic ${topic} threw`, { group: this.group, error });
    }
  }

  private checkOffset(queue: MessageQueue, offset: number): number {
    if (Number.isSafeInteger(offset) && offset >= 0) return offset;
    throw this.refused(`An offset of queue ${queueKey(queue)} must be an integer >= 0, got ${offset}.`, { ...queue });
  }

  private checkRange(name: string, value: number, max: number): void {
    if (Number.isInteger(value) && value >= 1 && value <= max) return;
    throw this.refused(`${name} of a pull must be an integer from 1 to ${max}, got ${value}.`, { [name]: value });
  }
}
