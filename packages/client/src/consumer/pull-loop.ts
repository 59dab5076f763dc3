import {
  decodeFields,
  decodeMessages,
  type MessageExt,
  PropertyName,
  RETRY_GROUP_PREFIX,
  type RemotingCommand,
  Requests,
  ResponseCode,
  ResponseError,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { bodyOf, responseError } from '../broker-api.js';
import { decompressBody } from '../compression.js';
import { MASTER_ID } from '../routes.js';
import type { BrokerLink, PullHeader } from './broker-link.js';
import type { ConsumeStats } from './consume-stats.js';
import { type FlowLimits, fullness } from './flow-control.js';
import { unwrapBatches } from './inner-batch.js';
import type { OffsetStore } from './offset-store.js';
import type { ProcessQueue } from './process-queue.js';

/** How long a broker holds a pull that finds nothing. Java: BROKER_SUSPEND_MAX_TIME_MILLIS. */
const SUSPEND_MS = 15_000;
/** Deadline of a pull. Java: CONSUMER_TIMEOUT_MILLIS_WHEN_SUSPEND. */
const PULL_TIMEOUT_MS = 30_000;
/** Pause after a broker answered FLOW_CONTROL. Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL. */
const FLOW_CONTROL_DELAY_MS = 20;
/** Being full is normal under load: one in so many is logged, as in Java. */
const LOG_EVERY_FULL = 1_000;

/** Bits of the sysFlag of a pull. Java: PullSysFlag. The subscription is known from heartbeats, so its bit stays off. */
const FLAG_COMMIT_OFFSET = 1;
const FLAG_SUSPEND = 2;

/** What the loops of one consumer share. */
export interface PullContext {
  readonly group: string;
  readonly brokers: BrokerLink;
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
  readonly logger: Logger;
  readonly limits: FlowLimits;
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly intervalMs: number;
  readonly retryDelayMs: number;
  /** Whether pulls carry the consumed offset to the broker. */
  readonly clustering: boolean;
  readonly paused: boolean;
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
  private stopped = false;

  constructor(
    private readonly context: PullContext,
    private readonly queue: ProcessQueue,
    private nextOffset: number,
  ) {}

  /** Sends the next pull if there is room for its messages. */
  readonly run = (): void => {
    const { context, queue } = this;
    if (this.stopped) return;
    queue.lastPullTime = Date.now();
    if (context.paused) {
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
    if (subscription === undefined) return;
    this.pull(subscription);
  };

  /** The consumer goes on after a pause. */
  resume(): void {
    if (!this.parked) return;
    this.parked = false;
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
    const commitOffset = context.clustering ? context.offsets.peek(queue.key) : 0;
    const sentAt = Date.now();
    const fields = {
      consumerGroup: context.group,
      topic,
      queueId,
      queueOffset: this.nextOffset,
      maxMsgNums: context.batchSize,
      maxMsgBytes: context.batchBytes,
      sysFlag: commitOffset > 0 ? FLAG_SUSPEND | FLAG_COMMIT_OFFSET : FLAG_SUSPEND,
      commitOffset: Math.max(commitOffset, 0),
      suspendTimeoutMillis: SUSPEND_MS,
      subVersion: subscription.subVersion,
      expressionType: subscription.expressionType,
      bname: brokerName,
    };
    context.brokers.pull(queue.queue, this.brokerId, fields, PULL_TIMEOUT_MS, (error, response) => {
      if (this.stopped) return;
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
    const messages = response.code === ResponseCode.SUCCESS ? this.read(response, header, subscription) : [];
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

  private read(response: RemotingCommand, header: PullHeader, subscription: SubscriptionData): MessageExt[] {
    const { brokerName, queueId } = this.queue.queue;
    const { tagsSet } = subscription;
    const minOffset = String(header.minOffset);
    const maxOffset = String(header.maxOffset);
    const wanted: MessageExt[] = [];
    const stored = decodeMessages(bodyOf(response), { decompress: decompressBody });
    for (const message of unwrapBatches(stored, this.nextOffset - (header.offsetDelta ?? 0))) {
      const { properties } = message;
      // The broker compares hashes of tags only.
      if (tagsSet.length > 0 && !tagsSet.includes(properties[PropertyName.TAGS] ?? '')) continue;
      // Java stores it with messages it sends anew; here it would look like a handler that has been running since.
      if (CONSUME_START in properties) delete properties[CONSUME_START];
      properties[PropertyName.MIN_OFFSET] = minOffset;
      properties[PropertyName.MAX_OFFSET] = maxOffset;
      message.brokerName = brokerName;
      message.queueId = queueId;
      if (header.offsetDelta !== undefined) message.queueOffset += header.offsetDelta;
      wanted.push(message);
    }
    return wanted;
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

const CONSUME_START = PropertyName.CONSUME_START_TIMESTAMP;

const ANSWERS: ReadonlySet<number> = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);
