export { Broker, type BrokerOptionsInput } from './broker.js';
export type { Clock } from './clock.js';
export { ExpressionCompiler, type Predicate } from './filter/expressions.js';
export {
  type BrokerOptionName,
  type BrokerOptions,
  type BrokerOptionValues,
  type BrokerProperties,
  brokerOptionTable,
  parseBrokerProperties,
  readBrokerProperties,
  resolveBrokerOptions,
} from './options.js';
export { type UnsupportedRequest, unsupportedRequests } from './unsupported.js';
