import { type ConsumerRunningInfo, CURRENT_VERSION, type SubscriptionData, versionName } from '@rocketnest/protocol';
import { compareQueues } from '../message-queue.js';
import type { ConsumeStats } from './consume-stats.js';
import type { OffsetStore } from './offset-store.js';
import { effectiveMaxReconsumeTimes, type ResolvedPushConsumerOptions } from './options.js';
import type { PopQueue } from './pop/pop-queue.js';
import type { ProcessQueue } from './process-queue.js';

const MIB = 1024 * 1024;

export interface RunningState {
  readonly options: ResolvedPushConsumerOptions;
  readonly nameServers: readonly string[];
  readonly startedAt: number;
  readonly concurrency: number;
  readonly subscriptions: SubscriptionData[];
  readonly queues: readonly ProcessQueue[];
  readonly popQueues?: readonly PopQueue[];
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
}

/** What consoles and `mqadmin consumerStatus` show of one consumer. Java: DefaultMQPushConsumerImpl.consumerRunningInfo. */
export function createRunningInfo(state: RunningState): ConsumerRunningInfo {
  const { options, queues, stats, subscriptions } = state;
  return {
    properties: {
      PROP_NAMESERVER_ADDR: `${state.nameServers.join(';')};`,
      PROP_THREADPOOL_CORE_SIZE: String(state.concurrency),
      PROP_CONSUMEORDERLY: String(options.consumeMode === 'ORDERLY'),
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_CLIENT_VERSION: versionName(CURRENT_VERSION),
      PROP_CONSUMER_START_TIMESTAMP: String(state.startedAt),
      consumerGroup: options.group,
      messageModel: options.messageModel,
      consumeMessageBatchMaxSize: String(options.consumeMessageBatchMaxSize),
      pullBatchSize: String(options.pullBatchSize),
      pullThresholdForQueue: String(options.pullThresholdForQueue),
      maxReconsumeTimes: String(effectiveMaxReconsumeTimes(options)),
    },
    subscriptionSet: subscriptions,
    mqTable: [...queues]
      .sort((a, b) => compareQueues(a.queue, b.queue))
      .map((held) => processQueueInfo(held, state.offsets.peek(held.key))),
    mqPopTable: [...(state.popQueues ?? [])]
      .sort((a, b) => compareQueues(a.queue, b.queue))
      .map(({ queue, waiting, dropped, lastPopTime }) => ({
        queue,
        waitAckCount: waiting,
        droped: dropped,
        lastPopTimestamp: lastPopTime,
      })),
    statusTable: Object.fromEntries(subscriptions.map(({ topic }) => [topic, stats.status(topic)])),
    userConsumerInfo: {},
  };
}

/** Java: ProcessQueue.fillProcessQueueInfo. */
export function processQueueInfo(held: ProcessQueue, commitOffset: number): ConsumerRunningInfo['mqTable'][number] {
  return {
    queue: held.queue,
    commitOffset,
    cachedMsgMinOffset: held.minOffset,
    cachedMsgMaxOffset: held.maxOffset,
    cachedMsgCount: held.count,
    cachedMsgSizeInMiB: Math.floor(held.bytes / MIB),
    transactionMsgMinOffset: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgCount: 0,
    locked: held.isLocked(Date.now()),
    tryUnlockTimes: 0,
    lastLockTimestamp: held.lastLockTime,
    droped: held.dropped,
    lastPullTimestamp: held.lastPullTime,
    lastConsumeTimestamp: held.lastConsumeTime,
  };
}
