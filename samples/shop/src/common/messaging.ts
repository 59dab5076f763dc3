import type { RocketMQModuleOptions } from '@rocketnest/nestjs';
import { RocketMQMetrics } from '@rocketnest/nestjs/prometheus';
import { topics } from './contract.js';

/** How a service of the shop uses RocketMQ. */
export const messaging = (service: string): RocketMQModuleOptions => ({
  namesrvAddr: process.env['ROCKETMQ_NAMESRV'] ?? '127.0.0.1:9876',
  resolver: (key) => process.env[key], // configuration of listeners
  startMode: 'wait',
  topics,
  globalEnhancers: ['pipes'], // ValidationPipe looks at messages, too
  instrumentations: [new RocketMQMetrics()],
  consumer: { consumeFrom: 'FIRST_OFFSET' },
  // Patient, because the whole shop may share a small machine.
  producer: { group: service, sendTimeoutMs: 10_000 },
  replyTimeoutMs: 20_000,
  client: { pollNameServerIntervalMs: 2_000 },
});
