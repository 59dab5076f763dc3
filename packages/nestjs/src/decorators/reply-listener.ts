import type { Type } from '@nestjs/common';
import type { RocketMQContext } from '../context.js';
import type { Resolvable } from '../values.js';
import type { RocketMQListenerOptions } from './listener.js';
import { declare } from './metadata.js';

/** What a class with `@RocketMQReplyListener` implements. */
export interface RocketMQReplyListener<T = unknown, R = unknown> {
  /**
   * What it returns is the reply: text, bytes, an object (sent as JSON) or a `RocketMQRecord`. What it throws is the reply, too: the
   * requester's promise rejects with it.
   */
  onMessage(message: T, context: RocketMQContext): R | Promise<R>;
}

export interface RocketMQReplyListenerOptions extends Omit<RocketMQListenerOptions, 'batch'> {
  /** Milliseconds that sending the reply may take, default 3000. */
  readonly replyTimeout?: Resolvable<number>;
}

/** Accepts a class that has `onMessage`, or a method. */
interface ReplyListenerDecorator {
  (target: Type<RocketMQReplyListener<never>>): void;
  (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor): void;
}

export const REPLY_LISTENER = 'RocketMQReplyListener';

/**
 * Subscribes a class or method that answers requests (`template.request`, Java's `producer.request`, rocketmq-spring's
 * `sendAndReceive`).
 *
 * ```ts
 * @Injectable()
 * @RocketMQReplyListener({ topic: 'price-requests', consumerGroup: 'prices' })
 * class Prices implements RocketMQReplyListener<PriceRequest, Price> {
 *   async onMessage(request: PriceRequest) { return this.priceOf(request.article); }
 * }
 * ```
 */
export const RocketMQReplyListener = (options: RocketMQReplyListenerOptions): ReplyListenerDecorator =>
  declare(REPLY_LISTENER, options, 'onMessage');
