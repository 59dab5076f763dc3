export { type AllocateStrategy, allocateAveragely, allocateByCircle } from './allocate.js';
export {
  type ConsumeErrorInfo,
  type ConsumeFrom,
  type PushConsumerOptions,
  pushConsumerOptionTable,
  type ResolvedPushConsumerOptions,
} from './options.js';
export type { ConsumeContext, ConsumeHooks, ConsumeOutcome, ConsumeResult, MessageHandler } from './outcome.js';
export { PushConsumer, type SharedPushConsumerOptions, type SubscriptionFilter } from './push-consumer.js';
