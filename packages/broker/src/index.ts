export { Broker, type BrokerOptionsInput } from './broker.js';
export type { Clock } from './clock.js';
export {
  type BrokerOptionName,
  type BrokerOptions,
  type BrokerOptionValues,
  brokerOptionTable,
  parseBrokerProperties,
  resolveBrokerOptions,
} from './options.js';
