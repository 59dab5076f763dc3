export * from '../sql/index.js';
export type { RocketMQOutboxOptions } from './options.js';
export { RocketMQOutbox } from './outbox.js';
export {
  getRocketMQOutboxToken,
  InjectRocketMQOutbox,
  type RocketMQOutboxExtras,
  RocketMQOutboxModule,
  type RocketMQOutboxModuleAsyncOptions,
  type RocketMQOutboxModuleForRootOptions,
  type RocketMQOutboxOptionsFactory,
} from './outbox-module.js';
export type { OutboxStatus, ParkedMessage } from './outbox-table.js';
export type { OutboxOptions } from './stored-message.js';
