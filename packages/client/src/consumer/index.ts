export { type AllocateStrategy, allocateAveragely, allocateByCircle } from './allocate.js';
export { allocateByConfig } from './allocate-by-config.js';
export { allocateByMachineRoom, allocateNearby, type MachineRooms } from './allocate-by-room.js';
export { allocateByConsistentHash } from './allocate-consistent-hash.js';
export type { ConsumeStatus } from './consume-stats.js';
export * from './lite-pull/index.js';
export {
  type ConsumeErrorInfo,
  type ConsumeFrom,
  type PushConsumerOptions,
  pushConsumerOptionTable,
  type ResolvedPushConsumerOptions,
} from './options.js';
export type {
  ConsumeContext,
  ConsumeHooks,
  ConsumeOutcome,
  ConsumeResult,
  MessageHandler,
  MessageOutcome,
} from './outcome.js';
export * from './pull/index.js';
export { PushConsumer, type SharedPushConsumerOptions } from './push-consumer.js';
export type { ConsumerReport, HandlerReport, PopQueueReport, QueueReport } from './report.js';
export { DEAD_LETTER_REASON } from './send-back.js';
export type { SubscriptionFilter } from './subscription-of.js';
