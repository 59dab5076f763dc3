export * from '../sql/index.js';
export type { RocketMQTransactionsOptions } from './options.js';
export { RocketMQTransactions, type SqlTransactionResult } from './transactions.js';
export {
  getRocketMQTransactionsToken,
  InjectRocketMQTransactions,
  type RocketMQTransactionsExtras,
  RocketMQTransactionsModule,
  type RocketMQTransactionsModuleAsyncOptions,
  type RocketMQTransactionsModuleForRootOptions,
  type RocketMQTransactionsOptionsFactory,
} from './transactions-module.js';
