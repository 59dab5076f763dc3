import type { FlowLimits } from './flow-control.js';
import type { ResolvedPushConsumerOptions } from './options.js';

type LimitOptions = Pick<
  ResolvedPushConsumerOptions,
  | 'consumeMode'
  | 'consumeConcurrentlyMaxSpan'
  | 'pullThresholdForQueue'
  | 'pullThresholdForTopic'
  | 'pullThresholdSizeForQueueMiB'
  | 'pullThresholdSizeForTopicMiB'
>;

/**
 * What the queues of each topic may hold for handlers. Limits for a topic are shared evenly by its queues here and replace those
 * for a queue. Java: RebalancePushImpl.messageQueueChanged, which divides by the queues of all topics together.
 */
export class TopicLimits {
  private readonly topics = new Map<string, { -readonly [K in keyof FlowLimits]: FlowLimits[K] }>();

  constructor(private readonly options: LimitOptions) {}

  /** The limits of one queue of the topic; the object changes when the share does. */
  of(topic: string): FlowLimits {
    const known = this.topics.get(topic);
    if (known !== undefined) return known;
    const { consumeConcurrentlyMaxSpan, consumeMode, pullThresholdForQueue, pullThresholdSizeForQueueMiB } =
      this.options;
    const limits = {
      messages: pullThresholdForQueue,
      mib: pullThresholdSizeForQueueMiB,
      span: consumeMode === 'ORDERLY' ? undefined : consumeConcurrentlyMaxSpan,
    };
    this.topics.set(topic, limits);
    return limits;
  }

  /** So many queues of the topic are ours now. */
  share(topic: string, queues: number): void {
    const limits = this.topics.get(topic);
    if (limits === undefined || queues === 0) return;
    const { pullThresholdForTopic, pullThresholdSizeForTopicMiB } = this.options;
    if (pullThresholdForTopic !== undefined) limits.messages = partOf(pullThresholdForTopic, queues);
    if (pullThresholdSizeForTopicMiB !== undefined) limits.mib = partOf(pullThresholdSizeForTopicMiB, queues);
  }
}

function partOf(limit: number, queues: number): number {
  return Math.max(1, Math.floor(limit / queues));
}
