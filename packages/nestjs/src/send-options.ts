import type { HalfMessage, MessageQueue, QueueSelector, SendResult, TransactionState } from '@rocketnest/client';
import type { HeaderValue } from './destination.js';

/** How a message is sent. Everything is optional; without options it is sent at once, to any queue. */
export interface SendOptions {
  /** Tag, instead of the destination's. */
  readonly tag?: string;
  /** Keys to find the message by. */
  readonly keys?: string | readonly string[];
  /** User properties. */
  readonly headers?: Readonly<Record<string, HeaderValue>>;
  /** Messages with the same key go to the same queue, so an ORDERLY consumer sees them in order (`hashKey` in rocketmq-spring). */
  readonly shardingKey?: string;
  /** Send to this queue. */
  readonly queue?: MessageQueue;
  /** Chooses the queue; asked again when a send is repeated. The client has `selectByHash`, `selectByRandom`, `selectByMachineRoom`. */
  readonly selector?: QueueSelector;
  /** Deliver later: a level of the broker, 1..18 (defaults 1s 5s 10s 30s 1m … 2h). */
  readonly delayLevel?: number;
  /** Deliver later: `'90s'`, `'15m'`, `'2h'`, `'1d'`, or milliseconds. Needs a RocketMQ 5 broker; at most 3 days by default. */
  readonly delay?: string | number;
  /** Deliver at this moment (a Date, or milliseconds since 1970). Needs a RocketMQ 5 broker. */
  readonly deliverAt?: Date | number;
  /** Deadline of the whole send including retries, in ms; default: the producer's. */
  readonly timeoutMs?: number;
  /** Send states besides SEND_OK that count as success, e.g. `['FLUSH_SLAVE_TIMEOUT']`. */
  readonly acceptStatuses?: readonly SendResult['status'][];
  readonly signal?: AbortSignal;
  /** `false`: do not wait for the broker's disk or slaves. */
  readonly waitStoreOk?: boolean;
  /** The message's flag, an integer that RocketMQ carries and ignores. */
  readonly flag?: number;
}

/** Options of a transaction. The outcome decides about the one message, so it cannot be delayed or put to a queue. */
export interface TransactionOptions extends Pick<SendOptions, 'tag' | 'keys' | 'headers' | 'timeoutMs' | 'flag'> {
  /** Name of the `@RocketMQTransactionListener` that answers for this transaction; default: chosen by topic and tag. */
  readonly listener?: string;
}

/**
 * The local transaction. It runs after the broker has stored the half message, which nobody sees yet.
 * Returning nothing commits; throwing rolls back, and `sendInTransaction` rejects with what was thrown.
 */
export type TransactionCallback = (
  message: HalfMessage,
  transactionId: string,
  // biome-ignore lint/suspicious/noConfusingVoidType: callbacks written as `async () => { … }` return void.
) => TransactionState | void | Promise<TransactionState | void>;

/** rocketmq-spring's callback of `asyncSend`. */
export interface SendCallback {
  onSuccess(result: SendResult): void;
  onException(error: unknown): void;
}
