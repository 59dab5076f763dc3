export { Admin } from './admin.js';
export type { BrokerMember } from './brokers-of.js';
export { ClientAdmin } from './clients.js';
export { ClusterAdmin } from './cluster.js';
export type { BrokerFailure, BrokerTarget, Gathered } from './gathered.js';
export { GroupAdmin, type GroupInput } from './groups.js';
export { MessageAdmin, type QueryOptions } from './messages.js';
export { type ConsumerOffset, OffsetAdmin, type QueueOffset } from './offsets.js';
export { TopicAdmin, type TopicInput, type TopicQueueStats } from './topics.js';
