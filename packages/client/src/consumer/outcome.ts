import type { MessageExt } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';

/**
 * What a handler may say instead of plain success (`undefined`) or failure (throwing).
 * - `retry`: deliver again later, as throwing does, but not logged as an error. `delayLevel` 1..18 picks the broker's delay
 *   level; absent or 0 lets the broker choose (3 + attempts so far). `consumed` says how many messages at the start of the
 *   batch are done (Java's ackIndex + 1) and only the others come again. ORDERLY: same as `suspend` with the default pause.
 * - `dead-letter`: give up now, move the batch to %DLQ%group.
 * - `suspend`: ORDERLY only, keep the queue still for `ms` (10..30 000) and deliver the same batch again.
 */
export type ConsumeOutcome =
  | { readonly action: 'retry'; readonly delayLevel?: number; readonly consumed?: number }
  | { readonly action: 'dead-letter' }
  | { readonly action: 'suspend'; readonly ms?: number };

/** Where a batch comes from. */
export interface ConsumeContext {
  readonly group: string;
  /** The queue the batch was pulled from; for retried messages its topic is %RETRY%group, unlike `message.topic`. */
  readonly queue: MessageQueue;
}

// biome-ignore lint/suspicious/noConfusingVoidType: handlers written as `async () => { … }` return void.
export type ConsumeResult = ConsumeOutcome | undefined | void;

/**
 * Business code. Resolving (or returning) nothing acknowledges the batch, throwing or rejecting has it delivered again later.
 * A handler that works synchronously may simply return: no promise is needed, nor made.
 */
export type MessageHandler = (
  messages: MessageExt[],
  context: ConsumeContext,
) => ConsumeResult | Promise<ConsumeResult>;

/**
 * Observers of consumption, e.g. traces and metrics. What they throw is logged and otherwise ignored. One handler call
 * passes the same `context` object to `before` and `after`, so a WeakMap keyed by it connects the two.
 * Java: ConsumeMessageHook.
 */
export interface ConsumeHooks {
  /** Right before the handler is called. */
  before?(messages: readonly MessageExt[], context: ConsumeContext): void;
  /** After the handler has finished; `error` is what it threw, if it did. */
  after?(
    messages: readonly MessageExt[],
    context: ConsumeContext,
    result: { outcome: ConsumeOutcome | undefined; error?: unknown; durationMs: number },
  ): void;
}

/** The hooks option as a list: users may give one object or several. */
export function hookList(hooks: ConsumeHooks | readonly ConsumeHooks[] | undefined): readonly ConsumeHooks[] {
  if (hooks === undefined) return [];
  return isList(hooks) ? hooks : [hooks];
}

function isList(hooks: ConsumeHooks | readonly ConsumeHooks[]): hooks is readonly ConsumeHooks[] {
  return Array.isArray(hooks);
}

const ACTIONS: ReadonlySet<unknown> = new Set(['retry', 'dead-letter', 'suspend']);

/**
 * Reads what a handler returned. Anything that is not an outcome (a saved entity, a count) counts as success: handlers
 * often end in `return this.repository.save(…)`. An object with an `action` we do not know is a mistake and throws.
 */
export function readOutcome(returned: unknown): ConsumeOutcome | undefined {
  if (typeof returned !== 'object' || returned === null || !('action' in returned)) return undefined;
  if (typeof returned.action !== 'string') return undefined;
  if (!ACTIONS.has(returned.action)) {
    throw new TypeError(
      `The handler returned action "${returned.action}"; known actions are retry, dead-letter and suspend. Return nothing to acknowledge.`,
    );
  }
  return returned as ConsumeOutcome;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
