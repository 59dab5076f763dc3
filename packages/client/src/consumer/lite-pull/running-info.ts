import { type ConsumerRunningInfo, CURRENT_VERSION, type SubscriptionData, versionName } from '@rocketnest/protocol';
import { compareQueues } from '../../message-queue.js';
import type { ConsumeStats } from '../consume-stats.js';
import type { OffsetStore } from '../offset-store.js';
import { processQueueInfo } from '../running-info.js';
import type { AssignedQueue } from './assigned-queue.js';
import type { ResolvedLitePullConsumerOptions } from './options.js';

export interface LitePullState {
  readonly options: ResolvedLitePullConsumerOptions;
  readonly group: string;
  readonly nameServers: readonly string[];
  readonly startedAt: number;
  readonly subscriptions: SubscriptionData[];
  readonly queues: readonly AssignedQueue[];
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
}

/** What consoles and `mqadmin consumerStatus` show of one consumer. Java: DefaultLitePullConsumerImpl.consumerRunningInfo. */
export function createLitePullRunningInfo(state: LitePullState): ConsumerRunningInfo {
  const { options, queues, stats, subscriptions } = state;
  return {
    properties: {
      PROP_NAMESERVER_ADDR: `${state.nameServers.join(';')};`,
      PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
      PROP_CONSUMEORDERLY: 'false',
      PROP_THREADPOOL_CORE_SIZE: '1',
      PROP_CLIENT_VERSION: versionName(CURRENT_VERSION),
      PROP_CONSUMER_START_TIMESTAMP: String(state.startedAt),
      consumerGroup: state.group,
      messageModel: options.messageModel,
      autoCommit: String(options.autoCommit),
      autoCommitIntervalMillis: String(options.autoCommitIntervalMs),
      pullBatchSize: String(options.pullBatchSize),
      pullThresholdForAll: String(options.pullThresholdForAll),
      pullThresholdForQueue: String(options.pullThresholdForQueue),
    },
    subscriptionSet: subscriptions,
    mqTable: [...queues]
      .sort((a, b) => compareQueues(a.queue, b.queue))
      .map(({ key, prefetched }) => processQueueInfo(prefetched, state.offsets.peek(key))),
    mqPopTable: [],
    statusTable: Object.fromEntries(
      [...new Set(queues.map(({ queue }) => queue.topic))].map((topic) => [topic, stats.status(topic)]),
    ),
    userConsumerInfo: {},
  };
}
