import {
  decodeFields,
  ExpressionType,
  PullSysFlag,
  RETRY_GROUP_PREFIX,
  type RemotingCommand,
  Requests,
  ResponseCode,
  ResponseError,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { responseError } from '../broker-api.js';
import { MASTER_ID } from '../routes.js';
import type { BrokerLink } from './broker-link.js';
import type { ConsumeStats } from './consume-stats.js';
import { type FlowLimits, fullness } from './flow-control.js';
import type { OffsetStore } from './offset-store.js';
import type { ProcessQueue } from './process-queue.js';
import { readMessages } from './pull/read-messages.js';

/** How long a broker holds a pull that finds nothing. Java: BROKER_SUSPEND_MAX_TIME_MILLIS. */
const SUSPEND_MS = 15_000;
/** Deadline of a pull. Java: CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND. */
const PULL_TIMEOUT_MS = 30_000;
/** Pause after a broker answered FLOW_CONTROL. Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL. */
const FLOW_CONTROL_DELAY_MS = 20;
/** Being full is normal under load: one in so many is logged, as in Java. */
const LOG_EVERY_FULL = 1_000;

/** The bits of every lite pull: the subscription travels with it. */
const LITE_FLAGS = PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION | PullSysFlag.LITE_PULL_MESSAGE;

/** What the loops of one consumer share. */
export interface PullContext {
  readonly group: string;
  readonly brokers: BrokerLink;
  readonly offsets: Pick<OffsetStore, 'peek' | 'update'>;
  readonly stats: ConsumeStats;
  readonly logger: Logger;
  readonly limits: FlowLimits;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly intervalMs: number;
  readonly retryDelayMs: number;
  /** Whether pulls carry the consumed offset to the broker. */
  readonly clustering: boolean;
  /** Set for lite pulls: how long a broker holds one that finds nothing, and the deadline of one. ms */
  readonly lite?: { readonly suspendMs: number; readonly timeoutMs: number };
  readonly paused: boolean;
  /** Pulls carry the subscription, as lite pulls do: brokers then do not look at what heartbeats told them. */
  readonly postSubscription?: boolean;
  subscription(topic: string): SubscriptionData | undefined;
  /** Messages have arrived in the queue. */
  onMessages(queue: ProcessQueue): void;
  /** The broker no longer (or not yet) has the offset; it suggests another one. */
  onOffsetMoved(queue: ProcessQueue, offset: number): void;
}

/**
 * Pulls one queue for as long as it is ours: one long poll at a time, the next as soon as the answer is in, unless handlers
 * are far behind. Java: DefaultMQPushConsumerImpl.pullMessage with PullAPIWrapper.
 */
export class PullLoop {
  private timer: NodeJS.Timeout | undefined;
  private brokerId = MASTER_ID;
  private timesFull = 0;
  private parked = false;
  /** A pull is under way. */
  private pulling = false;
  /** Answers of earlier epochs are ignored. */
  private epoch = 0;
  private stopped = false;

  constructor(
    private readonly context: PullContext,
    private readonly queue: ProcessQueue,
    /** Where the next pull begins: all that matched before was found. */
    public nextOffset: number,
  ) {}

  /** Sends the next pull if there is room for its messages. */
  readonly run = (): void => {
    const { context, queue } = this;
    if (this.stopped) return;
    queue.lastPullTime = Date.now();
    if (context.paused || queue.paused) {
      this.parked = true;
      return;
    }
    const full = fullness(queue, context.limits);
    if (full !== null) {
      if (this.timesFull++ % LOG_EVERY_FULL === 0) {
        context.logger.warn(`queue ${queue.key} is not pulled for now: ${full}`, {
          group: context.group,
          times: this.timesFull,
        });
      }
      queue.onRoom = this.run;
      return;
    }
    const subscription = context.subscription(queue.queue.topic);
    if (subscription === undefined) this.parked = true;
    else this.pull(subscription);
  };

  /** The consumer goes on after a pause. */
  resume(): void {
    if (!this.parked) return;
    this.parked = false;
    this.run();
  }

  /**
   * The subscription has another filter now: the answer of a pull under way is ignored and pulling goes on from the same offset.
   * A broker would go on filtering a pull that it holds as it was asked to.
   */
  refilter(): void {
    if (!this.pulling) {
      this.resume();
      return;
    }
    this.pulling = false;
    this.epoch++;
    this.run();
  }

  /** Nothing is sent any more, and an answer on its way is ignored. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.queue.onRoom = null;
  }

  private pull(subscription: SubscriptionData): void {
    const { context, queue } = this;
    const { topic, queueId, brokerName } = queue.queue;
    const { lite, postSubscription } = context;
    const { epoch } = this;
    this.pulling = true;
    const commitOffset = context.clustering ? context.offsets.peek(queue.key) : 0;
    const sentAt = Date.now();
    const fields = {
      consumerGroup: context.group,
      topic,
      queueId,
      queueOffset: this.nextOffset,
      maxMsgNums: context.batchSize,
      maxMsgBytes: context.batchBytes,
      sysFlag:
        (lite ? LITE_FLAGS : PullSysFlag.SUSPEND) |
        (postSubscription ? PullSysFlag.SUBSCRIPTION : 0) |
        (commitOffset > 0 ? PullSysFlag.COMMIT_OFFSET : 0),
      commitOffset: Math.max(commitOffset, 0),
      suspendTimeoutMillis: lite?.suspendMs ?? SUSPEND_MS,
      // What a heartbeat told the broker need not be said again.
      ...(lite || postSubscription ? { subscription: subscription.subString } : {}),
      subVersion: lite && subscription.expressionType === ExpressionType.TAG ? 0 : subscription.subVersion,
      expressionType: subscription.expressionType,
      bname: brokerName,
    };
    context.brokers.pull(queue.queue, this.brokerId, fields, lite?.timeoutMs ?? PULL_TIMEOUT_MS, (error, response) => {
      if (this.stopped || epoch !== this.epoch) return;
      this.pulling = false;
      if (error !== null || response === undefined) {
        this.failed(error);
        return;
      }
      try {
        this.answered(response, subscription, sentAt);
      } catch (broken) {
        this.failed(broken);
      }
    });
  }

  private answered(response: RemotingCommand, subscription: SubscriptionData, sentAt: number): void {
    if (!ANSWERS.has(response.code)) {
      this.failed(responseError(Requests.pullMessage.name, this.queue.queue.brokerName, response));
      return;
    }
    const header = decodeFields(Requests.pullMessage.response, response.extFields, Requests.pullMessage.name);
    this.brokerId = header.suggestWhichBrokerId;
    if (response.code === ResponseCode.PULL_OFFSET_MOVED) {
      this.context.logger.warn(
        `offset ${this.nextOffset} of queue ${this.queue.key} is not in the broker's store (${header.minOffset}..${header.maxOffset}); going on at ${header.nextBeginOffset}`,
        { group: this.context.group },
      );
      this.context.onOffsetMoved(this.queue, header.nextBeginOffset);
      return;
    }
    const found = response.code === ResponseCode.SUCCESS;
    const messages = found
      ? readMessages(response, header, subscription.tagsSet, this.queue.queue, this.nextOffset)
      : [];
    this.nextOffset = header.nextBeginOffset;
    if (messages.length === 0) {
      this.skip();
      this.run();
      return;
    }
    this.context.stats.pulled(this.queue.queue.topic, messages.length, Date.now() - sentAt);
    this.queue.put(messages);
    // The next pull is on its way while handlers work.
    if (this.context.intervalMs > 0) this.later(this.context.intervalMs);
    else this.run();
    this.context.onMessages(this.queue);
  }

  /** What was passed over because nothing matched counts as consumed, unless handlers still work on earlier messages. */
  private skip(): void {
    if (this.queue.count > 0) return;
    this.context.offsets.update(this.queue.key, this.queue.queue, this.nextOffset, true);
  }

  private failed(error: unknown): void {
    const { context, queue } = this;
    const busy = error instanceof ResponseError && error.responseCode === ResponseCode.FLOW_CONTROL;
    // The retry topic comes into being with the first heartbeat: not being there yet is no news.
    if (!queue.queue.topic.startsWith(RETRY_GROUP_PREFIX)) {
      context.logger.warn(`pulling queue ${queue.key} failed; it is tried again`, {
        group: context.group,
        error,
      });
    }
    this.later(busy ? FLOW_CONTROL_DELAY_MS : context.retryDelayMs);
  }

  private later(ms: number): void {
    this.timer = setTimeout(this.run, ms);
  }
}

const ANSWERS: ReadonlySet<number> = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);
