export { type PullConsumerOptions, pullConsumerOptionTable, type ResolvedPullConsumerOptions } from './options.js';
export { PullConsumer, type PullOptions, type SharedPullConsumerOptions } from './pull-consumer.js';
export type { PullResult, PullStatus } from './pull-once.js';
