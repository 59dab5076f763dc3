import type { Message } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageQueue } from '../message-queue.js';
import type { Namespace } from '../namespace.js';
import type { MessageKind, PreparedMessage } from './outgoing-message.js';
import type { SendCallback, SendResult } from './send-result.js';

/** What a hook sees of one send. Java: SendMessageContext. */
export interface SendHookContext {
  readonly group: string;
  readonly topic: string;
  /** Properties as they will be sent; beforeSend may add own ones (trace ids). A batch has those of its messages apart. */
  readonly properties: Record<string, string>;
  readonly bodyBytes: number;
  /** Messages in this send: 1, or those of a batch. */
  readonly messageCount: number;
  /** Of a batch: the messages in it, with their properties. */
  readonly messages?: readonly Message[];
  readonly kind: MessageKind;
}

/** How the send ended. A one-way send that was handed to the connection has neither result nor error. */
export interface SendOutcome {
  readonly result?: SendResult;
  readonly error?: Error;
  readonly elapsedMs: number;
}

/** One attempt to send, before it is made. Java: CheckForbiddenContext. */
export interface AttemptContext {
  readonly group: string;
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  readonly kind: MessageKind;
  readonly queue: MessageQueue;
  readonly brokerAddress: string;
}

/** The decision of a transaction, before the broker is told. Java: EndTransactionContext. */
export interface EndTransactionContext {
  readonly group: string;
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly msgId: string;
  readonly transactionId: string;
  readonly state: 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';
  /** True when the broker asked, false for what the local transaction came to. */
  readonly fromTransactionCheck: boolean;
  readonly brokerAddress: string;
}

/** Observers of a producer. What they throw is logged and otherwise ignored, except by `checkForbidden`. */
export interface SendHook {
  /** Java: SendMessageHook.sendMessageBefore. */
  beforeSend?(context: SendHookContext): void;
  /** Java: SendMessageHook.sendMessageAfter. */
  afterSend?(context: SendHookContext, outcome: SendOutcome): void;
  /** Throwing forbids the attempt and rejects the send with what was thrown; nothing is repeated. Java: CheckForbiddenHook. */
  checkForbidden?(context: AttemptContext): void;
  /** Java: EndTransactionHook. */
  endTransaction?(context: EndTransactionContext): void;
}

const HOOK_FUNCTIONS = [
  'beforeSend',
  'afterSend',
  'checkForbidden',
  'endTransaction',
] as const satisfies readonly (keyof SendHook)[];

/** An object whose hook functions, as far as it has them, are functions. */
export function isSendHook(hook: unknown): boolean {
  if (typeof hook !== 'object' || hook === null) return false;
  const given = hook as Record<string, unknown>;
  return HOOK_FUNCTIONS.every((name) => given[name] === undefined || typeof given[name] === 'function');
}

/** What hooks need of the client. */
interface HookEnvironment {
  readonly namespace: Namespace;
  readonly logger: Logger;
}

/**
 * The hooks of one producer, who see names as users write them. Which kinds there are is looked up once, so that a send without hooks
 * pays for none.
 */
export class SendHooks {
  /** Some hook wants to see sends. */
  readonly observing: boolean;
  /** Some hook may forbid attempts. */
  readonly forbidding: boolean;

  private readonly group: string;

  /** @param group may have the namespace */
  constructor(
    private readonly hooks: readonly SendHook[],
    group: string,
    private readonly env: HookEnvironment,
  ) {
    this.group = env.namespace.unwrapGroup(group);
    this.observing = hooks.some((hook) => hook.beforeSend !== undefined || hook.afterSend !== undefined);
    this.forbidding = hooks.some((hook) => hook.checkForbidden !== undefined);
  }

  /** Tells the hooks that a send begins; the callback returned tells them its end before it calls `callback`. */
  around(message: PreparedMessage, callback: SendCallback): SendCallback {
    const startedAt = performance.now();
    const { properties, messageCount, messages, kind } = message;
    const topic = this.env.namespace.unwrapTopic(message.topic);
    const bodyBytes = message.body.length;
    const context: SendHookContext = {
      ...{ group: this.group, topic, properties, bodyBytes, messageCount, kind },
      ...(messages === undefined ? {} : { messages }),
    };
    this.call((hook) => hook.beforeSend?.(context));
    return (error, result) => {
      const elapsedMs = performance.now() - startedAt;
      const outcome: SendOutcome =
        error !== null ? { error, elapsedMs } : result === undefined ? { elapsedMs } : { result, elapsedMs };
      this.call((hook) => hook.afterSend?.(context, outcome));
      callback(error, result);
    };
  }

  /** @throws what a hook throws that forbids the attempt */
  checkForbidden(message: PreparedMessage, queue: MessageQueue, brokerAddress: string): void {
    const { properties, kind } = message;
    const { namespace } = this.env;
    const context: AttemptContext = {
      group: this.group,
      topic: namespace.unwrapTopic(message.topic),
      properties,
      bodyBytes: message.body.length,
      kind,
      queue: namespace.unwrapQueue(queue),
      brokerAddress,
    };
    for (const hook of this.hooks) hook.checkForbidden?.(context);
  }

  endTransaction(context: Omit<EndTransactionContext, 'group'>): void {
    const topic = this.env.namespace.unwrapTopic(context.topic);
    this.call((hook) => hook.endTransaction?.({ group: this.group, ...context, topic }));
  }

  private call(call: (hook: SendHook) => void): void {
    for (const hook of this.hooks) {
      try {
        call(hook);
      } catch (error) {
        this.env.logger.error('a send hook threw', { group: this.group, error });
      }
    }
  }
}
