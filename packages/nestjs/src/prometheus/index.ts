export { RocketMQMetrics, type RocketMQMetricsOptions } from './metrics.js';
