import { describe, expect, it } from '@jest/globals';
import { type PushConsumerOptions, resolvePushConsumerOptions } from '../../src/consumer/options.js';
import { TopicLimits } from '../../src/consumer/topic-limits.js';

const limitsWith = (options: Partial<PushConsumerOptions>) =>
  new TopicLimits(resolvePushConsumerOptions({ namesrvAddr: 'localhost:1', group: 'g', ...options }));

describe('limits of what a queue may hold', () => {
  it('are those for a queue unless there are some for the topic', () => {
    const limits = limitsWith({ pullThresholdForQueue: 7, pullThresholdSizeForQueueMiB: 3 });
    limits.of('T');
    limits.share('T', 4);
    expect(limits.of('T')).toEqual({ messages: 7, mib: 3, span: 2_000 });
  });

  it('are equal parts of those for the topic, at least 1, and follow the number of its queues', () => {
    const limits = limitsWith({ pullThresholdForTopic: 100, pullThresholdSizeForTopicMiB: 3 });
    const held = limits.of('T');
    limits.share('T', 3);
    expect(held).toMatchObject({ messages: 33, mib: 1 });
    limits.share('T', 200);
    expect(held).toMatchObject({ messages: 1, mib: 1 });
    limits.share('T', 1);
    expect(held).toMatchObject({ messages: 100, mib: 3 });
  });

  it('of one topic do not depend on another', () => {
    const limits = limitsWith({ pullThresholdForTopic: 100 });
    const other = limits.of('U');
    limits.share('U', 1);
    limits.of('T');
    limits.share('T', 10);
    expect(other.messages).toBe(100);
  });

  it('know no span when messages are handled in order', () => {
    expect(limitsWith({ consumeMode: 'ORDERLY' }).of('T').span).toBeUndefined();
  });
});
