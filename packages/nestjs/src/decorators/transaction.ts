import type { Type } from '@nestjs/common';
import type { TransactionState } from '@rocketnest/client';
import type { RocketMQContext } from '../context.js';
import type { PayloadDeserializer, PayloadType } from '../payload/deserializer.js';
import { declare } from './metadata.js';

/** Answers the broker's question what became of a transaction. */
export interface RocketMQTransactionChecker<T = unknown> {
  /**
   * `COMMIT` or `ROLLBACK` when the outcome is known; `UNKNOWN` (or throwing) makes the broker ask again later.
   * @param message the decoded payload of the half message
   */
  check(message: T, context: RocketMQContext): TransactionState | Promise<TransactionState>;
}

/** rocketmq-spring's form: the local transaction and its check in one class, used by `template.sendMessageInTransaction`. */
export interface RocketMQLocalTransactionListener<T = unknown, A = unknown> {
  /** Runs the local transaction after the broker has stored the half message. Throwing rolls back. */
  executeLocalTransaction(
    message: T,
    arg: A,
    // biome-ignore lint/suspicious/noConfusingVoidType: methods written as `async … { }` return void, which commits.
  ): TransactionState | void | Promise<TransactionState | void>;
  checkLocalTransaction(message: T, context: RocketMQContext): TransactionState | Promise<TransactionState>;
}

/**
 * Which transactions a checker answers for. One with a `name` gets those sent with `{ listener: name }`; one with a `topic`
 * (and `tag`) those sent there; one with neither gets the rest.
 */
export interface RocketMQTransactionListenerOptions {
  readonly name?: string;
  readonly topic?: string;
  /** Narrows `topic`. */
  readonly tag?: string;
  /** Name of the connection (`forRoot({ name })`); default: the unnamed one. */
  readonly connection?: string;
  /** Class of the payload, as in `RocketMQMessageListener`. */
  readonly payloadType?: PayloadType;
  /** Decodes the half messages, instead of the module's deserializer. */
  readonly deserializer?: PayloadDeserializer;
}

export const TRANSACTION_LISTENER = 'RocketMQTransactionListener';
export const TRANSACTION_CHECKER = 'RocketMQTransactionChecker';

type TransactionListenerClass =
  | Type<RocketMQTransactionChecker<never>>
  | Type<RocketMQLocalTransactionListener<never, never>>;

/** Makes a class the one that answers for transactions; any number of classes may. */
export const RocketMQTransactionListener =
  (options: RocketMQTransactionListenerOptions = {}) =>
  (target: TransactionListenerClass): void => {
    const { prototype } = target;
    const isSpringForm =
      typeof (prototype as Partial<RocketMQLocalTransactionListener>).checkLocalTransaction === 'function';
    declare(TRANSACTION_LISTENER, options, isSpringForm ? 'checkLocalTransaction' : 'check')(target);
  };

/** The same for a method of a provider: `(payload, context) => TransactionState`. */
export const RocketMQTransactionChecker = (options: RocketMQTransactionListenerOptions = {}): MethodDecorator =>
  declare(TRANSACTION_CHECKER, options, undefined);
