export { Admin } from './admin.js';
export { type AclEntryInput, type AclOnBroker, AuthAdmin, type UserInput, type UserOnBroker } from './auth.js';
export type { BrokerRuntime, Rates, WaitingRequests } from './broker-runtime.js';
export {
  BrokerAdmin,
  type BrokerConfigOnMember,
  type BrokerStatsOnMember,
  type ColdDataOnMember,
  type ConsumeStatsOnMember,
  type EpochsOnMember,
  type HaStatusOnMember,
  type RocksdbTable,
  type TimerEngine,
} from './brokers.js';
export type { BrokerMember, Where } from './brokers-of.js';
export {
  ClientAdmin,
  type ClientOffset,
  type ConsumerGroupMembers,
  type GroupMember,
  type ProducerMember,
} from './clients.js';
export { ClusterAdmin, type ClusterContext, type ClusterMetadata } from './cluster.js';
export { ControllerAdmin, type ControllerMetadata, type ElectedMaster, type SyncState } from './controllers.js';
export {
  type DeadLetter,
  DeadLetterAdmin,
  type DeadLetterCount,
  type ExportedDeadLetter,
  type ResendResult,
  type ResendTarget,
} from './dead-letters.js';
export type { BrokerFailure, BrokerTarget, Gathered } from './gathered.js';
export {
  GroupAdmin,
  type GroupConfigOnBroker,
  type GroupInput,
  type RequestModeInput,
  type RequestModeOnBroker,
} from './groups.js';
export type { MessagePage, PageOptions } from './message-pages.js';
export type { MessageTrack } from './message-track.js';
export { MessageAdmin, type MessageContext, type MessageRef, type QueryOptions, type ScanOptions } from './messages.js';
export { NameServerAdmin, type NameServerAnswer } from './name-servers.js';
export type {
  OffsetMove,
  OffsetTarget,
  PlannedMove,
  QueueOfTopic,
  ResetInput,
  ResetPlan,
} from './offset-reset.js';
export { type GroupProgress, type GroupSummary, OffsetAdmin, type QueueTimeSpan } from './offsets.js';
export type { QueueProgress } from './progress.js';
export type { MappedConfig, StaticTopicPlan } from './static-mapping.js';
export type { StaticTopicInput } from './static-topics.js';
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
export type { TopicTraffic } from './traffic.js';
