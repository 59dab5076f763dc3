import type { ConsumerData, ConsumerRunningInfo, MessageExt } from '@rocketnest/protocol';
import type { ClientInstance, ConsumerRegistration } from '../../instance.js';
import { compareQueues, type MessageQueue, queueKey } from '../../message-queue.js';
import type { TopicRoute } from '../../routes.js';
import { allocateStrategyOf } from '../allocate-by-name.js';
import { BrokerLink } from '../broker-link.js';
import { checkFilters } from '../check-filters.js';
import { ConsumeStats } from '../consume-stats.js';
import type { ConsumeHooks } from '../outcome.js';
import { Progress } from '../pull/progress.js';
import { noHandler } from '../pull/pull-group.js';
import type { PullContext } from '../pull-loop.js';
import { Rebalance } from '../rebalance.js';
import { StartOffsets } from '../start-offset.js';
import { AssignedQueue } from './assigned-queue.js';
import { HandOuts } from './hand-outs.js';
import { type Batch, Inbox } from './inbox.js';
import type { ResolvedLitePullConsumerOptions } from './options.js';
import { createLitePullRunningInfo } from './running-info.js';
import type { Selection } from './selection.js';

/** Lite pulls leave the size of an answer to the broker, as Java's do. */
const UNLIMITED_BYTES = 0x7fff_ffff;

/**
 * The parts of a started lite pull consumer and how they work together:
 *
 *     Rebalance ─┐
 *                ├─queues─▶ AssignedQueue (PullLoop) ──messages──▶ Inbox ──▶ poll()
 *     assign() ──┘               └── OffsetStore ◀── processed ── HandOuts ◀───┘
 */
export class LitePullEngine implements ConsumerRegistration {
  private readonly startedAt = Date.now();
  readonly brokers: BrokerLink;
  readonly progress: Progress;
  private readonly startOffsets: StartOffsets;
  private readonly rebalance: Rebalance;
  private readonly stats = new ConsumeStats();
  private readonly inbox: Inbox;
  private readonly handOuts: HandOuts;
  private readonly table = new Map<string, AssignedQueue>();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Pulling rests until poll() has made room. */
  private full = false;
  private closing = false;
  private registered = false;
  private started = false;

  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ResolvedLitePullConsumerOptions,
    /** As brokers know it. */
    private readonly group: string,
    private readonly selection: Selection,
    hooks: readonly ConsumeHooks[],
  ) {
    const { clientId, logger } = instance;
    const { localOffsetStoreDir } = options;
    const broadcasting = options.messageModel === 'BROADCASTING';
    const brokers = new BrokerLink(instance, group);
    this.brokers = brokers;
    this.progress = new Progress({ group, clientId, logger, brokers, broadcasting, localOffsetStoreDir });
    this.startOffsets = new StartOffsets(options.consumeFrom, brokers, this.progress.store, this.startedAt);
    this.inbox = new Inbox(options.pullBatchSize);
    this.handOuts = new HandOuts(options.group, hooks, logger);
    this.rebalance = new Rebalance({
      group,
      instance,
      strategy: allocateStrategyOf(options.allocate),
      broadcasting,
      locks: undefined,
      offsets: this.progress.store,
      startOffsets: this.startOffsets,
      intervalMs: options.rebalanceIntervalMs,
      logger,
      topics: () => selection.subscriptions.topics(),
      onAdded: ({ queue }, offset) => this.addQueue(queue).seek(offset),
      onDropped: ({ key }) => this.dropQueue(key),
      onChanged: (topic) => this.shareChanged(topic),
    });
  }

  /** Joins the group. Rejects when no name server answers. */
  async start(): Promise<void> {
    const { instance, options, selection } = this;
    await this.progress.store.load();
    await Promise.all([...this.topics()].map((topic) => instance.routes.refresh(topic)));
    await checkFilters(instance, this.group, selection.subscriptions.forHeartbeat());
    instance.registerConsumer(this.group, this);
    this.registered = true;
    this.watched();
    await instance.joinGroups();
    await this.rebalance.start();
    this.started = true;
    for (const assigned of this.table.values()) if (!assigned.open) void this.openAssigned(assigned);
    this.every(options.autoCommitIntervalMs, () => void this.persist(false));
    this.every(options.topicMetadataCheckIntervalMs, () => {
      // The route table tells onRouteChanged what it finds.
      for (const topic of selection.watch.topics()) instance.routes.refresh(topic).catch(() => {});
    });
  }

  /** Nothing is pulled nor handed out any more, and no share changes. */
  async stop(): Promise<void> {
    this.closing = true;
    await this.rebalance.stop();
    for (const assigned of this.table.values()) assigned.drop();
    this.inbox.release();
  }

  /** Commits what is processed and leaves the group. */
  async close(): Promise<void> {
    await this.stop();
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    await this.persist(true);
    await this.rebalance.releaseAll();
    if (this.registered) await this.instance.unregisterConsumer(this.group);
  }

  // Reading

  /** The next messages of one queue; empty when none came within `timeoutMs`. Settles what was handed out before. */
  async poll(timeoutMs: number, signal: AbortSignal | undefined): Promise<MessageExt[]> {
    this.settle();
    const batch = this.inbox.next() ?? (timeoutMs === 0 ? null : await this.inbox.wait(timeoutMs, signal));
    return batch === null ? [] : this.handOut(batch);
  }

  get hasWaiters(): boolean {
    return this.inbox.hasWaiters;
  }

  /** What was handed out is done. */
  settle(): void {
    this.handOuts.settle((assigned) => {
      assigned.settle();
      if (this.holds(assigned)) this.note(assigned);
    });
  }

  /** Ids of the messages that are handed out and not settled. */
  get unsettled(): string[] {
    return this.handOuts.msgIds;
  }

  private handOut(batch: Batch): MessageExt[] {
    const { namespace } = this.instance;
    for (const message of batch.messages) namespace.unwrapMessage(message);
    this.handOuts.add(batch, namespace.unwrapQueue(batch.assigned.queue));
    this.roomMade();
    return batch.messages;
  }

  // Queues

  /** Replaces the queues that were assigned by hand. */
  assign(queues: readonly MessageQueue[]): void {
    const wanted = new Map(queues.map((queue) => [queueKey(queue), queue]));
    const superfluous = [...this.table.keys()].filter((key) => !wanted.has(key));
    void this.progress.store.persist(superfluous, false);
    for (const key of superfluous) this.dropQueue(key);
    for (const [key, queue] of wanted) {
      if (this.table.has(key)) continue;
      const assigned = this.addQueue(queue);
      if (this.started) void this.openAssigned(assigned);
    }
  }

  /** The queues being read, sorted. */
  get assignment(): readonly MessageQueue[] {
    return Array.from(this.table.values(), ({ queue }) => queue).sort(compareQueues);
  }

  get(queue: MessageQueue): AssignedQueue | undefined {
    return this.table.get(queueKey(queue));
  }

  pause(assigned: AssignedQueue): void {
    assigned.paused = true;
  }

  resume(assigned: AssignedQueue): void {
    assigned.paused = false;
    assigned.resume();
    this.inbox.offer(assigned);
  }

  seek(assigned: AssignedQueue, offset: number): void {
    assigned.seek(offset);
    this.note(assigned);
    this.roomMade();
  }

  private addQueue(queue: MessageQueue): AssignedQueue {
    const assigned = new AssignedQueue(queue, (of) => this.contextFor(of));
    this.table.set(assigned.key, assigned);
    return assigned;
  }

  private dropQueue(key: string): void {
    this.table.get(key)?.drop();
    this.table.delete(key);
    this.roomMade();
  }

  private holds(assigned: AssignedQueue): boolean {
    return this.table.get(assigned.key) === assigned;
  }

  /** Starts a queue that was assigned by hand, as soon as its start offset can be read. A seek() before that decides. */
  private async openAssigned(assigned: AssignedQueue): Promise<void> {
    try {
      const offset = await this.startOffsets.of(assigned.queue, false);
      if (this.closing || !this.holds(assigned)) return;
      if (!assigned.open) assigned.seek(offset);
      else this.note(assigned);
    } catch (error) {
      if (this.closing || !this.holds(assigned) || assigned.open) return;
      this.instance.logger.warn(`the start offset of queue ${assigned.key} could not be read; it is tried again`, {
        queue: assigned.queue,
        error,
      });
      this.later(this.options.pullRetryDelayMs, () => void this.openAssigned(assigned));
    }
  }

  private contextFor(assigned: AssignedQueue): PullContext {
    const { instance, options, selection } = this;
    const isPaused = () => assigned.paused || this.isFull();
    return {
      group: this.group,
      brokers: this.brokers,
      offsets: { peek: () => -1, update: (_key, _queue, offset) => this.skipped(assigned, offset) },
      stats: this.stats,
      logger: instance.logger,
      limits: {
        messages: options.pullThresholdForQueue,
        mib: options.pullThresholdSizeForQueueMiB,
        span: options.consumeMaxSpan,
      },
      batchSize: options.pullBatchSize,
      batchBytes: UNLIMITED_BYTES,
      intervalMs: 0,
      retryDelayMs: options.pullRetryDelayMs,
      clustering: false,
      lite: { suspendMs: options.brokerSuspendMaxTimeMs, timeoutMs: options.consumerTimeoutMsWhenSuspend },
      get paused() {
        return isPaused();
      },
      subscription: (topic) => selection.filterOf(topic),
      onMessages: () => this.inbox.offer(assigned),
      onOffsetMoved: (_queue, offset) => assigned.moveTo(offset),
    };
  }

  /** Whether so many messages wait for poll(), over all queues, that pulling has to rest. */
  private isFull(): boolean {
    this.full ||= this.isOverThreshold();
    return this.full;
  }

  private isOverThreshold(): boolean {
    let waiting = 0;
    for (const assigned of this.table.values()) waiting += assigned.waiting;
    return waiting > this.options.pullThresholdForAll;
  }

  private roomMade(): void {
    if (!this.full || this.isOverThreshold()) return;
    this.full = false;
    for (const assigned of this.table.values()) assigned.resume();
  }

  private skipped(assigned: AssignedQueue, offset: number): void {
    assigned.skipTo(offset);
    if (!this.handOuts.includes(assigned)) this.note(assigned);
  }

  /** A queue's reader has come further, or was moved. */
  private note({ open, processed, queue }: AssignedQueue): void {
    if (this.options.autoCommit && open) this.progress.note({ queue, offset: processed });
  }

  private persist(confirmed: boolean): Promise<void> {
    return this.progress.store.persist(this.table.keys(), confirmed);
  }

  // Topics

  /** Brokers learn of changed subscriptions, then the share is computed again. */
  async subscriptionsChanged(): Promise<void> {
    if (!this.registered || this.closing) return;
    await this.instance.refreshRoutes();
    await this.instance.sendHeartbeats();
    await this.rebalance.request();
  }

  /** What watched topics have now is what changes are told against. */
  watched(): void {
    if (!this.registered || this.closing) return;
    const { routes } = this.instance;
    for (const topic of this.selection.watch.topics()) {
      const route = routes.get(topic);
      if (route === undefined) routes.refresh(topic).catch(() => {});
      else this.selection.watch.see(route);
    }
  }

  private async shareChanged(topic: string): Promise<void> {
    const all = this.instance.routes.subscribeInfo(topic);
    const assigned = this.assignment.filter((queue) => queue.topic === topic);
    this.selection.shareChanged(topic, all, assigned);
    this.selection.subscriptions.touch(topic);
    await this.instance.sendHeartbeats();
  }

  // ConsumerRegistration: what the instance asks of a group

  topics(): Set<string> {
    const assigned = Array.from(this.table.values(), ({ queue }) => queue.topic);
    return new Set([...this.selection.subscriptions.topics(), ...this.selection.watch.topics(), ...assigned]);
  }

  heartbeat(): ConsumerData {
    return {
      groupName: this.group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: this.options.messageModel,
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptionDataSet: this.selection.subscriptions.forHeartbeat(),
      unitMode: this.options.unitMode,
    };
  }

  onConsumerIdsChanged(): void {
    void this.rebalance.request();
  }

  onRouteChanged(route: TopicRoute): void {
    this.selection.watch.see(route);
    if (this.selection.subscriptions.get(route.topic) !== undefined) void this.rebalance.request();
  }

  /** Java's pull consumers ignore it. */
  async resetOffset(
    topic: string,
    offsets: readonly { readonly queue: MessageQueue; readonly offset: number }[],
  ): Promise<void> {
    const targets = offsets.flatMap(({ queue, offset }) => {
      const assigned = queue.topic === topic ? this.get(queue) : undefined;
      if (assigned !== undefined) return [{ assigned, offset }];
      // What the store may remember of a queue that was ours is outdated.
      this.progress.note({ queue, offset });
      this.progress.store.forget(queueKey(queue));
      return [];
    });
    for (const { assigned, offset } of targets) assigned.seek(offset);
    this.roomMade();
    await this.progress.commit(targets.map(({ assigned, offset }) => ({ queue: assigned.queue, offset })));
  }

  runningInfo(): ConsumerRunningInfo {
    return createLitePullRunningInfo({
      options: this.options,
      group: this.group,
      nameServers: this.instance.nameServers.addresses,
      startedAt: this.startedAt,
      subscriptions: this.selection.subscriptions.forHeartbeat(),
      queues: [...this.table.values()],
      offsets: this.progress.store,
      stats: this.stats,
    });
  }

  consumeDirectly(): Promise<never> {
    return Promise.reject(noHandler(this.group));
  }

  consumerStatus(topic: string): { queue: MessageQueue; offset: number }[] {
    return Array.from(this.table.values(), ({ queue, key }) => ({
      queue,
      offset: this.progress.store.peek(key),
    })).filter(({ queue, offset }) => queue.topic === topic && offset >= 0);
  }

  private every(ms: number, task: () => void): void {
    this.timers.add(setInterval(task, ms));
  }

  private later(ms: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      task();
    }, ms);
    this.timers.add(timer);
  }
}
