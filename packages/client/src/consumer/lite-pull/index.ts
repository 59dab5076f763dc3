export {
  LitePullConsumer,
  type MessageQueueListener,
  type SharedLitePullConsumerOptions,
} from './lite-pull-consumer.js';
export {
  type LitePullConsumerOptions,
  litePullConsumerOptionTable,
  type ResolvedLitePullConsumerOptions,
} from './options.js';
export type { TopicMessageQueueChangeListener } from './queue-watch.js';
