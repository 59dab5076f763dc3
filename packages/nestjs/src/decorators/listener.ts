import type { Type } from '@nestjs/common';
import type { SharedPushConsumerOptions } from '@rocketnest/client';
import type { RocketMQContext } from '../context.js';
import type { PayloadDeserializer, PayloadType } from '../payload/deserializer.js';
import type { Resolvable } from '../values.js';
import { declare } from './metadata.js';

/** What a class with `@RocketMQMessageListener` implements. */
export interface RocketMQListener<T = unknown> {
  /**
   * Resolving means consumed, throwing means: deliver again later. `ConsumeResult` says more.
   * @param message the decoded payload
   */
  onMessage(message: T, context: RocketMQContext): unknown;
}

/** What a class with `@RocketMQMessageListener({ batch: true })` implements. */
export interface RocketMQBatchListener<T = unknown> {
  /**
   * Resolving means that all are consumed, throwing that all come again later; `ConsumeResult.each` tells them apart.
   * @param messages the decoded payloads
   * @param contexts theirs, in the same order
   */
  onMessage(messages: T[], contexts: RocketMQContext[]): unknown;
}

/**
 * Options of a listener. Values may be literals, text with placeholders (`'${orders.topic:order}'`) or functions of the
 * configuration. Names and defaults are rocketmq-spring's where it has them (annotation RocketMQMessageListener).
 */
export interface RocketMQListenerOptions {
  readonly topic: Resolvable<string>;
  /**
   * Listeners of one group share one consumer, so everything below that the group's listeners set must agree, and their
   * subscriptions must not overlap; otherwise the application does not start.
   */
  readonly consumerGroup: Resolvable<string>;
  /** `TAG` (default) or `SQL92`: what `selectorExpression` is. */
  readonly selectorType?: Resolvable<'TAG' | 'SQL92'>;
  /**
   * Tags: `'*'` (default), `'tagA'` or `'tagA || tagB'`. With SQL92 a condition over user properties, `'amount > 100'`; the
   * broker needs `enablePropertyFilter=true`.
   */
  readonly selectorExpression?: Resolvable<string>;
  /** `CONCURRENTLY` (default), or `ORDERLY`: the messages of a queue one after the other. */
  readonly consumeMode?: Resolvable<'CONCURRENTLY' | 'ORDERLY'>;
  /** `CLUSTERING` (default): each message to one member of the group; `BROADCASTING`: to all of them, never again on failure. */
  readonly messageModel?: Resolvable<'CLUSTERING' | 'BROADCASTING'>;
  /** Handlers of the group that may run at the same time, 1..1000, default 20. ORDERLY: at most one per queue. */
  readonly consumeThreadNumber?: Resolvable<number>;
  /** Caps `consumeThreadNumber`, as rocketmq-spring does; alone it is a cap of the default. */
  readonly consumeThreadMax?: Resolvable<number>;
  /** The same as `consumeThreadNumber`, for readers who know that Node has no such threads. */
  readonly concurrency?: Resolvable<number>;
  /** Deliveries after the first before a message goes to `%DLQ%group`. -1 (default): 16, or without end when ORDERLY. */
  readonly maxReconsumeTimes?: Resolvable<number>;
  /** Minutes a handler may take before the message is delivered again to somebody, default 15. */
  readonly consumeTimeout?: Resolvable<number>;
  /** After a failure, CONCURRENTLY: 0 (default) lets the broker choose, 1..18 is a delay level, -1 is the dead letter topic. */
  readonly delayLevelWhenNextConsume?: Resolvable<number>;
  /** After a failure, ORDERLY: milliseconds the queue stays still, 10..30000, default 1000. */
  readonly suspendCurrentQueueTimeMillis?: Resolvable<number>;
  /** Where a group that has no offsets yet begins. Default: `CONSUME_FROM_LAST_OFFSET`. */
  readonly consumeFromWhere?: Resolvable<'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET'>;
  /** Begin a new group at this moment, instead of `consumeFromWhere`. */
  readonly consumeFromTimestamp?: Resolvable<Date>;
  /** Messages asked for in one pull, 1..1024, default 32. */
  readonly pullBatchSize?: Resolvable<number>;
  /** Milliseconds between a pull that found messages and the next one, 0..65535, default 0. */
  readonly pullInterval?: Resolvable<number>;
  /**
   * Messages given to the consumer at once, 1..1024, default 1 (32 with `batch`). Without `batch` they are handled one after the
   * other, and each has its own outcome.
   */
  readonly consumeMessageBatchMaxSize?: Resolvable<number>;
  /** Milliseconds that shutdown waits for handlers that are running; default: the module's `shutdownTimeoutMs`. */
  readonly awaitTerminationMillisWhenShutdown?: Resolvable<number>;
  /** Write a trace record of every delivery, which consoles show. Default: the module's `consumer.traceEnable`, else false. */
  readonly enableMsgTrace?: Resolvable<boolean>;
  /** Topic for these records, instead of RMQ_SYS_TRACE_TOPIC. */
  readonly customizedTraceTopic?: Resolvable<string>;

  // With one of the following the group gets connections of its own. Text may be empty: that means not set.

  /** Name servers of this group, `'host:port;host:port'`, instead of the connection's. */
  readonly nameServer?: Resolvable<string>;
  /** With `secretKey`: who this group is to brokers that check it. */
  readonly accessKey?: Resolvable<string>;
  readonly secretKey?: Resolvable<string>;
  readonly tlsEnable?: Resolvable<boolean>;
  /** Put before the names of topic and group on their way to brokers. */
  readonly namespace?: Resolvable<string>;
  /** For servers that keep tenants apart themselves. Not together with `namespace`. */
  readonly namespaceV2?: Resolvable<string>;
  /** Part of the client id. Rarely needed: every group with connections of its own has a unique one. */
  readonly instanceName?: Resolvable<string>;
  /** Only `LOCAL`: RocketMQ's `CLOUD` means a trace service of Alibaba Cloud that this package does not write to. */
  readonly accessChannel?: Resolvable<'LOCAL' | 'CLOUD'>;

  // Beyond rocketmq-spring

  /**
   * The handler gets arrays: payloads and contexts of up to `size` messages of one queue (1..1024, default 32). Messages are not
   * waited for, unless `timeoutMs` (0..60000, default 0) says how long: under little load batches are small. It holds for the whole group.
   */
  readonly batch?: boolean | { readonly size: number; readonly timeoutMs?: number };
  /** Messages a second that the group's handlers get at most, evenly spread. */
  readonly rateLimit?: Resolvable<number>;
  /**
   * `false`: brokers (5.0 or newer) say which queues this process has and whether it pulls or pops them. All members of the group must
   * agree.
   */
  readonly clientRebalance?: Resolvable<boolean>;
  /** Further options of the group's consumer (`PushConsumer`), for what has no name above: `{ popInvisibleTimeMs: 30_000 }`. */
  readonly consumer?: Omit<SharedPushConsumerOptions, OwnConsumerKey>;
  /** Name of the connection (`forRoot({ name })`); default: the unnamed one. */
  readonly connection?: string;
  /** Name for `RocketMQListenerRegistry.get(id)`; default: the consumer group. */
  readonly id?: string;
  /** `false`: this listener does not exist in this process. */
  readonly enabled?: Resolvable<boolean>;
  /** `false`: the group starts by `registry.get(id).start()`, not with the application. Default: the module's `autoStartup`, else true. */
  readonly autoStartup?: Resolvable<boolean>;
  /**
   * Class of the payload, for ValidationPipe and for decoding. Only needed where the compiler does not record it: a method
   * without any decorator of its own, such as `onMessage` of a decorated class.
   */
  readonly payloadType?: PayloadType;
  /** Decodes this listener's messages, instead of the module's deserializer. */
  readonly deserializer?: PayloadDeserializer;
}

/** Options of the consumer that have a name of their own above, or that only containers know. */
export const OWN_CONSUMER_KEYS = [
  'group',
  'messageModel',
  'consumeMode',
  'concurrency',
  'consumeFrom',
  'maxReconsumeTimes',
  'consumeTimeoutMs',
  'consumeMessageBatchMaxSize',
  'consumeMessageBatchWaitMs',
  'suspendCurrentQueueTimeMs',
  'pullBatchSize',
  'pullIntervalMs',
  'rateLimit',
  'clientRebalance',
  'traceEnable',
  'traceTopic',
  'shutdownTimeoutMs',
  'onError',
] as const satisfies readonly (keyof SharedPushConsumerOptions)[];
type OwnConsumerKey = (typeof OWN_CONSUMER_KEYS)[number];

/** Accepts a class that has `onMessage`, or a method. */
interface ListenerDecorator {
  (target: Type<RocketMQListener<never>> | Type<RocketMQBatchListener<never>>): void;
  (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor): void;
}

export const LISTENER = 'RocketMQMessageListener';

/**
 * Subscribes a class (its `onMessage`) or a method of a provider or controller to a topic.
 *
 * ```ts
 * @Injectable()
 * @RocketMQMessageListener({ topic: 'order', selectorExpression: 'created', consumerGroup: 'stock' })
 * class StockListener implements RocketMQListener<Order> {
 *   async onMessage(order: Order) {}
 * }
 * ```
 */
export const RocketMQMessageListener = (options: RocketMQListenerOptions): ListenerDecorator =>
  declare(LISTENER, options, 'onMessage', isBatch(options) ? Array : options.payloadType);

const isBatch = ({ batch }: RocketMQListenerOptions): boolean => batch !== undefined && batch !== false;
