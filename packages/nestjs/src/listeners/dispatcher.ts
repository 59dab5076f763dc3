import type { LoggerService } from '@nestjs/common';
import type { ConsumeOutcome, MessageExt, MessageOutcome, MessageQueue } from '@rocketnest/client';
import { ConfigurationError, isRequest, PropertyName } from '@rocketnest/client';
import { RocketMQContext } from '../context.js';
import { FilteredFailure } from '../handlers/filtered-failure.js';
import type { HandlerContext } from '../handlers/invoker.js';
import { isPromise, lastValue } from '../last-value.js';
import { ConsumeResult, isFinal, type MessageResult } from '../outcome.js';
import type { PayloadDeserializer, PayloadType } from '../payload/deserializer.js';
import type { Replier } from '../reply.js';
import { describeError } from './describe-error.js';
import type { GroupRules } from './group-rules.js';
import type { Judge, Verdict } from './judge.js';
import type { ConsumerPlan, Listener } from './plan.js';
import { route } from './plan.js';

/** A listener and how it runs. */
export interface RunnableListener extends Listener {
  /** A batch listener's gets arrays of payloads and contexts. */
  invoke(payload: unknown, context: HandlerContext): unknown;
  readonly deserializer: PayloadDeserializer;
  readonly payloadType: PayloadType | undefined;
}

/** Messages for one handler call, or for one after the other. */
interface Portion {
  readonly listener: RunnableListener | undefined;
  readonly messages: MessageExt[];
}

/** Brings the messages of a group to its listeners, and what these say back to the consumer. */
export class Dispatcher {
  constructor(
    private readonly plan: ConsumerPlan<RunnableListener>,
    private readonly rules: GroupRules,
    private readonly judge: Judge,
    private readonly replier: Replier,
    private readonly logger: LoggerService,
  ) {}

  /** For `PushConsumer.listen`. Never throws, never rejects. */
  consume(messages: readonly MessageExt[], queue: MessageQueue): Verdict | Promise<ConsumeOutcome | undefined> {
    const [only] = messages;
    if (messages.length > 1) return this.#consumeAll(messages, queue);
    const listener = this.#listenerOf(only!);
    // The usual case takes no promise that it does not need.
    if (listener !== undefined && !listener.settings.batch && listener.settings.reply === undefined) {
      return this.#runOne(listener, only!, queue);
    }
    return this.#run({ listener, messages: [only!] }, queue).then(([verdict]) => verdict);
  }

  async #consumeAll(messages: readonly MessageExt[], queue: MessageQueue): Promise<ConsumeOutcome | undefined> {
    const outcomes = new Map<MessageExt, MessageOutcome>();
    for (const portion of this.#portions(messages)) {
      const verdicts = await this.#run(portion, queue);
      portion.messages.forEach((message, i) => {
        const verdict = verdicts[i];
        if (verdict !== undefined) outcomes.set(message, verdict);
      });
      // In order, what follows comes again together with the one that does.
      if (this.rules.orderly && verdicts.some(comesAgain)) break;
    }
    return outcomes.size === 0 ? undefined : { action: 'each', outcomes };
  }

  /** In the order of the messages. Where order matters, a batch ends where another listener's message begins. */
  *#portions(messages: readonly MessageExt[]): Iterable<Portion> {
    const batches = new Map<RunnableListener, Portion>();
    const portions: Portion[] = [];
    for (const message of messages) {
      const listener = this.#listenerOf(message);
      const open = listener === undefined ? undefined : batches.get(listener);
      if (open !== undefined && (!this.rules.orderly || portions.at(-1) === open)) {
        open.messages.push(message);
        continue;
      }
      const portion = { listener, messages: [message] };
      portions.push(portion);
      if (listener?.settings.batch) batches.set(listener, portion);
    }
    yield* portions;
  }

  #listenerOf({ topic, properties }: MessageExt): RunnableListener | undefined {
    return route(this.plan.listeners, topic, properties[PropertyName.TAGS]);
  }

  /** @returns one verdict for each message */
  async #run({ listener, messages }: Portion, queue: MessageQueue): Promise<Verdict[]> {
    if (listener === undefined) return messages.map((message) => this.#unclaimed(message));
    if (listener.settings.batch) return this.#runBatch(listener, messages, queue);
    const runOne = listener.settings.reply === undefined ? this.#runOne : this.#answer;
    const verdicts: Verdict[] = [];
    for (const message of messages) verdicts.push(await runOne.call(this, listener, message, queue));
    return verdicts;
  }

  #unclaimed({ msgId, topic, properties }: MessageExt): Verdict {
    this.logger.error(
      `No listener of group ${this.rules.group} takes message ${msgId} of topic ${topic}, tag ${properties[PropertyName.TAGS] ?? '(none)'}. It will be delivered again.`,
    );
    return { action: 'retry' };
  }

  #runOne(listener: RunnableListener, message: MessageExt, queue: MessageQueue): Verdict | Promise<Verdict> {
    try {
      const payload = listener.deserializer.deserialize(message, listener.payloadType);
      const returned = isPromise(payload)
        ? payload.then((decoded) => listener.invoke(decoded, this.#contextOf(message, queue)))
        : listener.invoke(payload, this.#contextOf(message, queue));
      const value = lastValue(returned);
      if (isPromise(value)) return this.#judgeLater(listener, message, value);
      return this.judge.returned(listener, message, value);
    } catch (error) {
      return this.judge.failed(listener, message, error);
    }
  }

  async #judgeLater(listener: RunnableListener, message: MessageExt, returned: PromiseLike<unknown>): Promise<Verdict> {
    try {
      const value = lastValue(await returned);
      return this.judge.returned(listener, message, isPromise(value) ? await value : value);
    } catch (error) {
      return this.judge.failed(listener, message, error);
    }
  }

  /** A request is answered once, if only by an error: its requester does not wait for a second delivery. */
  async #answer(listener: RunnableListener, message: MessageExt, queue: MessageQueue): Promise<Verdict> {
    if (!isRequest(message)) return this.#runOne(listener, message, queue);
    const { timeoutMs } = listener.settings.reply!;
    try {
      const payload = await listener.deserializer.deserialize(message, listener.payloadType);
      const returned = await lastValue(await listener.invoke(payload, this.#contextOf(message, queue)));
      // A filter that has dealt with a failure gives the answer.
      const content = returned instanceof FilteredFailure ? returned.value : returned;
      if (content instanceof ConsumeResult) return await this.#answerOutcome(listener, message, content);
      if (returned instanceof FilteredFailure) this.#noteAnswered(listener, message, returned.error);
      await this.replier.reply(message, content, timeoutMs);
    } catch (error) {
      const { msgId, topic } = message;
      this.logger.error(
        `Request ${msgId} of topic ${topic} (group ${this.rules.group}) failed in ${listener.label}: ${describeError(error)}. Its requester gets the error.`,
        ...(error instanceof Error && !isFinal(error) && error.stack !== undefined ? [error.stack] : []),
      );
      this.judge.note(message, error);
      await this.replier.fail(message, error, timeoutMs);
    }
    return undefined;
  }

  /**
   * `retryIn` leaves the requester waiting for a later delivery; what is given up is answered with the reason, and what is discarded not at
   * all: other groups may answer it.
   */
  async #answerOutcome(listener: RunnableListener, message: MessageExt, chosen: ConsumeResult): Promise<Verdict> {
    const verdict = this.judge.chosen(listener, message, chosen);
    if (verdict?.action === 'dead-letter') {
      await this.replier.giveUp(message, verdict.reason, listener.settings.reply!.timeoutMs);
    }
    return verdict;
  }

  #noteAnswered({ label }: RunnableListener, message: MessageExt, error: unknown): void {
    const { msgId, topic } = message;
    this.logger.warn(
      `Request ${msgId} of topic ${topic} (group ${this.rules.group}) failed in ${label}: ${describeError(error)}. Its requester gets what an exception filter made of it.`,
    );
    this.judge.note(message, error);
  }

  async #runBatch(
    listener: RunnableListener,
    messages: readonly MessageExt[],
    queue: MessageQueue,
  ): Promise<Verdict[]> {
    const verdicts: Verdict[] = messages.map(() => undefined);
    const batch: { readonly message: MessageExt; readonly at: number; readonly payload: unknown }[] = [];
    for (const [at, message] of messages.entries()) {
      try {
        batch.push({ message, at, payload: await listener.deserializer.deserialize(message, listener.payloadType) });
      } catch (error) {
        // One that cannot be decoded does not hold up the others.
        verdicts[at] = this.judge.failed(listener, message, error);
        if (this.rules.orderly && comesAgain(verdicts[at])) break;
      }
    }
    if (batch.length === 0) return verdicts;
    const its = batch.map(({ message }) => message);
    const judged = await this.#invokeBatch(
      listener,
      its,
      batch.map(({ payload }) => payload),
      queue,
    );
    for (const [i, { at }] of batch.entries()) verdicts[at] = judged[i];
    return verdicts;
  }

  async #invokeBatch(
    listener: RunnableListener,
    messages: readonly MessageExt[],
    payloads: readonly unknown[],
    queue: MessageQueue,
  ): Promise<Verdict[]> {
    const contexts = messages.map((message) => this.#contextOf(message, queue));
    try {
      const value = await lastValue(await listener.invoke(payloads, contexts));
      if (value instanceof FilteredFailure) return this.judge.filtered(listener, messages, value);
      if (!(value instanceof ConsumeResult)) return messages.map(() => undefined);
      if (value.outcome.action !== 'each') {
        return messages.map((message) => this.judge.chosen(listener, message, value));
      }
      return this.#judgeEach(listener, messages, value.outcome.results);
    } catch (error) {
      if (isFinal(error) && messages.length > 1) return this.#oneByOne(listener, messages, payloads, queue);
      return this.judge.allFailed(listener, messages, error);
    }
  }

  /** A failure that is final, of a pipe for example, is the fault of one of them: the others must not end as dead letters. */
  async #oneByOne(
    listener: RunnableListener,
    messages: readonly MessageExt[],
    payloads: readonly unknown[],
    queue: MessageQueue,
  ): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const [i, message] of messages.entries()) {
      const [verdict] = await this.#invokeBatch(listener, [message], [payloads[i]], queue);
      verdicts.push(verdict);
      if (this.rules.orderly && comesAgain(verdict)) break;
    }
    return verdicts;
  }

  #judgeEach(
    listener: RunnableListener,
    messages: readonly MessageExt[],
    results: readonly MessageResult[],
  ): Verdict[] {
    if (results.length !== messages.length) {
      throw new ConfigurationError(
        `${listener.label} returned ConsumeResult.each with ${results.length} results for a batch of ${messages.length}. Give one for each message, in their order.`,
      );
    }
    return messages.map((message, i) => {
      const result = results[i];
      if (result instanceof Error) return this.judge.failed(listener, message, result);
      if (isSettlement(result)) {
        return result.status === 'rejected'
          ? this.judge.failed(listener, message, result.reason)
          : this.judge.returned(listener, message, result.value);
      }
      return this.judge.returned(listener, message, result);
    });
  }

  #contextOf(message: MessageExt, queue: MessageQueue): RocketMQContext {
    const { connection, group, orderly } = this.rules;
    return new RocketMQContext([message, { connection, group, queue, orderly }]);
  }
}

/** In order: the message comes again, and those behind it wait. */
const comesAgain = (verdict: Verdict): boolean => verdict !== undefined && verdict.action !== 'dead-letter';

const isSettlement = (result: unknown): result is PromiseSettledResult<unknown> =>
  typeof result === 'object' &&
  result !== null &&
  'status' in result &&
  (result.status === 'rejected' || result.status === 'fulfilled');
