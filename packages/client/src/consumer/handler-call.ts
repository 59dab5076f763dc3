import { type MessageExt, PropertyName, popNormalTopic, retryTopic } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageQueue } from '../message-queue.js';
import type { Namespace } from '../namespace.js';
import type { ConsumeStats } from './consume-stats.js';
import type { ConsumeErrorInfo } from './options.js';
import {
  type ConsumeContext,
  type ConsumeHooks,
  type ConsumeOutcome,
  failedOf,
  isPromise,
  type MessageHandler,
  readOutcome,
} from './outcome.js';

/** How a handler call ended: undefined for success; a throw has become `FAILED`. */
export type Settled = ConsumeOutcome | undefined;

/** What a throwing handler asks for. */
export const FAILED: ConsumeOutcome = Object.freeze({ action: 'retry' });

/** When the handler of these messages was called; NaN when it has not been. */
export function startOf(messages: readonly MessageExt[]): number {
  return Number(messages[0]?.properties[PropertyName.CONSUME_START_TIMESTAMP]);
}

export interface HandlerCallOptions {
  readonly group: string;
  /** Handlers, hooks and errors get names without it. */
  readonly namespace: Namespace;
  readonly handler: MessageHandler;
  readonly logger: Logger;
  readonly stats: ConsumeStats;
  readonly hooks?: readonly ConsumeHooks[] | undefined;
  readonly onError?: ((error: unknown, info: ConsumeErrorInfo) => void) | undefined;
}

/** Calls business code: prepares the messages, watches the call, turns whatever happens into an outcome and logs failures once. */
export class HandlerCall {
  private readonly retryTopic: string;
  private readonly group: string;
  private readonly hooks: readonly ConsumeHooks[];

  constructor(private readonly options: HandlerCallOptions) {
    this.retryTopic = retryTopic(options.group);
    this.group = options.namespace.unwrapGroup(options.group);
    this.hooks = options.hooks ?? [];
  }

  /**
   * Calls the handler, then `settle`: at once when the handler is synchronous, else in the turn its promise settles, through
   * one callback instead of a chain of promises. Never throws.
   */
  invoke(messages: MessageExt[], queue: MessageQueue, settle: (outcome: Settled) => void): void {
    const call = this.begin(messages, queue);
    let returned: unknown;
    try {
      returned = this.options.handler(messages, call.context);
    } catch (error) {
      settle(this.fail(call, error));
      return;
    }
    if (isPromise(returned)) {
      returned.then(
        (value) => settle(this.finish(call, value)),
        (error) => settle(this.fail(call, error)),
      );
    } else {
      settle(this.finish(call, returned));
    }
  }

  /**
   * The same, but the handler's error comes out (after it was logged): for a caller who asked for one message to be
   * consumed and wants to know.
   */
  async invokeForResult(messages: MessageExt[], queue: MessageQueue): Promise<Settled> {
    const call = this.begin(messages, queue);
    try {
      return this.finish(call, await this.options.handler(messages, call.context));
    } catch (error) {
      this.fail(call, error);
      throw error;
    }
  }

  private begin(messages: MessageExt[], queue: MessageQueue): Call {
    const startedAt = Date.now();
    const started = String(startedAt);
    const { namespace } = this.options;
    // The group's own retry topic or, after popping, one of its pop retry topics.
    const retried = queue.topic.startsWith(this.retryTopic);
    for (const message of messages) {
      if (retried) message.topic = this.topicBefore(message);
      if (namespace.active) namespace.unwrapMessage(message);
      message.properties[PropertyName.CONSUME_START_TIMESTAMP] = started;
    }
    const context: ConsumeContext = { group: this.group, queue: namespace.unwrapQueue(queue) };
    const call: Call = { messages, context, topic: queue.topic, startedAt };
    for (const hook of this.hooks) this.observe(() => hook.before?.(messages, context));
    return call;
  }

  /** The topic that a message failed in. */
  private topicBefore({ properties, topic }: MessageExt): string {
    return popNormalTopic(properties[PropertyName.RETRY_TOPIC] ?? topic, this.options.group);
  }

  private finish(call: Call, returned: unknown): Settled {
    let outcome: Settled;
    try {
      outcome = returned === undefined ? undefined : readOutcome(returned, call.messages);
    } catch (error) {
      return this.fail(call, error);
    }
    this.report(call, outcome);
    return outcome;
  }

  private fail(call: Call, error: unknown): ConsumeOutcome {
    const { messages, context } = call;
    const first = messages[0]!;
    const info: ConsumeErrorInfo = {
      group: context.group,
      topic: first.topic,
      brokerName: context.queue.brokerName,
      queueId: context.queue.queueId,
      msgIds: messages.map((message) => message.msgId),
      attempt: first.reconsumeTimes + 1,
    };
    this.observe(() =>
      this.options.logger.error(
        `handler of group ${info.group} failed on topic ${info.topic}, msgId ${info.msgIds.join(',')}, attempt ${info.attempt}`,
        { ...info, error, stack: error instanceof Error ? error.stack : undefined },
      ),
    );
    if (this.options.onError) this.observe(() => this.options.onError?.(error, info));
    this.report(call, FAILED, error);
    return FAILED;
  }

  private report(call: Call, outcome: Settled, error?: unknown): void {
    const { messages, context } = call;
    const now = Date.now();
    const durationMs = now - call.startedAt;
    const failed = outcome === undefined ? 0 : failedOf(outcome, messages).length;
    this.options.stats.consumed(call.topic, messages.length - failed, failed, durationMs, now);
    if (this.hooks.length === 0) return;
    const result = error === undefined ? { outcome, durationMs } : { outcome, error, durationMs };
    for (const hook of this.hooks) this.observe(() => hook.after?.(messages, context, result));
  }

  /** Observers, loggers among them, must not change what happens to a message. */
  private observe(observer: () => void): void {
    try {
      observer();
    } catch (error) {
      try {
        this.options.logger.warn(`a hook, onError or logger of group ${this.options.group} threw`, { error });
      } catch {
        // The logger itself is broken: nobody is left to tell.
      }
    }
  }
}

interface Call {
  readonly messages: MessageExt[];
  readonly context: ConsumeContext;
  /** Of the queue, as brokers know it. */
  readonly topic: string;
  readonly startedAt: number;
}
