import type { Logger } from '@rocketnest/remoting';
import type { ClientInstance } from '../instance.js';
import { compareText, type MessageQueue, queueKey } from '../message-queue.js';
import { within } from '../within.js';
import type { AllocateStrategy } from './allocate.js';
import type { OffsetStore } from './offset-store.js';
import type { Assignments } from './pop/assignments.js';
import { ProcessQueue } from './process-queue.js';
import { LOCK_RENEWAL_MS, type QueueLocks } from './queue-locks.js';
import type { StartOffsets } from './start-offset.js';

/** Pause before the next attempt when a queue could not be taken over yet. Java: rebalanceLater. ms */
const UNBALANCED_RETRY_MS = 500;

export interface RebalanceOptions {
  readonly group: string;
  readonly instance: ClientInstance;
  readonly strategy: AllocateStrategy;
  /** Every member reads every queue. */
  readonly broadcasting: boolean;
  /** Set when brokers say which queues are ours. */
  readonly assignments?: Assignments | undefined;
  /** Set when queues are consumed in order by one member of the group at a time. */
  readonly locks: QueueLocks | undefined;
  readonly offsets: OffsetStore;
  readonly startOffsets: Pick<StartOffsets, 'of'>;
  readonly intervalMs: number;
  readonly logger: Logger;
  /** Subscribed topics, the retry topic included. */
  topics(): Iterable<string>;
  /** A queue is ours now: start pulling at `offset`. */
  onAdded(queue: ProcessQueue, offset: number): void;
  /** The queue is no longer ours: stop pulling. */
  onDropped(queue: ProcessQueue): void;
  /** The members of the group, sorted, as a broker of the topic knows them. */
  onMembers?(members: readonly string[], topic: string): void;
  /** The share changed; resolves when brokers know. */
  onChanged(topic: string): Promise<void>;
}

/**
 * Keeps this member's share of the queues: computes it now and then and whenever the group or a route changes, takes new
 * queues over and gives up those of others. One computation runs at a time; requests during one lead to one more.
 * Java: RebalanceImpl, RebalancePushImpl, RebalanceService.
 */
export class Rebalance {
  /** Queues that are ours, and dropped ones whose last handler still runs under their lock. */
  private readonly table = new Map<string, ProcessQueue>();
  /** Topics whose queues were seen, since when, and those queues: later ones have appeared while we run. */
  private readonly seen = new Map<string, { readonly at: number; readonly queues: Set<string> }>();
  private timer: NodeJS.Timeout | undefined;
  private renewal: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(private readonly options: RebalanceOptions) {}

  /** The first computation; later ones follow by themselves. */
  async start(): Promise<void> {
    if (this.options.locks !== undefined) {
      this.renewal = setInterval(() => void this.renewLocks(), LOCK_RENEWAL_MS);
    }
    await this.request();
  }

  /** Computes the share again, soon. Resolves when that is done. */
  request(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    this.again = true;
    this.running ??= this.runUntilQuiet();
    return this.running;
  }

  /** No changes any more; the queues stay as they are, and locked. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** After stop(): gives all queues up. What handlers still return is ignored from now on. */
  async releaseAll(): Promise<void> {
    clearInterval(this.renewal);
    const queues = [...this.table.values()];
    for (const queue of queues) this.drop(queue);
    this.table.clear();
    if (queues.length > 0) await this.options.locks?.unlock(queues);
  }

  /** Queues that are ours. */
  *queues(): IterableIterator<ProcessQueue> {
    for (const queue of this.table.values()) if (!queue.dropped) yield queue;
  }

  get(key: string): ProcessQueue | undefined {
    return this.table.get(key);
  }

  /**
   * Continues some of our queues from other offsets: what is held is thrown away, running handlers are waited for (at most
   * `waitMs`), the offset is committed and the queue taken over anew.
   */
  async reset(
    targets: readonly { readonly queue: ProcessQueue; readonly offset: number }[],
    waitMs: number,
  ): Promise<void> {
    for (const { queue } of targets) {
      this.drop(queue);
      queue.clear();
    }
    await Promise.all(
      targets.map(async ({ queue, offset }) => {
        await within(queue.idle(), waitMs);
        this.options.offsets.update(queue.key, queue.queue, offset, false);
        await this.forget(queue);
      }),
    );
    await this.request();
  }

  private async runUntilQuiet(): Promise<void> {
    clearTimeout(this.timer);
    let balanced = true;
    while (this.again && !this.stopped) {
      this.again = false;
      balanced = await this.rebalanceAll();
    }
    // In the same turn as the last look at `again`: a request from now on starts a new run.
    this.running = undefined;
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.request(), balanced ? this.options.intervalMs : UNBALANCED_RETRY_MS);
  }

  private async rebalanceAll(): Promise<boolean> {
    const topics = new Set(this.options.topics());
    this.options.assignments?.retain(topics);
    const results = await Promise.all([...topics].map((topic) => this.rebalanceTopic(topic)));
    await Promise.all(
      [...this.queues()].filter((queue) => !topics.has(queue.queue.topic)).map((queue) => this.remove(queue)),
    );
    for (const topic of this.seen.keys()) if (!topics.has(topic)) this.seen.delete(topic);
    return results.every(Boolean);
  }

  /** @returns false when something is left to be done soon */
  private async rebalanceTopic(topic: string): Promise<boolean> {
    const lookedAt = Date.now();
    try {
      // One look at the route for the whole round: queues that appear while it lasts are new in the next one.
      const all = this.options.instance.routes.subscribeInfo(topic);
      const share = await this.shareOf(topic, all);
      if (share === null) return false;
      const [changed, balanced] = await this.apply(topic, share);
      if (!this.isReleasing(topic)) this.options.assignments?.pop(topic);
      this.remember(topic, all, lookedAt);
      if (changed) {
        this.options.logger.info(`group ${this.options.group} consumes ${share.length} queues of topic ${topic} here`, {
          group: this.options.group,
          topic,
          strategy: this.options.strategy.name,
          queues: share.map(queueKey),
        });
        await this.options.onChanged(topic);
      }
      return balanced;
    } catch (error) {
      this.options.logger.warn(`queues of topic ${topic} could not be shared out; it is tried again`, {
        group: this.options.group,
        topic,
        error,
      });
      return false;
    }
  }

  /** The queues that are this member's; null when the group cannot be asked yet. */
  private async shareOf(topic: string, all: readonly MessageQueue[]): Promise<readonly MessageQueue[] | null> {
    const { broadcasting, group, instance, strategy } = this.options;
    if (broadcasting || all.length === 0) return all;
    const pulled = await this.options.assignments?.pulled(topic);
    if (pulled !== undefined) {
      // The group may not be known there yet.
      if (pulled === null) await instance.sendHeartbeats();
      return pulled;
    }
    const members = await instance.findConsumerIdList(topic, group);
    if (members === null || !members.includes(instance.clientId)) {
      // Our heartbeat has not reached that broker yet, or it restarted and forgot us.
      await instance.sendHeartbeats();
      return null;
    }
    members.sort(compareText);
    this.options.onMembers?.(members, topic);
    return strategy.allocate(instance.clientId, all, members);
  }

  private async apply(topic: string, share: readonly MessageQueue[]): Promise<[changed: boolean, balanced: boolean]> {
    const wanted = new Map(share.map((queue) => [queueKey(queue), queue]));
    const superfluous = [...this.queues()].filter((queue) => queue.queue.topic === topic && !wanted.has(queue.key));
    await Promise.all(superfluous.map((queue) => this.remove(queue)));
    const missing = [...wanted].filter(([key]) => !this.table.has(key)).map(([, queue]) => queue);
    const added = await Promise.all(missing.map((queue) => this.add(queue)));
    const releasing = [...wanted.keys()].some((key) => this.table.get(key)?.dropped);
    return [superfluous.length > 0 || added.includes(true), added.every(Boolean) && !releasing];
  }

  /** @returns false when the queue cannot be taken over yet */
  private async add(queue: MessageQueue): Promise<boolean> {
    const { locks, logger, offsets, startOffsets } = this.options;
    const added = new ProcessQueue(queue);
    if (locks !== undefined && !(await locks.lock(added))) return false;
    offsets.forget(added.key);
    const known = this.seen.get(queue.topic);
    const appeared = known !== undefined && !known.queues.has(added.key);
    let offset: number;
    try {
      offset = await startOffsets.of(queue, appeared, known?.at);
    } catch (error) {
      logger.warn(`the start offset of queue ${added.key} could not be read; it is tried again`, {
        queue,
        error,
      });
      await locks?.unlock([added]);
      return false;
    }
    if (this.stopped) {
      await locks?.unlock([added]);
      return false;
    }
    this.table.set(added.key, added);
    this.options.onAdded(added, offset);
    return true;
  }

  /** An ordered queue of the topic, which is no longer ours, has a running handler. */
  private isReleasing(topic: string): boolean {
    for (const { dropped, queue } of this.table.values()) if (dropped && queue.topic === topic) return true;
    return false;
  }

  private remember(topic: string, all: readonly MessageQueue[], lookedAt: number): void {
    const seen = this.seen.get(topic) ?? { at: lookedAt, queues: new Set() };
    for (const queue of all) seen.queues.add(queueKey(queue));
    this.seen.set(topic, seen);
  }

  /** Gives a queue up. An ordered one stays locked until its running handler is done, so that nobody overtakes it. */
  private async remove(queue: ProcessQueue): Promise<void> {
    this.drop(queue);
    if (this.options.locks === undefined || queue.inFlight === 0) {
      await this.forget(queue);
      return;
    }
    this.options.logger.info('an ordered queue moves to another member when its running handler is done', queue.queue);
    void queue
      .idle()
      .then(() => this.forget(queue))
      .then(() => this.request());
  }

  private drop(queue: ProcessQueue): void {
    queue.dropped = true;
    this.options.onDropped(queue);
  }

  private async forget(queue: ProcessQueue): Promise<void> {
    if (!this.holds(queue)) return;
    const { locks, offsets } = this.options;
    const persisted = offsets.persist([queue.key], true);
    offsets.forget(queue.key);
    await persisted;
    await locks?.unlock([queue]);
    if (this.holds(queue)) this.table.delete(queue.key);
  }

  /** False once the queue was given up, also when it was taken over anew since. */
  private holds(queue: ProcessQueue): boolean {
    return this.table.get(queue.key) === queue;
  }

  /** Somebody else holding a lock of ours means that we were thought dead: what we hold of the queue is outdated. */
  private async renewLocks(): Promise<void> {
    const { locks, logger, offsets } = this.options;
    if (locks === undefined) return;
    const lost = await locks.renew(this.table.values());
    for (const queue of lost) {
      if (!this.holds(queue)) continue;
      logger.warn('the lock of an ordered queue was lost to another member', queue.queue);
      this.drop(queue);
      offsets.forget(queue.key);
      this.table.delete(queue.key);
    }
    // By allocation they may still be ours: take them over anew, from the committed offset.
    if (lost.length > 0) void this.request();
  }
}
