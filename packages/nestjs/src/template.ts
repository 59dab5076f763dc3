import type {
  HalfMessage,
  MessageQueue,
  Producer,
  SendResult,
  TransactionSendResult,
  TransactionState,
} from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import type { RocketMQConnection } from './connection.js';
import type { Destination, HeaderValue } from './destination.js';
import { toOutgoing } from './outgoing.js';

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

/**
 * Sends messages through one connection. `send` and its options cover everything; below it are the names that users of
 * rocketmq-spring know, with the same arguments.
 *
 * A promise resolves only when the broker has stored the message as it was asked to (`SEND_OK`), and rejects with a
 * `RocketMQError` otherwise.
 */
export class RocketMQTemplate {
  constructor(private readonly connection: RocketMQConnection) {}

  /** The client's producer, for what the template does not offer. */
  getProducer(): Producer {
    return this.connection.producer;
  }

  /**
   * @param destination `'topic'`, `'topic:tag'` or `{ topic, tag, keys, headers }`
   * @param payload text, bytes, an object (sent as JSON), or a `RocketMQRecord`
   */
  async send<T>(destination: Destination, payload: T, options: SendOptions = {}): Promise<SendResult> {
    const outgoing = this.#outgoing(destination, payload, options);
    return this.connection.producer.send(outgoing.message, toClientOptions(outgoing.options));
  }

  /** Does not wait for the broker's answer: resolves once the message is handed to the connection, and may lose it. */
  async sendOneway<T>(destination: Destination, payload: T, options: SendOptions = {}): Promise<void> {
    const outgoing = this.#outgoing(destination, payload, options);
    return this.connection.producer.sendOneway(outgoing.message, toClientOptions(outgoing.options));
  }

  /**
   * One request, one queue, all or nothing. Not for delayed messages.
   * @param payloads payloads, or `RocketMQRecord`s with their own tag, keys and headers
   */
  async sendBatch<T>(destination: Destination, payloads: readonly T[], options: SendOptions = {}): Promise<SendResult> {
    if (payloads.length === 0)
      throw new ConfigurationError('sendBatch was called with no payloads. Give at least one.');
    const messages = payloads.map((payload) => this.#outgoing(destination, payload, options).message);
    return this.connection.producer.send(messages, toClientOptions(options));
  }

  /**
   * Sends a message that becomes visible only if `execute` succeeds. Should the process die in between, the broker asks a
   * `@RocketMQTransactionListener` of any process with the same producer group.
   * @throws what `execute` throws, after the rollback was sent; ConfigurationError when the module has no `producer.group`
   */
  async sendInTransaction<T>(
    destination: Destination,
    payload: T,
    execute: TransactionCallback,
    options: TransactionOptions = {},
  ): Promise<TransactionSendResult> {
    const { listener, ...sendOptions } = options;
    const { message } = this.#outgoing(destination, payload, sendOptions);
    return this.connection.sendInTransaction(message, execute, defined({ listener, timeoutMs: options.timeoutMs }));
  }

  // rocketmq-spring's names (class RocketMQTemplate)

  syncSend<T>(destination: Destination, payload: T, timeout?: number, delayLevel?: number): Promise<SendResult> {
    return this.send(destination, payload, defined({ timeoutMs: timeout, delayLevel }));
  }

  syncSendOrderly<T>(
    destination: Destination,
    payload: T,
    hashKey: string,
    timeout?: number,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, defined({ shardingKey: hashKey, timeoutMs: timeout, delayLevel }));
  }

  syncSendDelayTimeSeconds<T>(destination: Destination, payload: T, delayTime: number): Promise<SendResult> {
    return this.send(destination, payload, { delay: delayTime * 1_000 });
  }

  syncSendDelayTimeMills<T>(destination: Destination, payload: T, delayTime: number): Promise<SendResult> {
    return this.send(destination, payload, { delay: delayTime });
  }

  syncSendDeliverTimeMills<T>(destination: Destination, payload: T, deliverTimeMills: number): Promise<SendResult> {
    return this.send(destination, payload, { deliverAt: deliverTimeMills });
  }

  asyncSend<T>(
    destination: Destination,
    payload: T,
    callback: SendCallback,
    timeout?: number,
    delayLevel?: number,
  ): void {
    report(this.syncSend(destination, payload, timeout, delayLevel), callback);
  }

  asyncSendOrderly<T>(
    destination: Destination,
    payload: T,
    hashKey: string,
    callback: SendCallback,
    timeout?: number,
    delayLevel?: number,
  ): void {
    report(this.syncSendOrderly(destination, payload, hashKey, timeout, delayLevel), callback);
  }

  sendOneWay<T>(destination: Destination, payload: T): Promise<void> {
    return this.sendOneway(destination, payload);
  }

  sendOneWayOrderly<T>(destination: Destination, payload: T, hashKey: string): Promise<void> {
    return this.sendOneway(destination, payload, { shardingKey: hashKey });
  }

  async convertAndSend<T>(destination: Destination, payload: T, headers: SendOptions['headers'] = {}): Promise<void> {
    await this.send(destination, payload, { headers });
  }

  /**
   * Runs `executeLocalTransaction(payload, arg)` of the `@RocketMQTransactionListener` responsible for the message.
   * @throws ConfigurationError when there is none
   */
  async sendMessageInTransaction<T, A>(
    destination: Destination,
    payload: T,
    arg: A,
    options: TransactionOptions = {},
  ): Promise<TransactionSendResult> {
    const { listener, ...sendOptions } = options;
    const { message } = this.#outgoing(destination, payload, sendOptions);
    const execute = this.connection.localTransaction(message, listener);
    return this.connection.sendInTransaction(
      message,
      () => execute(payload, arg),
      defined({ listener, timeoutMs: options.timeoutMs }),
    );
  }

  #outgoing(destination: Destination, payload: unknown, options: SendOptions) {
    return toOutgoing(destination, payload, options, this.connection.serializer);
  }
}

function toClientOptions(options: SendOptions) {
  const { timeoutMs, shardingKey, queue, acceptStatuses, signal } = options;
  return defined({ timeoutMs, shardingKey, queue, acceptStatuses, signal });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out the properties that are undefined. */
const defined = <T extends object>(options: T): Defined<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;

function report(sending: Promise<SendResult>, callback: SendCallback): void {
  sending.then(
    (result) => callback.onSuccess(result),
    (error: unknown) => callback.onException(error),
  );
}
