export { APACHE_DELAYS, type IdleOptions, NO_DELAYS, RocketMQTestConnection } from './test-connection.js';
export { RocketMQTestingModule, type RocketMQTestingOptions } from './testing-module.js';
