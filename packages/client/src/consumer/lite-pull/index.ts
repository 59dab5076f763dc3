export {
  LitePullConsumer,
  type SharedLitePullConsumerOptions,
} from './lite-pull-consumer.js';
export {
  type LitePullConsumerOptions,
  litePullConsumerOptionTable,
  type ResolvedLitePullConsumerOptions,
} from './options.js';
export type { TopicMessageQueueChangeListener } from './queue-watch.js';
export type { MessageQueueListener } from './selection.js';
