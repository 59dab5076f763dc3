import type { MessageExt } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';

/**
 * What a handler may say instead of plain success (`undefined`) or failure (throwing).
 * - `retry`: deliver again later, as throwing does, but not logged as an error. `delayLevel` (1..18 by default) picks the broker's delay
 *   level; absent or 0 lets the broker choose (3 + attempts so far). Of a batch, `failed` names the messages that come again,
 *   or `consumed` says how many at its start are done (Java's ackIndex + 1); the others are consumed. ORDERLY: same as
 *   `suspend` with the default pause, and everything from the first failed message on comes again.
 * - `dead-letter`: give up now, move the batch to %DLQ%group. A `reason` goes with it, as property ROCKETNEST_DLQ_REASON.
 * - `suspend`: ORDERLY only, keep the queue still for `ms` (10..30 000) and deliver the same batch again.
 * - `each`: the messages of a batch end differently; those not in `outcomes` are consumed. ORDERLY: the first one that is not
 *   given up comes again together with all that follow it.
 */
export type ConsumeOutcome =
  | {
      readonly action: 'retry';
      readonly delayLevel?: number;
      readonly consumed?: number;
      readonly failed?: Iterable<MessageExt>;
    }
  | { readonly action: 'each'; readonly outcomes: ReadonlyMap<MessageExt, MessageOutcome> }
  | Exclude<MessageOutcome, { action: 'retry' }>;

/** What becomes of one message that is not consumed. */
export type MessageOutcome =
  | { readonly action: 'retry'; readonly delayLevel?: number }
  | { readonly action: 'dead-letter'; readonly reason?: string }
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

const ACTIONS: ReadonlySet<unknown> = new Set(['retry', 'dead-letter', 'suspend', 'each']);

/**
 * Reads what a handler returned for `messages`. Anything that is not an outcome (a saved entity, a count) counts as success:
 * handlers often end in `return this.repository.save(…)`.
 * @throws TypeError for an object with an `action` that makes no sense: a mistake, which counts as failure
 */
export function readOutcome(returned: unknown, messages: readonly MessageExt[]): ConsumeOutcome | undefined {
  if (typeof returned !== 'object' || returned === null || !('action' in returned)) return undefined;
  if (typeof returned.action !== 'string') return undefined;
  if (!ACTIONS.has(returned.action)) {
    throw new TypeError(
      `The handler returned action "${returned.action}"; known actions are retry, dead-letter, suspend and each. Return nothing to acknowledge.`,
    );
  }
  const outcome = returned as ConsumeOutcome;
  if (outcome.action === 'each') return checkedEach(outcome, messages);
  return outcome.action === 'retry' ? checkedRetry(outcome, messages) : outcome;
}

function checkedEach(
  outcome: Extract<ConsumeOutcome, { action: 'each' }>,
  messages: readonly MessageExt[],
): ConsumeOutcome | undefined {
  const { outcomes } = outcome;
  if (!(outcomes instanceof Map)) throw new TypeError('The handler returned action "each" without a Map of outcomes.');
  for (const [message, { action }] of outcomes) {
    if (!messages.includes(message)) {
      throw new TypeError('The handler returned action "each" with a message that is not of the batch.');
    }
    if (!ACTIONS.has(action) || (action as string) === 'each') {
      throw new TypeError(`The handler returned action "each" with action "${action}" for message ${message.msgId}.`);
    }
  }
  return outcomes.size === 0 ? undefined : outcome;
}

type Retry = Extract<ConsumeOutcome, { action: 'retry' }>;

function checkedRetry(outcome: Retry, messages: readonly MessageExt[]): ConsumeOutcome | undefined {
  const { consumed, delayLevel, failed } = outcome;
  const refuse = (what: string): never => {
    throw new TypeError(`The handler returned action "retry" with ${what}.`);
  };
  if (delayLevel !== undefined && !(Number.isInteger(delayLevel) && delayLevel >= 0)) {
    refuse(
      `delayLevel ${delayLevel}; levels begin at 1, 0 lets the broker choose. To give up, return action "dead-letter"`,
    );
  }
  if (consumed !== undefined && !(Number.isInteger(consumed) && consumed >= 0 && consumed <= messages.length)) {
    refuse(`consumed ${consumed} for a batch of ${messages.length}; it is how many messages at its start are done`);
  }
  if (failed === undefined) return consumed === messages.length ? undefined : outcome;
  if (consumed !== undefined) refuse('both consumed and failed; give one of them');
  if (typeof failed !== 'object' || failed === null || !(Symbol.iterator in failed)) {
    refuse('something else than an array or a set of messages as failed');
  }
  // Read once: what was given may be an iterator.
  const named = new Set(failed);
  for (const message of named) if (!messages.includes(message)) refuse('a message in failed that is not of the batch');
  return named.size === 0 ? undefined : { ...outcome, failed: named };
}

/** The messages of a batch that an outcome wants delivered again or given up. */
export function failedOf(outcome: ConsumeOutcome, messages: readonly MessageExt[]): readonly MessageExt[] {
  if (outcome.action === 'each') return messages.filter((message) => outcome.outcomes.has(message));
  if (outcome.action !== 'retry') return messages;
  if (outcome.failed === undefined) return messages.slice(outcome.consumed ?? 0);
  const failed = new Set(outcome.failed);
  return messages.filter((message) => failed.has(message));
}

/** What an outcome of a batch means for one of its failed messages. */
export function outcomeFor(outcome: ConsumeOutcome, message: MessageExt): MessageOutcome {
  return outcome.action === 'each' ? (outcome.outcomes.get(message) ?? { action: 'retry' }) : outcome;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
