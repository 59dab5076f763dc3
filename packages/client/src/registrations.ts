import type {
  ConsumeMessageDirectlyResult,
  ConsumerData,
  ConsumerRunningInfo,
  MessageExt,
  RequestFields,
  Requests,
} from '@rocketnest/protocol';
import type { MessageQueue } from './message-queue.js';
import type { TopicRoute } from './routes.js';

/** The header of CHECK_TRANSACTION_STATE. */
export type CheckTransactionFields = RequestFields<typeof Requests.checkTransactionState>;

/** What a consumer group lends to the instance: its heartbeat and its answers to broker → client calls. */
export interface ConsumerRegistration {
  /** Topics whose routes the instance keeps fresh (subscriptions and the retry topic). */
  topics(): Iterable<string>;
  heartbeat(): ConsumerData;
  /** Members of the group changed (NOTIFY_CONSUMER_IDS_CHANGED) or this client reconnected to a broker: rebalance soon. */
  onConsumerIdsChanged(): void;
  /** A topic's queues changed. */
  onRouteChanged?(route: TopicRoute): void;
  /** RESET_CONSUMER_CLIENT_OFFSET: continue from these offsets. */
  resetOffset(
    topic: string,
    offsets: readonly { readonly queue: MessageQueue; readonly offset: number }[],
  ): void | Promise<void>;
  /** GET_CONSUMER_RUNNING_INFO. `withHandlers`: also which handlers run, in place of Java's thread dump. */
  runningInfo(withHandlers?: boolean): ConsumerRunningInfo | Promise<ConsumerRunningInfo>;
  /** CONSUME_MESSAGE_DIRECTLY: run the handler now, outside of any queue. The body is already decompressed. */
  consumeDirectly(message: MessageExt, brokerName: string | undefined): Promise<ConsumeMessageDirectlyResult>;
  /** GET_CONSUMER_STATUS_FROM_CLIENT: offsets by queue. */
  consumerStatus?(topic: string): readonly { readonly queue: MessageQueue; readonly offset: number }[];
}

/** What a producer group lends to the instance. */
export interface ProducerRegistration {
  topics(): Iterable<string>;
  /** CHECK_TRANSACTION_STATE from the broker at `address`. Absent: the group has no checker. */
  checkTransaction?(address: string, message: MessageExt, fields: CheckTransactionFields): void;
}
