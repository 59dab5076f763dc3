import type { LitePullConsumer, Producer, SendResult, TransactionSendResult } from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import type { RocketMQConnection } from './connection.js';
import type { Destination } from './destination.js';
import { parseDestination } from './destination.js';
import { instrumented } from './operations/instrumentation.js';
import { type Outgoing, toOutgoing } from './outgoing.js';
import type { PayloadType } from './payload/deserializer.js';
import type { ReceiveOptions } from './receiver.js';
import { RocketMQRecord } from './record.js';
import type { RequestOptions } from './request.js';
import { sendRequest } from './request.js';
import type { SendCallback, SendOptions, TransactionCallback, TransactionOptions } from './send-options.js';
import type { Sendable } from './topic-map.js';

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
  send<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    options: SendOptions = NO_OPTIONS,
  ): Promise<SendResult> {
    // Not async: the producer's promise is the only one a message needs.
    try {
      const outgoing = this.#outgoing(destination, payload, options);
      return this.connection.producer.send(outgoing.message, outgoing.options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Does not wait for the broker's answer: resolves once the message is handed to the connection, and may lose it. */
  async sendOneway<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    options: SendOptions = NO_OPTIONS,
  ): Promise<void> {
    const outgoing = this.#outgoing(destination, payload, options);
    return this.connection.producer.sendOneway(outgoing.message, outgoing.options);
  }

  /**
   * One request, one queue, all or nothing. Not for delayed messages.
   * @param payloads payloads, or `RocketMQRecord`s with their own tag, keys and headers
   */
  async sendBatch<const D extends Destination>(
    destination: D,
    payloads: readonly Sendable<D>[],
    options: SendOptions = NO_OPTIONS,
  ): Promise<SendResult> {
    if (payloads.length === 0)
      throw new ConfigurationError('sendBatch was called with no payloads. Give at least one.');
    const messages = payloads.map((payload) => this.#outgoing(destination, payload, options).message);
    return this.connection.producer.send(messages, options);
  }

  /**
   * Sends a request and resolves to the decoded reply of a `@MessagePattern` handler, a reply listener, `replyWith` of the client, or
   * a RocketMQReplyListener of rocketmq-spring: whoever consumes the topic answers, and the first answer counts.
   *
   * Rejects like `send`; with RequestTimeoutError when a broker has the request but no reply came in time, which says whether anybody
   * subscribes; with RemoteReplyError when the replier failed; with the reason of `options.signal`.
   */
  async request<R = unknown, const D extends Destination = Destination>(
    destination: D,
    payload: Sendable<D>,
    options: RequestOptions = {},
  ): Promise<R> {
    return sendRequest<R>(this.connection, destination, payload, options);
  }

  /**
   * Takes back a delayed message (`delay`, `deliverAt`) that is not due yet. It works until about a second before its time, and the broker
   * must allow it (`recallMessageEnable`).
   * @param sent what `send` resolved to, or the topic and the `recallHandle` of it
   * @returns the id of the message
   * @throws ConfigurationError when the message has no handle; ResponseError when the broker refuses or the time is over
   */
  recall(sent: Pick<SendResult, 'queue' | 'recallHandle'>): Promise<string>;
  recall(destination: Destination, recallHandle: string): Promise<string>;
  async recall(sent: Pick<SendResult, 'queue' | 'recallHandle'> | Destination, recallHandle?: string): Promise<string> {
    const isResult = typeof sent === 'object' && 'queue' in sent;
    const topic = isResult ? sent.queue.topic : parseDestination(sent).topic;
    const handle = isResult ? sent.recallHandle : recallHandle;
    if (handle === undefined) {
      throw new ConfigurationError(
        `A message of topic ${topic} has no recallHandle: brokers from 5.3 give one to messages with delay or deliverAt (not delayLevel).`,
        { context: { topic } },
      );
    }
    return this.connection.producer.recall(topic, handle);
  }

  /**
   * The next payloads of the topic that the module's `pullConsumer` names; none when nothing came in time. With its `autoCommit` (default),
   * they count as consumed when `receive` is called again; `getConsumer().commit()` says so sooner.
   *
   * ```ts
   * const orders = await template.receive<Order>({ timeoutMs: 1_000 }); // or rocketmq-spring's receive(Order, 1_000)
   * ```
   *
   * Rejects with NonRetryableError for a body that cannot be decoded; what comes after it is handed out by the next call.
   */
  async receive<T = unknown>(options?: ReceiveOptions): Promise<T[]>;
  async receive<T = unknown>(type: PayloadType, timeoutMs?: number): Promise<T[]>;
  async receive<T>(how: ReceiveOptions | PayloadType = {}, timeoutMs?: number): Promise<T[]> {
    const { receiver } = this.connection;
    // Of a connection that started in the background; otherwise it runs already.
    await receiver.consumer.start();
    return receiver.receive<T>(typeof how === 'function' ? defined({ type: how, timeoutMs }) : how);
  }

  /** The pull consumer behind `receive`, to commit, seek or pause. rocketmq-spring's name. */
  getConsumer(): LitePullConsumer {
    return this.connection.receiver.consumer;
  }

  /**
   * Sends a message that becomes visible only if `execute` succeeds. Should the process die in between, the broker asks a
   * `@RocketMQTransactionListener` of any process with the same producer group.
   * @throws what `execute` throws, after the rollback was sent; ConfigurationError when the module has no `producer.group`
   */
  async sendInTransaction<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    execute: TransactionCallback,
    options: TransactionOptions = {},
  ): Promise<TransactionSendResult> {
    const { listener, ...sendOptions } = options;
    const { message } = this.#outgoing(destination, payload, sendOptions);
    return this.connection.sendInTransaction(message, execute, defined({ listener, timeoutMs: options.timeoutMs }));
  }

  // rocketmq-spring's names (class RocketMQTemplate)

  syncSend<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    timeout?: number,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { timeoutMs: timeout, delayLevel });
  }

  syncSendOrderly<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    hashKey: string,
    timeout?: number,
    delayLevel?: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { shardingKey: hashKey, timeoutMs: timeout, delayLevel });
  }

  syncSendDelayTimeSeconds<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    delayTime: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { delay: delayTime * 1_000 });
  }

  syncSendDelayTimeMills<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    delayTime: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { delay: delayTime });
  }

  syncSendDeliverTimeMills<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    deliverTimeMills: number,
  ): Promise<SendResult> {
    return this.send(destination, payload, { deliverAt: deliverTimeMills });
  }

  asyncSend<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    callback: SendCallback,
    timeout?: number,
    delayLevel?: number,
  ): void {
    report(this.syncSend(destination, payload, timeout, delayLevel), callback);
  }

  asyncSendOrderly<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    hashKey: string,
    callback: SendCallback,
    timeout?: number,
    delayLevel?: number,
  ): void {
    report(this.syncSendOrderly(destination, payload, hashKey, timeout, delayLevel), callback);
  }

  sendOneWay<const D extends Destination>(destination: D, payload: Sendable<D>): Promise<void> {
    return this.sendOneway(destination, payload);
  }

  sendOneWayOrderly<const D extends Destination>(destination: D, payload: Sendable<D>, hashKey: string): Promise<void> {
    return this.sendOneway(destination, payload, { shardingKey: hashKey });
  }

  async convertAndSend<const D extends Destination>(
    destination: D,
    payload: Sendable<D>,
    headers: SendOptions['headers'] = {},
  ): Promise<void> {
    await this.send(destination, payload, { headers });
  }

  /**
   * rocketmq-spring's form of `request`.
   * @param type what to read the reply as: `String`, `Buffer`, or a class for JSON; default: as the replier says
   * @param hashKeyOrTimeout text: requests with the same one go to the same queue; a number: ms to wait
   */
  sendAndReceive<R = unknown, const D extends Destination = Destination>(
    destination: D,
    payload: Sendable<D>,
    type?: PayloadType,
    hashKeyOrTimeout?: string | number,
    timeout?: number,
  ): Promise<R> {
    const isKey = typeof hashKeyOrTimeout === 'string';
    const shardingKey = isKey ? hashKeyOrTimeout : undefined;
    const timeoutMs = isKey ? timeout : (hashKeyOrTimeout ?? timeout);
    return this.request(destination, payload, defined({ replyType: type, shardingKey, timeoutMs }));
  }

  /**
   * Runs `executeLocalTransaction(payload, arg)` of the `@RocketMQTransactionListener` responsible for the message; of a `RocketMQRecord` it gets
   * the payload, as the check does.
   * @throws ConfigurationError when there is none
   */
  async sendMessageInTransaction<A, const D extends Destination = Destination>(
    destination: D,
    payload: Sendable<D>,
    arg: A,
    options: TransactionOptions = {},
  ): Promise<TransactionSendResult> {
    const { listener, ...sendOptions } = options;
    const { message } = this.#outgoing(destination, payload, sendOptions);
    const execute = this.connection.localTransaction(message, listener);
    return this.connection.sendInTransaction(
      message,
      () => execute(payload instanceof RocketMQRecord ? payload.payload : payload, arg),
      defined({ listener, timeoutMs: options.timeoutMs }),
    );
  }

  #outgoing(destination: Destination, payload: unknown, options: SendOptions): Outgoing {
    const outgoing = toOutgoing(destination, payload, options, this.connection.serializer);
    const { instrumentations = [] } = this.connection.options;
    if (instrumentations.length === 0) return outgoing;
    return { ...outgoing, message: instrumented(outgoing.message, instrumentations) };
  }
}

const NO_OPTIONS: SendOptions = Object.freeze({});

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
