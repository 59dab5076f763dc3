import { type ConfigurationError, type MessageExt, SUB_ALL, validateGroup } from '@rocketnest/protocol';
import type { ClientInstance } from '../../instance.js';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import type { clientOptionTable } from '../../options.js';
import { createConsumeTrace } from '../../trace/consume-trace.js';
import { MessageTrace } from '../../trace/message-trace.js';
import type { TraceStats } from '../../trace/trace-dispatcher.js';
import { within } from '../../within.js';
import { hookList } from '../outcome.js';
import type { QueueProgress } from '../pull/progress.js';
import { PullingClient } from '../pull/pulling-client.js';
import type { SubscriptionFilter } from '../subscription-of.js';
import type { AssignedQueue } from './assigned-queue.js';
import { BatchIterator } from './batch-iterator.js';
import { LitePullEngine } from './lite-pull-engine.js';
import {
  type LitePullConsumerOptions,
  type ResolvedLitePullConsumerOptions,
  resolveLitePullConsumerOptions,
} from './options.js';
import type { TopicMessageQueueChangeListener } from './queue-watch.js';
import { type MessageQueueListener, Selection } from './selection.js';

/** Options of a consumer on a shared instance: those of the client are the instance's. */
export type SharedLitePullConsumerOptions = Omit<LitePullConsumerOptions, keyof typeof clientOptionTable>;

/** Longest delay of a timer in Node; waiting longer is waiting for good. ms */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Messages when the application asks for them: of a share of its topics' queues, as a member of a group ({@link subscribe}), or of
 * queues it names ({@link assign}). Java: DefaultLitePullConsumer.
 *
 * ```ts
 * const consumer = new LitePullConsumer({ namesrvAddr: '127.0.0.1:9876', group: 'billing' }).subscribe('orders');
 * await consumer.start();
 * for await (const batch of consumer) await billAll(batch); // or: const batch = await consumer.poll();
 * ```
 *
 * A batch has the messages of one queue, at most `pullBatchSize`, in order. It counts as consumed once the next one is asked for (with
 * `autoCommit`) or commit() is called; what was handed out and not committed comes again after a restart.
 */
export class LitePullConsumer
  extends PullingClient<ResolvedLitePullConsumerOptions>
  implements AsyncIterable<MessageExt[]>
{
  private readonly selection: Selection;
  private readonly engine: LitePullEngine;
  private readonly trace: MessageTrace | undefined;
  private readonly loops = new Set<BatchIterator>();

  /**
   * @param instance a shared client instance, which the caller starts and closes; default: one of its own
   * @throws ConfigurationError on bad options
   */
  constructor(options: LitePullConsumerOptions);
  constructor(options: SharedLitePullConsumerOptions, instance: ClientInstance);
  constructor(options: LitePullConsumerOptions | SharedLitePullConsumerOptions, instance?: ClientInstance) {
    super(resolveLitePullConsumerOptions({ ...instance?.options, ...options } as LitePullConsumerOptions), instance);
    const { namespace, logger } = this.instance;
    const group = namespace.wrapGroup(this.group);
    validateGroup(group);
    this.selection = new Selection(this.group, namespace, logger);
    const { hooks, traceEnable } = this.options;
    this.trace = traceEnable ? new MessageTrace(this.instance, { ...this.options, group }, 'CONSUME') : undefined;
    const traceHooks = this.trace === undefined ? [] : [createConsumeTrace(this.trace, Number.POSITIVE_INFINITY)];
    this.engine = new LitePullEngine(this.instance, this.options, group, this.selection, [
      ...hookList(hooks),
      ...traceHooks,
    ]);
  }

  // What is read

  /**
   * Adds a topic, or gives it another filter; possible at any time. Members of the group share its queues.
   * @param filter tags, e.g. `paid || shipped`, `*` for all, or `{ sql92: 'amount > 100' }`; see PushConsumer.subscribe
   * @param listener called when this member's share of the topic has changed, e.g. to seek in new queues
   * @throws ConfigurationError for an invalid topic or expression, or after assign()
   */
  subscribe(topic: string, filter: SubscriptionFilter = SUB_ALL, listener?: MessageQueueListener): this {
    this.selection.subscribe(topic, filter, listener);
    void this.engine.subscriptionsChanged();
    return this;
  }

  /** Gives the queues of a subscribed topic up. */
  unsubscribe(topic: string): this {
    this.selection.unsubscribe(topic);
    void this.engine.subscriptionsChanged();
    return this;
  }

  /**
   * Reads these queues, and no others that were assigned before; possible at any time. Nothing is shared with other members.
   * Reading starts at the committed offset, else where `consumeFrom` says; seek() changes that.
   * @throws ConfigurationError without queues, or after subscribe()
   */
  assign(queues: readonly MessageQueue[]): this {
    this.selection.enter('assign');
    if (queues.length === 0) {
      throw this.refused('assign() needs at least one queue. fetchMessageQueues(topic) lists those of a topic.');
    }
    this.engine.assign(queues.map((queue) => this.inner(queue)));
    return this;
  }

  /**
   * Which messages of a topic's assigned queues are read; all of them by default. Java: setSubExpressionForAssign.
   * @throws ConfigurationError for an invalid topic or expression, or after subscribe()
   */
  setSubExpressionForAssign(topic: string, filter: SubscriptionFilter): this {
    this.selection.filterAssigned(topic, filter);
    return this;
  }

  /** Queues being read, sorted. */
  get assignment(): readonly MessageQueue[] {
    return this.instance.namespace.unwrapQueues(this.engine.assignment);
  }

  // Life

  /**
   * Joins the group and, with subscriptions, takes over its share of the queues. Idempotent. It may have neither subscriptions nor
   * queues yet.
   * @throws ConfigurationError when the instance has a consumer of this group already; ConnectionError when no name server answers;
   *   ResponseError when a broker refuses an SQL filter. The consumer is closed then.
   */
  override start(): Promise<void> {
    return super.start();
  }

  /**
   * Stops pulling, waits up to shutdownTimeoutMs for the body of a running `for await` loop, commits what is processed and leaves the
   * group. A poll() that waits gets nothing. The batch that poll() handed out last is committed only by commit(), which must come
   * before. Idempotent. Do not await it inside such a loop: leave the loop first.
   */
  override close(): Promise<void> {
    return super.close();
  }

  // Reading

  /**
   * The next messages, all of one queue, in order; none when nothing came in time. With `autoCommit`, what was handed out before counts
   * as consumed from now on.
   * @param timeoutMs how long to wait; 0: not at all. Default: pollTimeoutMs
   * @param options `signal` ends the waiting: poll() rejects with its reason
   *
   * Rejects with ConfigurationError for a bad timeout, or while another poll() or a loop reads with `autoCommit`, which could not tell
   * whose messages are done; ClosedError before start() and after close().
   */
  async poll(
    timeoutMs: number = this.options.pollTimeoutMs,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<MessageExt[]> {
    this.checkRunning();
    if (!(timeoutMs >= 0)) throw this.refused(`poll() waits for a number of ms, 0 or more, got ${timeoutMs}.`);
    if (this.options.autoCommit && this.loops.size > 0) throw this.readTwice('a `for await` loop reads this consumer');
    return this.nextMessages(timeoutMs, options.signal);
  }

  /**
   * Batches until close(): `for await (const batch of consumer)`. Leaving the loop keeps the consumer running; the batch it was left
   * with counts as consumed when somebody reads on.
   * @throws ConfigurationError with `autoCommit`, while another loop reads
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<MessageExt[]> {
    if (this.options.autoCommit && this.loops.size > 0) throw this.readTwice('another loop reads this consumer');
    const loop = new BatchIterator(
      () => this.nextBatch(),
      (ended) => this.loops.delete(ended),
    );
    this.loops.add(loop);
    return loop;
  }

  /** Neither pulls these queues nor hands their messages out, until resume(). Queues that are not assigned are ignored. */
  pause(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      const assigned = this.engine.get(this.inner(queue));
      if (assigned !== undefined) this.engine.pause(assigned);
    }
  }

  /** Goes on after pause(). */
  resume(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      const assigned = this.engine.get(this.inner(queue));
      if (assigned !== undefined) this.engine.resume(assigned);
    }
  }

  isPaused(queue: MessageQueue): boolean {
    return this.engine.get(this.inner(queue))?.paused ?? false;
  }

  /** What became of the trace records; undefined without traceEnable. */
  get traceStats(): TraceStats | undefined {
    return this.trace?.stats;
  }

  // Offsets

  /**
   * Has the next poll() go on at another offset of an assigned queue; what was prefetched is thrown away.
   *
   * Rejects with ConfigurationError when the queue is not assigned or has no such offset; else as the broker calls do.
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    const { min, max } = await this.range(queue);
    if (!(Number.isSafeInteger(offset) && offset >= min && offset <= max)) {
      throw this.refused(
        `Queue ${queueKey(queue)} has no offset ${offset}: seek to ${min} (its oldest message) … ${max} (the next one to come).`,
        { ...queue, offset, min, max },
      );
    }
    this.engine.seek(this.assigned(queue), offset);
  }

  /** The same, to the oldest message. */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    const { min } = await this.range(queue);
    this.engine.seek(this.assigned(queue), min);
  }

  /** The same, to the messages that will be stored from now on. */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    const { max } = await this.range(queue);
    this.engine.seek(this.assigned(queue), max);
  }

  /** The offset that poll() hands out next; null when the queue is not assigned or its start is not known yet. */
  position(queue: MessageQueue): number | null {
    const assigned = this.engine.get(this.inner(queue));
    return assigned?.open ? assigned.position : null;
  }

  /**
   * Commits offsets: those of everything handed out so far, of all queues or of the named ones, or the given ones, each the offset
   * after the last consumed message. A queue that has gone to another member meanwhile is left out, with a warning.
   * @param options `persist: false` notes them for the next interval (autoCommitIntervalMs) and resolves at once
   *
   * Rejects as the broker calls do; every queue has been tried then. Java: commit().
   */
  async commit(
    queues?: readonly MessageQueue[] | ReadonlyMap<MessageQueue, number>,
    options: { readonly persist?: boolean } = {},
  ): Promise<void> {
    this.checkOpen();
    const { progress } = this.engine;
    const targets = this.commitTargets(queues);
    if (options.persist ?? true) await progress.commit(targets);
    else for (const target of targets) progress.note(target);
  }

  /** The group's committed offset of a queue; null when it has none. Rejects as the broker calls do. */
  async committed(queue: MessageQueue): Promise<number | null> {
    this.checkOpen();
    return this.engine.progress.committed(this.inner(queue));
  }

  /**
   * The offset of the first message stored at or after a time (ms since 1970, or a Date): the one to seek to. Brokers of 4.9 and
   * before name the message stored nearest to the time instead.
   */
  async offsetForTimestamp(queue: MessageQueue, timestamp: number | Date): Promise<number> {
    this.checkOpen();
    return this.engine.brokers.searchOffset(this.inner(queue), Number(timestamp));
  }

  // Topics

  /** The readable queues of a topic, as name servers know them now. Rejects with NoRouteError when it does not exist. */
  fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    return this.readableQueues(topic);
  }

  /**
   * Calls `listener` when a topic has other readable queues than before, whoever reads them.
   * @returns takes the listener away again
   */
  registerTopicMessageQueueChangeListener(topic: string, listener: TopicMessageQueueChangeListener): () => void {
    const remove = this.selection.watchQueues(topic, listener);
    this.engine.watched();
    return remove;
  }

  protected join(): Promise<void> {
    this.trace?.start();
    return this.engine.start();
  }

  /** Waits for the bodies of loops, which then come for the next batch and learn that there is none. */
  protected async drain(): Promise<void> {
    await this.engine.stop();
    const { shutdownTimeoutMs } = this.options;
    const over = Promise.all(Array.from(this.loops, (loop) => loop.ended())).then(() => true);
    if (!(await within(over, shutdownTimeoutMs))) {
      this.instance.logger.error(
        `consumer group ${this.group} closes while a loop still works after ${shutdownTimeoutMs} ms; its messages are not committed and come again`,
        { group: this.group, msgIds: this.engine.unsettled },
      );
    }
  }

  protected async leave(): Promise<void> {
    await this.engine.close();
    await this.trace?.close();
  }

  private nextMessages(timeoutMs: number, signal?: AbortSignal): Promise<MessageExt[]> {
    signal?.throwIfAborted();
    if (this.options.autoCommit && this.engine.hasWaiters) throw this.readTwice('another poll() is waiting');
    return this.engine.poll(timeoutMs > MAX_TIMER_MS ? Number.POSITIVE_INFINITY : timeoutMs, signal);
  }

  /** What a loop reads: null when the consumer is closed. */
  private async nextBatch(): Promise<MessageExt[] | null> {
    if (this.ended) {
      this.engine.settle();
      return null;
    }
    this.checkRunning();
    const messages = await this.nextMessages(Number.POSITIVE_INFINITY);
    return messages.length > 0 ? messages : null;
  }

  private commitTargets(
    queues: readonly MessageQueue[] | ReadonlyMap<MessageQueue, number> | undefined,
  ): QueueProgress[] {
    const wanted: [MessageQueue, number | undefined][] =
      queues instanceof Map
        ? [...queues]
        : ((queues as readonly MessageQueue[] | undefined) ?? this.assignment).map((queue) => [queue, undefined]);
    return wanted.flatMap(([queue, offset]) => {
      if (offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0)) {
        throw this.refused(
          `Offset ${offset} of queue ${queueKey(queue)} cannot be committed: it must be an integer >= 0.`,
        );
      }
      const assigned = this.engine.get(this.inner(queue));
      if (assigned?.open) return [{ queue: assigned.queue, offset: offset ?? assigned.position }];
      if (queues !== undefined) {
        this.instance.logger.warn(
          `queue ${queueKey(queue)} is not assigned here (any more): its offset is not committed`,
          {
            group: this.group,
          },
        );
      }
      return [];
    });
  }

  private async range(queue: MessageQueue): Promise<{ min: number; max: number }> {
    this.checkOpen();
    const { queue: inner } = this.assigned(queue);
    const { brokers } = this.engine;
    const [min, max] = await Promise.all([brokers.minOffset(inner), brokers.maxOffset(inner)]);
    return { min, max };
  }

  private assigned(queue: MessageQueue): AssignedQueue {
    const assigned = this.engine.get(this.inner(queue));
    if (assigned !== undefined) return assigned;
    const next = this.selection.assigning
      ? 'assign() it first.'
      : 'It may have gone to another member: look at `assignment`.';
    throw this.refused(
      `Queue ${queueKey(queue)} is not assigned to this consumer of group ${this.group}. ${next}`,
      queue,
    );
  }

  private readTwice(why: string): ConfigurationError {
    return this.refused(
      `Consumer group ${this.group} cannot be read from two places: ${why}, and autoCommit could not tell whose messages are done. Set autoCommit: false and commit() offsets, or read in one place.`,
    );
  }
}
