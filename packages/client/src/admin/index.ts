export { Admin } from './admin.js';
export type { BrokerMember, Where } from './brokers-of.js';
export { ClientAdmin } from './clients.js';
export { ClusterAdmin } from './cluster.js';
export type { BrokerFailure, BrokerTarget, Gathered } from './gathered.js';
export { GroupAdmin, type GroupConfigOnBroker, type GroupInput, type RequestModeInput } from './groups.js';
export { MessageAdmin, type QueryOptions } from './messages.js';
export { type ConsumerOffset, OffsetAdmin, type QueueOffset } from './offsets.js';
export {
  TopicAdmin,
  type TopicConfigOnBroker,
  type TopicInput,
  type TopicKind,
  type TopicMessageType,
  type TopicQueueStats,
  type TopicSettings,
  topicKind,
} from './topics.js';
export {
  type MessageTraceView,
  TraceAdmin,
  type Traced,
  type TracedConsumption,
  type TracedDelivery,
  type TraceQuery,
} from './traces.js';
