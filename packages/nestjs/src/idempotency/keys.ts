import { createHash } from 'node:crypto';
import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { RocketMQContext } from '../context.js';
import { NonRetryableError } from '../outcome.js';

/**
 * What makes two messages the same: text made from the decoded payload (before pipes) and the context.
 *
 * ```ts
 * key: (order: Order) => `${order.id}:${order.version}`
 * ```
 */
export type IdempotencyKey<T = never> = (payload: T, context: RocketMQContext) => string;

/** The producer's keys, else the message id, which is another one when an application sends a second time. */
export const defaultKey: IdempotencyKey<unknown> = (_, context) =>
  context.getKeys().join(' ') || context.getMessageId();

/** Bytes that every store can keep as a key. */
const MAX_KEY_BYTES = 255;

/**
 * The store's key: a message that comes to another group, topic, tag or handler is another matter, even with the same keys.
 * @throws NonRetryableError when `key` fails or does not make text: it would do so again
 */
export function storeKey(key: IdempotencyKey, scope: string, payload: unknown, context: RocketMQContext): string {
  let own: unknown;
  try {
    own = key(payload as never, context);
  } catch (error) {
    throw new NonRetryableError(`The key function of @Idempotent on ${scope} failed: ${String(error)}`, {
      cause: error,
    });
  }
  if (typeof own !== 'string' || own === '') {
    throw new NonRetryableError(
      `The key function of @Idempotent on ${scope} must make non-empty text, and made ${show(own)}`,
    );
  }
  return shorten([context.getConsumerGroup(), context.getTopic(), context.getTag() ?? '', scope, own].join('|'));
}

/** A long key keeps its beginning, for people, and gets a hash of the whole, for machines. */
function shorten(key: string): string {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return key;
  const hash = createHash('sha256').update(key).digest('hex');
  const room = MAX_KEY_BYTES - hash.length - 1;
  // A character cut in two would become three bytes.
  const beginning = Buffer.from(key)
    .subarray(0, room)
    .toString()
    .replace(/\uFFFD+$/u, '');
  return `${beginning}#${hash}`;
}

/** @throws ConfigurationError unless there is a function, or nothing */
export function checkKey(key: unknown): void {
  if (key === undefined || typeof key === 'function') return;
  throw new ConfigurationError(`@Idempotent: key must be a function (payload, context) => text, got ${show(key)}.`);
}
