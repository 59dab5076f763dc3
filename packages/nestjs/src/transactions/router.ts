import type { MessageExt, TransactionState } from '@rocketnest/client';
import { ConfigurationError, PropertyName } from '@rocketnest/client';
import type {
  RocketMQLocalTransactionListener,
  RocketMQTransactionListenerOptions,
} from '../decorators/transaction.js';

/** User property that says which listener answers for a transaction: the broker's question after a restart brings it along. */
export const TRANSACTION_LISTENER_PROPERTY = 'ROCKETNEST_TX_LISTENER';

/** A class or method that answers for transactions. */
export interface TransactionListenerEntry {
  /** `Class.method`, for logs and errors. */
  readonly label: string;
  readonly options: RocketMQTransactionListenerOptions;
  check(message: MessageExt): Promise<unknown>;
  /** Only classes in rocketmq-spring's form have one. */
  readonly execute: RocketMQLocalTransactionListener['executeLocalTransaction'] | undefined;
}

const STATES: readonly unknown[] = ['COMMIT', 'ROLLBACK', 'UNKNOWN'] satisfies TransactionState[];

/** What a message says about its transaction. */
type Subject = { readonly topic: string; readonly tag: string | undefined; readonly listener: string | undefined };

/** The transaction listeners of one connection. */
export class TransactionRouter {
  /** @throws ConfigurationError when two entries claim the same transactions */
  constructor(private readonly entries: readonly TransactionListenerEntry[]) {
    const claims = new Map<string, string>();
    for (const { label, options } of entries) {
      const claim = describe(options);
      const other = claims.get(claim);
      if (other !== undefined) {
        throw new ConfigurationError(
          `${other} and ${label} both answer for transactions with ${claim}. Give each its own name or topic in @RocketMQTransactionListener.`,
        );
      }
      claims.set(claim, label);
    }
  }

  /** By name; without one by topic and tag, then by topic, then the one that takes the rest. */
  find({ topic, tag, listener }: Subject): TransactionListenerEntry | undefined {
    const first = (accepts: (options: RocketMQTransactionListenerOptions) => boolean) =>
      this.entries.find(({ options }) => accepts(options));
    if (listener !== undefined) return first(({ name }) => name === listener);
    return (
      first((options) => options.topic === topic && options.tag !== undefined && options.tag === tag) ??
      first((options) => options.topic === topic && options.tag === undefined) ??
      first((options) => options.topic === undefined && options.name === undefined)
    );
  }

  /**
   * Answers the broker. Whatever goes wrong is UNKNOWN, so the broker asks again: its limit is `transactionCheckMax`.
   * @param onError gets what went wrong, in words
   */
  async check(message: MessageExt, onError: (text: string, cause?: unknown) => void): Promise<TransactionState> {
    const { topic, msgId } = message;
    const entry = this.find(subjectOf(message));
    if (entry === undefined) {
      const known = this.entries.map(({ label, options }) => `${label} (${describe(options)})`).join(', ') || 'none';
      onError(
        `The broker asks about transaction message ${msgId} of topic ${topic} with ${describeSubject(message)}, and no ` +
          `@RocketMQTransactionListener answers for it. Known: ${known}. Answered UNKNOWN; add the listener or the message is discarded in the end.`,
      );
      return 'UNKNOWN';
    }
    try {
      const state = await entry.check(message);
      if (STATES.includes(state)) return state as TransactionState;
      onError(
        `${entry.label} answered ${String(state)} for transaction message ${msgId} of topic ${topic}; a check returns 'COMMIT', 'ROLLBACK' or 'UNKNOWN'. Answered UNKNOWN.`,
      );
    } catch (error) {
      onError(
        `${entry.label} failed to check transaction message ${msgId} of topic ${topic}. Answered UNKNOWN.`,
        error,
      );
    }
    return 'UNKNOWN';
  }

  /** Names for error messages. */
  names(): string {
    return this.entries.map(({ options, label }) => options.name ?? label).join(', ') || 'none';
  }
}

function subjectOf({ topic, properties }: MessageExt): Subject {
  return { topic, tag: properties[PropertyName.TAGS], listener: properties[TRANSACTION_LISTENER_PROPERTY] };
}

function describeSubject(message: MessageExt): string {
  const { tag, listener } = subjectOf(message);
  return listener === undefined ? `tag ${tag ?? '(none)'}` : `listener name '${listener}'`;
}

function describe({ name, topic, tag }: RocketMQTransactionListenerOptions): string {
  if (name !== undefined) return `name '${name}'`;
  if (topic === undefined) return 'no other listener';
  return tag === undefined ? `topic '${topic}'` : `destination '${topic}:${tag}'`;
}
