export { RocketMQFakeConnection, type SentMessage } from './fake/fake-connection.js';
export type { FakeDelivery } from './fake/fake-group.js';
export { APACHE_DELAYS, type IdleOptions, NO_DELAYS, RocketMQTestConnection } from './test-connection.js';
export { RocketMQTestingModule, type RocketMQTestingOptions } from './testing-module.js';
