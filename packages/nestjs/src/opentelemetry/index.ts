export { RocketMQTracing, type RocketMQTracingOptions } from './tracing.js';
