import { randomUUID } from 'node:crypto';
import {
  PropertyName,
  type RemotingCommand,
  Requests,
  ResponseCode,
  ResponseError,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { responseError } from '../../broker-api.js';
import type { ConsumeStats } from '../consume-stats.js';
import type { PopLink } from './pop-link.js';
import { PopLane, type PopQueue } from './pop-queue.js';
import { type Popped, readPopped } from './popped.js';

/** How long a broker holds a pop that finds nothing. Java: BROKER_SUSPEND_MAX_TIME_MILLIS. */
const POLL_MS = 15_000;
/** Deadline of a pop. Java: PullAPIWrapper.popAsync. */
const POP_TIMEOUT_MS = POLL_MS + 10_000;
/** Pause after a broker answered FLOW_CONTROL. Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL. */
const FLOW_CONTROL_DELAY_MS = 20;
/** Being full is normal under load: one in so many is logged, as in Java. */
const LOG_EVERY_FULL = 1_000;

/** What the loops of one consumer share. */
export interface PopContext {
  readonly group: string;
  readonly link: PopLink;
  readonly stats: ConsumeStats;
  readonly logger: Logger;
  readonly ordered: boolean;
  readonly batchSize: number;
  readonly invisibleMs: number;
  /** Messages of one queue that may wait for handlers. */
  readonly threshold: number;
  readonly intervalMs: number;
  readonly retryDelayMs: number;
  /** Where a group without offsets begins. Java: ConsumeInitMode. */
  readonly initMode: number;
  readonly paused: boolean;
  subscription(topic: string): SubscriptionData | undefined;
  /** Resolves when the group has a place in the queue. */
  prepare(queue: PopQueue): Promise<void>;
  onMessages(lane: PopLane): void;
  /** Nobody here handles these messages. Resolves when the broker knows. */
  onUnwanted(lane: PopLane): Promise<void>;
  /** The group has subscribed to a tag with the same hash code as theirs: done. */
  onForeign(lane: PopLane): void;
}

/**
 * Pops one queue (or all of a topic on one broker) for as long as it is assigned: one long poll at a time, the next as soon as the
 * answer is in, unless handlers are far behind. Java: DefaultMQPushConsumerImpl.popMessage.
 */
export class PopLoop {
  private timer: NodeJS.Timeout | undefined;
  private timesFull = 0;
  private parked = false;
  private stopped = false;
  /** A pop is under way. */
  private popping = false;
  /** What pops of earlier epochs bring is welcome, but they no longer lead to the next one. */
  private epoch = 0;
  /** Ordered: a pop whose answer was lost is repeated under the same name and gets the same messages. */
  private attemptId: string = randomUUID();
  private onLastAnswer: (() => void) | null = null;
  private goingBack: Promise<void> | undefined;

  constructor(
    private readonly context: PopContext,
    private readonly queue: PopQueue,
  ) {}

  start(): void {
    this.context.prepare(this.queue).then(this.run, (error) => {
      if (this.stopped) return;
      this.context.logger.warn(`the offsets of queue ${this.queue.key} could not be set; it is tried again`, {
        group: this.context.group,
        error,
      });
      this.timer = setTimeout(() => this.start(), this.context.retryDelayMs);
    });
  }

  /** The consumer goes on after a pause. */
  resume(): void {
    if (!this.parked) return;
    this.parked = false;
    this.run();
  }

  /** The subscription has another filter: a broker would go on filtering a pop that it holds as it was asked to. */
  refilter(): void {
    if (!this.popping || this.stopped) return;
    this.epoch++;
    this.run();
  }

  /** Nothing is sent any more; the answer on its way goes back. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.queue.onRoom = null;
  }

  /** After stop(): resolves when no answer is on its way, and what the last one brought has gone back. */
  async ended(): Promise<void> {
    if (this.popping) await new Promise<void>((resolve) => (this.onLastAnswer = resolve));
    await this.goingBack;
  }

  /** Sends the next pop if there is room for its messages. */
  private readonly run = (): void => {
    const { context, queue } = this;
    if (this.stopped) return;
    queue.lastPopTime = Date.now();
    if (context.paused) {
      this.parked = true;
      return;
    }
    if (queue.waiting > context.threshold) {
      if (this.timesFull++ % LOG_EVERY_FULL === 0) {
        context.logger.warn(
          `queue ${queue.key} is not popped for now: ${queue.waiting} messages wait for handlers, more than ${context.threshold}`,
          { group: context.group, times: this.timesFull },
        );
      }
      queue.onRoom = this.run;
      return;
    }
    const subscription = context.subscription(queue.queue.topic);
    // Unsubscribed: about to be dropped, unless the topic is subscribed again before.
    if (subscription === undefined) this.later(context.retryDelayMs);
    else this.pop(subscription);
  };

  private pop(subscription: SubscriptionData): void {
    const { context } = this;
    const { brokerName, queueId, topic } = this.queue.queue;
    const sentAt = Date.now();
    const { epoch } = this;
    this.popping = true;
    const fields = {
      consumerGroup: context.group,
      topic,
      queueId,
      maxMsgNums: context.batchSize,
      invisibleTime: context.invisibleMs,
      pollTime: POLL_MS,
      bornTime: sentAt,
      initMode: context.initMode,
      expType: subscription.expressionType,
      exp: subscription.subString,
      order: context.ordered,
      attemptId: context.ordered ? this.attemptId : undefined,
      bname: brokerName,
    };
    context.link.pop(fields, POP_TIMEOUT_MS, (error, response) => {
      const isCurrent = epoch === this.epoch;
      if (isCurrent) this.popping = false;
      try {
        if (error !== null || response === undefined) throw error;
        const pauseMs = this.answered(response, subscription, sentAt);
        if (!isCurrent) return;
        // The next pop is on its way while handlers work.
        if (pauseMs > 0) this.later(pauseMs);
        else this.run();
      } catch (failure) {
        if (isCurrent && !this.stopped) this.failed(failure);
      }
      if (isCurrent) this.onLastAnswer?.();
    });
  }

  /** @returns how long to wait before the next pop, in ms */
  private answered(response: RemotingCommand, subscription: SubscriptionData, sentAt: number): number {
    const { context } = this;
    const { brokerName, topic } = this.queue.queue;
    switch (response.code) {
      case ResponseCode.SUCCESS:
        break;
      case ResponseCode.POLLING_TIMEOUT:
      case ResponseCode.PULL_NOT_FOUND:
        return 0;
      case ResponseCode.POLLING_FULL:
        context.logger.warn(`broker ${brokerName} holds too many pops; queue ${this.queue.key} waits`, {
          group: context.group,
        });
        return context.retryDelayMs;
      default:
        throw responseError(Requests.popMessage.name, brokerName, response);
    }
    const now = Date.now();
    const { group, ordered } = context;
    const popped = readPopped(response, { topic, group, brokerName, ordered }, now);
    this.attemptId = randomUUID();
    this.handOut(popped, context.subscription(topic) ?? subscription);
    context.stats.pulled(topic, popped.length, now - sentAt);
    return context.intervalMs;
  }

  private handOut(popped: readonly Popped[], { tagsSet }: SubscriptionData): void {
    const { context } = this;
    if (this.stopped || context.paused) {
      this.goingBack = context.onUnwanted(new PopLane(this.queue, popped));
      return;
    }
    // The broker compares hashes of tags only.
    const isWanted = ({ message }: Popped) =>
      tagsSet.length === 0 || tagsSet.includes(message.properties[PropertyName.TAGS] ?? '');
    const wanted = popped.filter(isWanted);
    if (wanted.length < popped.length) {
      context.onForeign(
        new PopLane(
          this.queue,
          popped.filter((each) => !isWanted(each)),
        ),
      );
    }
    for (const lane of context.ordered ? byQueue(wanted) : [wanted]) {
      if (lane.length > 0) context.onMessages(new PopLane(this.queue, lane));
    }
  }

  private failed(error: unknown): void {
    const { context, queue } = this;
    const busy = error instanceof ResponseError && error.responseCode === ResponseCode.FLOW_CONTROL;
    context.logger.warn(`popping queue ${queue.key} failed; it is tried again`, { group: context.group, error });
    this.later(busy ? FLOW_CONTROL_DELAY_MS : context.retryDelayMs);
  }

  private later(ms: number): void {
    if (!this.stopped) this.timer = setTimeout(this.run, ms);
  }
}

/** Each queue's messages by themselves, in their order. */
function byQueue(popped: readonly Popped[]): Popped[][] {
  const lanes = new Map<number, Popped[]>();
  for (const each of popped) {
    const lane = lanes.get(each.queueId);
    if (lane === undefined) lanes.set(each.queueId, [each]);
    else lane.push(each);
  }
  return [...lanes.values()];
}
