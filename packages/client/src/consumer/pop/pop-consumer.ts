import type { ClientInstance } from '../../instance.js';
import { type MessageQueue, queueKey } from '../../message-queue.js';
import { within } from '../../within.js';
import type { BrokerLink } from '../broker-link.js';
import type { ConsumeStats } from '../consume-stats.js';
import type { Batch } from '../consumption.js';
import type { HandlerCall } from '../handler-call.js';
import { effectiveMaxReconsumeTimes, type ResolvedPushConsumerOptions } from '../options.js';
import type { SendBack } from '../send-back.js';
import type { Subscriptions } from '../subscriptions.js';
import { setFirstOffsets } from './first-offsets.js';
import { ConcurrentPopConsumption } from './pop-concurrently.js';
import type { PopConsumption } from './pop-consumption.js';
import type { PopLink } from './pop-link.js';
import { type PopContext, PopLoop } from './pop-loop.js';
import { OrderlyPopConsumption } from './pop-orderly.js';
import { type PopLane, PopQueue } from './pop-queue.js';

/** How long a member that leaves waits for the answers to its last pops. ms */
const LAST_ANSWERS_MS = 200;
/** Java: ConsumeInitMode. */
const InitMode = { MIN: 0, MAX: 1 } as const;

export interface PopConsumerParts {
  readonly instance: ClientInstance;
  readonly options: ResolvedPushConsumerOptions;
  readonly subscriptions: Subscriptions;
  readonly brokers: BrokerLink;
  readonly link: PopLink;
  readonly calls: HandlerCall;
  readonly sendBack: SendBack;
  readonly stats: ConsumeStats;
  /** A queue was assigned, or is no longer. */
  onAdded(queue: PopQueue): void;
  onDropped(queue: PopQueue): void;
}

/**
 * The popping half of a push consumer whose queues brokers assign:
 *
 *     Assignments ──queues──▶ PopLoop ──lanes──▶ PopConsumption ──▶ HandlerCall ──▶ business code
 *                                │                     │
 *                                └────── PopLink ◀─────┴─ acknowledged, to come again, or given up ▶ SendBack
 */
export class PopConsumer {
  readonly consumption: PopConsumption;
  private readonly loops = new Map<string, { readonly queue: PopQueue; readonly loop: PopLoop }>();
  private readonly context: PopContext;
  private paused = false;

  constructor(private readonly parts: PopConsumerParts) {
    const { calls, instance, link, options, sendBack } = parts;
    const shared = {
      group: options.group,
      concurrency: options.concurrency,
      batchSize: options.consumeMessageBatchMaxSize,
      invisibleMs: options.popInvisibleTimeMs,
      consumeTimeoutMs: options.consumeTimeoutMs,
      maxReconsumeTimes: effectiveMaxReconsumeTimes(options),
      calls,
      link,
      sendBack,
      logger: instance.logger,
    };
    this.consumption =
      options.consumeMode === 'ORDERLY'
        ? new OrderlyPopConsumption({ ...shared, suspendMs: options.suspendCurrentQueueTimeMs })
        : new ConcurrentPopConsumption(shared);
    this.context = this.createContext();
  }

  /** Pops these queues from now on. @returns whether that is a change */
  add(queues: readonly MessageQueue[]): boolean {
    const missing = queues.filter((queue) => !this.loops.has(queueKey(queue)));
    for (const queue of missing) this.start(new PopQueue(queue));
    return missing.length > 0;
  }

  /** Gives up the queues that are not wanted any more. */
  retain(wanted: (queue: PopQueue) => boolean): void {
    for (const queue of [...this.queues()]) if (!wanted(queue)) this.drop(queue);
  }

  *queues(): IterableIterator<PopQueue> {
    for (const { queue } of this.loops.values()) yield queue;
  }

  /** The topic's filter has changed. */
  refilter(topic: string): void {
    for (const { loop, queue } of this.loops.values()) if (queue.queue.topic === topic) loop.refilter();
  }

  /** No handler starts, and what waits for one goes to other members. */
  pause(): void {
    this.paused = true;
    this.consumption.pause();
    void this.consumption.giveBackWaiting();
  }

  resume(): void {
    this.paused = false;
    this.consumption.resume();
    for (const { loop } of this.loops.values()) loop.resume();
  }

  /** Pops no more and waits for running handlers. @returns the batches still running at the deadline */
  async stop(timeoutMs: number): Promise<Batch<PopLane>[]> {
    for (const { loop, queue } of this.loops.values()) {
      loop.stop();
      this.parts.onDropped(queue);
    }
    return this.consumption.stop(timeoutMs);
  }

  /**
   * After stop() and when brokers know that this member has left: waits for the answers to its last pops, which brokers of
   * RocketNest give at once then, and gives back what they bring. (Apache's hold a pop until its time is over. What they answer
   * a connection that is closed meanwhile comes again when its invisible time is over.)
   */
  async ended(): Promise<void> {
    const loops = [...this.loops.values()];
    this.loops.clear();
    await within(Promise.all(loops.map(({ loop }) => loop.ended())), LAST_ANSWERS_MS);
  }

  private start(queue: PopQueue): void {
    const loop = new PopLoop(this.context, queue);
    this.loops.set(queue.key, { queue, loop });
    this.parts.onAdded(queue);
    loop.start();
  }

  private drop(queue: PopQueue): void {
    this.loops.get(queue.key)?.loop.stop();
    this.loops.delete(queue.key);
    queue.dropped = true;
    this.parts.onDropped(queue);
    void this.consumption.giveBackWaiting((lane) => lane.owner === queue);
  }

  private createContext(): PopContext {
    const { brokers, instance, link, options, stats, subscriptions } = this.parts;
    const { consumption } = this;
    const isPaused = () => this.paused;
    return {
      group: options.group,
      link,
      stats,
      logger: instance.logger,
      ordered: options.consumeMode === 'ORDERLY',
      batchSize: options.popBatchNums,
      invisibleMs: options.popInvisibleTimeMs,
      threshold: options.popThresholdForQueue,
      intervalMs: options.pullIntervalMs,
      retryDelayMs: options.pullRetryDelayMs,
      initMode: options.consumeFrom === 'FIRST_OFFSET' ? InitMode.MIN : InitMode.MAX,
      get paused() {
        return isPaused();
      },
      subscription: (topic) => subscriptions.get(topic),
      prepare: ({ queue }) => setFirstOffsets(this.realQueues(queue), options.consumeFrom, brokers),
      onMessages: (lane) => consumption.submit(lane),
      onUnwanted: (lane) => consumption.giveBack(lane),
      onForeign: (lane) => consumption.skip(lane),
    };
  }

  /** A broker as a whole is all queues it has of the topic. */
  private realQueues({ brokerName, queueId, topic }: MessageQueue): readonly MessageQueue[] {
    if (queueId >= 0) return [{ brokerName, queueId, topic }];
    return this.parts.instance.routes.subscribeInfo(topic).filter((queue) => queue.brokerName === brokerName);
  }
}
