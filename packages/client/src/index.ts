// What users of the client meet in messages, errors and options, so that they need this one package.
export {
  ClosedError,
  ConfigurationError,
  ConnectionError,
  ConsumeError,
  CorruptError,
  dlqTopic,
  type ErrorCode,
  type Host,
  type Message,
  type MessageExt,
  NoRouteError,
  PartialError,
  PropertyName,
  ProtocolError,
  RemoteReplyError,
  RequestCode,
  RequestTimeoutError,
  ResponseCode,
  ResponseError,
  RocketMQError,
  retryTopic,
  SendError,
  TimeoutError,
  WrongPeerError,
} from '@rocketnest/protocol';
export { type Logger, type RpcHook, silentLogger, type TlsClientOptions } from '@rocketnest/remoting';
export * from './admin/index.js';
export { BrokerApi, type CallOptions, type CallResult } from './broker-api.js';
export { type CompressionType, compressBody, decompressBody } from './compression.js';
export * from './consumer/index.js';
export type { Credentials } from './credentials.js';
export { type NameServerEnvironment, nameServersOf } from './environment.js';
export { ClientInstance } from './instance.js';
export { compareQueues, type MessageQueue, queueKey, queueOf } from './message-queue.js';
export {
  type ClientOptions,
  type ClientOptionsInput,
  clientOptionTable,
  groupOption,
  type OptionInfo,
  OptionRow,
  type Options,
  type OptionsInput,
  type OptionTable,
  option,
  type Presence,
  resolveOptions,
} from './options.js';
export type { CreateTopicOptions } from './producer/create-topic.js';
export type { OutgoingMessage, ReplyAddress } from './producer/outgoing-message.js';
export { Producer, type SharedProducerOptionsInput } from './producer/producer.js';
export { type ProducerOptions, type ProducerOptionsInput, producerOptionTable } from './producer/producer-options.js';
export {
  type QueueSelector,
  queueOfKey,
  selectByHash,
  selectByMachineRoom,
  selectByRandom,
} from './producer/queue-selector.js';
export {
  createErrorReply,
  createReply,
  errorOfReply,
  isRequest,
  type Replier,
  type ReplyContent,
  type ReplySender,
  replyWith,
} from './producer/reply.js';
export type { RequestOptions } from './producer/requester.js';
export type {
  AttemptContext,
  EndTransactionContext,
  SendHook,
  SendHookContext,
  SendOutcome,
} from './producer/send-hook.js';
export type { SendOptions } from './producer/send-options.js';
export type { SendResult, SendStatus } from './producer/send-result.js';
export {
  type HalfMessage,
  type LocalTransaction,
  type TransactionChecker,
  TransactionProducer,
  type TransactionProducerOptionsInput,
  type TransactionSendResult,
  type TransactionState,
} from './producer/transaction-producer.js';
export type { ConsumerRegistration, ProducerRegistration } from './registrations.js';
export { type BrokerAddress, type FindBrokerOptions, RouteTable, type TopicRoute } from './routes.js';
export type { BrokerStatus, ClientState, ClientStatus, PeerState, PeerStatus, StatusListener } from './status.js';
export * from './trace/index.js';
