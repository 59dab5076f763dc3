// What applications meet of the client, so that they need not depend on it.
export type {
  ClientStatus,
  MessageExt,
  MessageQueue,
  SendResult,
  TransactionSendResult,
  TransactionState,
} from '@rocketnest/client';
export {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  NoRouteError,
  RemoteReplyError,
  RequestTimeoutError,
  ResponseError,
  RocketMQError,
  SendError,
  TimeoutError,
} from '@rocketnest/client';
export { RocketMQConnection } from './connection.js';
export {
  type DeadLetterInfo,
  isRocketMQContext,
  ROCKETMQ_CONTEXT_TYPE,
  RocketMQContext,
  type RocketMQContextType,
} from './context.js';
export { RocketMQDlqListener, type RocketMQDlqListenerOptions } from './decorators/dlq-listener.js';
export { OnRocketMQEvent } from './decorators/event.js';
export {
  type RocketMQBatchListener,
  type RocketMQListener,
  type RocketMQListenerOptions,
  RocketMQMessageListener,
} from './decorators/listener.js';
export { Ctx, DeadLetter, Headers, Keys, MessageId, Payload, ReconsumeTimes, Tag } from './decorators/params.js';
export { RocketMQReplyListener, type RocketMQReplyListenerOptions } from './decorators/reply-listener.js';
export {
  type RocketMQLocalTransactionListener,
  RocketMQTransactionChecker,
  RocketMQTransactionListener,
  type RocketMQTransactionListenerOptions,
} from './decorators/transaction.js';
export type { Destination, HeaderValue } from './destination.js';
export { type EmbeddedServers, startEmbeddedServers } from './embedded.js';
export type {
  RocketMQEventName,
  RocketMQEvents,
  RocketMQFailureEvent,
  RocketMQQueueEvent,
  RocketMQStatusEvent,
} from './events/events.js';
export type { RocketMQFeatureOptions } from './feature.js';
export { type ContainerState, RocketMQListenerContainer } from './listeners/container.js';
export { RocketMQListenerRegistry } from './listeners/registry.js';
export {
  RocketMQModule,
  type RocketMQModuleAsyncOptions,
  type RocketMQModuleForRootOptions,
  type RocketMQOptionsFactory,
} from './module.js';
export {
  type RocketMQGroupHealth,
  type RocketMQHealth,
  RocketMQHealthIndicator,
  type RocketMQHealthOptions,
} from './operations/health.js';
export type { ConsumeCall, ConsumeEnd, RocketMQInstrumentation } from './operations/instrumentation.js';
export {
  type RocketMQConnectionStatus,
  type RocketMQGroupStatus,
  type RocketMQStatus,
  RocketMQStatusService,
} from './operations/status.js';
export type { EmbeddedOptions, EnhancerKind, RocketMQModuleOptions, StartMode } from './options.js';
export { ConsumeResult, type MessageResult, NonRetryableError } from './outcome.js';
export { JsonPayloadDeserializer, type PayloadDeserializer, type PayloadType } from './payload/deserializer.js';
export { JsonPayloadSerializer, type PayloadSerializer, type SerializedPayload } from './payload/serializer.js';
export type { PullConsumerOptions, ReceiveOptions } from './receiver.js';
export { type RecordOptions, RocketMQRecord, RocketMQRecordBuilder } from './record.js';
export type { RequestOptions } from './request.js';
export type { SendCallback, SendOptions, TransactionCallback, TransactionOptions } from './send-options.js';
export { RocketMQTemplate } from './template.js';
export {
  getRocketMQConnectionToken,
  getRocketMQTemplateToken,
  InjectRocketMQConnection,
  InjectRocketMQTemplate,
} from './tokens.js';
// Applications add to RocketMQTopics, which TypeScript allows through `export *` only.
export * from './topic-map.js';
export type { EnsureTopics, TopicDeclaration } from './topics.js';
export { ClientRocketMQ, type ClientRocketMQOptions } from './transport/client.js';
export { RocketMQExceptionFilter } from './transport/exception-filter.js';
export type { RocketMQPattern } from './transport/pattern.js';
export type { RocketMQHandlerExtras } from './transport/routes.js';
export { ROCKETMQ_TRANSPORT, ServerRocketMQ, type ServerRocketMQOptions } from './transport/server.js';
export type { RocketMQTransportEvents, RocketMQTransportStatus } from './transport/status.js';
export type { ConfigReader, Resolvable } from './values.js';
