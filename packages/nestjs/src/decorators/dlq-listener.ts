import type { Type } from '@nestjs/common';
import { dlqTopic } from '@rocketnest/client';
import type { ConfigReader, Resolvable } from '../values.js';
import type { RocketMQBatchListener, RocketMQListener, RocketMQListenerOptions } from './listener.js';
import { declare } from './metadata.js';

export interface RocketMQDlqListenerOptions
  extends Omit<RocketMQListenerOptions, 'topic' | 'consumerGroup' | 'selectorType' | 'selectorExpression'> {
  /** The group whose dead letters are wanted. */
  readonly group: Resolvable<string>;
  /** The group that reads them. Default: `group` with `-dlq` behind it. */
  readonly consumerGroup?: Resolvable<string>;
}

/** Accepts a class that has `onMessage`, or a method. */
interface DlqListenerDecorator {
  (target: Type<RocketMQListener<never>> | Type<RocketMQBatchListener<never>>): void;
  (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor): void;
}

export const DLQ_LISTENER = 'RocketMQDlqListener';

/**
 * Subscribes a class or method to what a group gave up, from its oldest dead letter on. Payloads are decoded like those of any
 * listener, and `context.getDeadLetter()` says where the message was sent to and why it is here.
 *
 * ```ts
 * @RocketMQDlqListener('stock')
 * async report(@Payload() order: Order, @DeadLetter('reason') reason: string | undefined) {}
 * ```
 * @param options the group, or an object with options as of `RocketMQMessageListener`
 */
export const RocketMQDlqListener = (options: Resolvable<string> | RocketMQDlqListenerOptions): DlqListenerDecorator => {
  const { group, consumerGroup, ...rest } =
    typeof options === 'object' ? options : ({ group: options } as RocketMQDlqListenerOptions);
  const listener: RocketMQListenerOptions = {
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    ...rest,
    topic: change(group, dlqTopic),
    consumerGroup: consumerGroup ?? change(group, (name) => `${name}-dlq`),
  };
  const isBatch = rest.batch !== undefined && rest.batch !== false;
  return declare(DLQ_LISTENER, listener, 'onMessage', isBatch ? Array : rest.payloadType);
};

/** Changes a value before or after it is known: what is put around a placeholder stays around what it stands for. */
function change(value: Resolvable<string>, into: (text: string) => string): Resolvable<string> {
  return typeof value === 'function' ? (config: ConfigReader) => into(value(config)) : into(value);
}
