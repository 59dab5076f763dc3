import type { LoggerService } from '@nestjs/common';
import type { MessageExt, MessageOutcome } from '@rocketnest/client';
import { dlqTopic } from '@rocketnest/client';
import { FilteredFailure } from '../handlers/filtered-failure.js';
import { ConsumeResult, isFinal } from '../outcome.js';
import { describeError } from './describe-error.js';
import type { GroupRules } from './group-rules.js';
import type { Listener } from './plan.js';

/** What becomes of a message; `undefined`: consumed. */
export type Verdict = MessageOutcome | undefined;

/** What becomes of a message that its handler did not take: the events' names. */
export type Fate = 'retry' | 'dead-letter' | 'discard';

/** Hears of messages that their handlers did not take. */
export type FateObserver = (listener: Listener, message: MessageExt, fate: Fate, reason: string) => void;

/** Decides what becomes of messages after their handler has run, and logs each failure once. */
export class Judge {
  constructor(
    private readonly rules: GroupRules,
    private readonly logger: LoggerService,
    private readonly observe: FateObserver = () => undefined,
    /** Hears of every error before it becomes a verdict, and of those that only `note` tells of. */
    readonly note: (message: MessageExt, error: unknown) => void = () => undefined,
  ) {}

  /** The handler returned `value`. */
  returned(listener: Listener, message: MessageExt, value: unknown): Verdict {
    if (value instanceof FilteredFailure) return this.filtered(listener, [message], value)[0];
    return value instanceof ConsumeResult ? this.chosen(listener, message, value) : undefined;
  }

  /** A filter has dealt with a failure: it may choose an outcome; otherwise the messages count as consumed, which must show. */
  filtered(listener: Listener, messages: readonly MessageExt[], { error, value }: FilteredFailure): Verdict[] {
    for (const message of messages) this.note(message, error);
    if (value instanceof ConsumeResult) return messages.map((message) => this.chosen(listener, message, value));
    const reason = describeError(error);
    this.logger.warn(
      `${this.#subjects(messages)} failed in ${listener.label}${this.#attemptOf(messages)}: ${reason}. An exception filter has dealt with it, so nothing is delivered again${idsOf(messages)}.`,
    );
    for (const message of messages) this.observe(listener, message, 'discard', reason);
    return messages.map(() => undefined);
  }

  /** The handler chose an outcome. */
  chosen(listener: Listener, message: MessageExt, { outcome }: ConsumeResult): Verdict {
    switch (outcome.action) {
      case 'dead-letter':
        return this.#deadLetter(listener, message, outcome.reason ?? 'as its handler asked');
      case 'discard':
        return this.#discard(listener, message, outcome.reason ?? 'as its handler asked');
      case 'each':
        return this.failed(
          listener,
          message,
          new TypeError('ConsumeResult.each is for batch listeners (batch: true), and not within itself'),
        );
      case 'suspend':
        if (this.rules.orderly) return this.#again(listener, message, outcome);
        this.logger.warn(
          `${listener.label} returned ConsumeResult.suspend, which only ORDERLY listeners can. The message is delivered again later.`,
        );
        return this.#again(listener, message, { action: 'retry' });
      case 'retry':
        return this.#again(listener, message, this.rules.orderly ? suspendOf(listener) : outcome);
    }
  }

  /** The handler, or something around it, threw. */
  failed(listener: Listener, message: MessageExt, error: unknown): Verdict {
    const reason = describeError(error);
    const subject = `${this.#subject(message)} failed in ${listener.label}, ${this.#attempt(message)}:`;
    const verdict = this.#verdictOf(listener, message, error, reason);
    const stack = error instanceof Error && !isFinal(error) ? error.stack : undefined;
    this.logger.error(`${subject} ${this.#fate(verdict, reason)}`, ...(stack === undefined ? [] : [stack]));
    this.observe(listener, message, fateOf(verdict), reason);
    return verdict;
  }

  /** The same for several at once, which fail for one reason: one line in the log. */
  allFailed(listener: Listener, messages: readonly MessageExt[], error: unknown): Verdict[] {
    const [first] = messages;
    if (first === undefined || messages.length === 1) {
      return messages.map((message) => this.failed(listener, message, error));
    }
    const reason = describeError(error);
    const verdicts = messages.map((message) => this.#verdictOf(listener, message, error, reason));
    const dead = verdicts.filter((verdict) => verdict.action === 'dead-letter').length;
    const fates = [
      ...(dead < messages.length ? [`${messages.length - dead} ${this.#againWords}`] : []),
      ...(dead > 0 ? [`${dead} ${this.#deadWords}`] : []),
    ];
    const stack = error instanceof Error ? error.stack : undefined;
    this.logger.error(
      `${this.#subjects(messages)} failed in ${listener.label}: ${reason}. Of them ${fates.join(', ')}${idsOf(messages)}.`,
      ...(stack === undefined ? [] : [stack]),
    );
    for (const [i, message] of messages.entries()) this.observe(listener, message, fateOf(verdicts[i]!), reason);
    return verdicts;
  }

  #verdictOf(listener: Listener, message: MessageExt, error: unknown, reason: string): MessageOutcome {
    const { delayLevel } = listener.settings;
    this.note(message, error);
    if (isFinal(error) || delayLevel === -1 || this.#isLast(message)) return { action: 'dead-letter', reason };
    if (this.rules.orderly) return suspendOf(listener);
    return delayLevel === 0 ? { action: 'retry' } : { action: 'retry', delayLevel };
  }

  #deadLetter(listener: Listener, message: MessageExt, reason: string): MessageOutcome {
    const verdict = { action: 'dead-letter', reason } as const;
    this.logger.warn(`${this.#subject(message)} ${this.#fate(verdict, reason)}`);
    this.observe(listener, message, 'dead-letter', reason);
    return verdict;
  }

  /** As planned, so it is nothing to warn of. */
  #discard(listener: Listener, message: MessageExt, reason: string): Verdict {
    this.logger.debug?.(
      `${this.#subject(message)} was discarded by ${listener.label}, ${this.#attempt(message)}: ${reason}`,
    );
    this.observe(listener, message, 'discard', reason);
    return undefined;
  }

  /** The handler wants the message again. Its last delivery is its last all the same. */
  #again(listener: Listener, message: MessageExt, wanted: MessageOutcome): MessageOutcome {
    const reason = 'its handler asked for it to be delivered again';
    if (this.#isLast(message)) return this.#deadLetter(listener, message, `${reason}, after ${this.#attempt(message)}`);
    this.observe(listener, message, 'retry', reason);
    return wanted;
  }

  #isLast(message: MessageExt): boolean {
    return !this.rules.broadcasting && message.reconsumeTimes >= this.rules.retries;
  }

  #subject({ msgId, topic }: MessageExt): string {
    return `Message ${msgId} of topic ${topic} (group ${this.rules.group})`;
  }

  #subjects(messages: readonly MessageExt[]): string {
    const [first] = messages;
    if (first === undefined || messages.length === 1) return messages.map((message) => this.#subject(message)).join('');
    return `A batch of ${messages.length} messages of topic ${first.topic} (group ${this.rules.group})`;
  }

  /** Of a single message; those of a batch have come differently often. */
  #attemptOf(messages: readonly MessageExt[]): string {
    return messages.length === 1 ? messages.map((message) => `, ${this.#attempt(message)}`).join('') : '';
  }

  #attempt({ reconsumeTimes }: MessageExt): string {
    return `attempt ${reconsumeTimes + 1} of ${this.rules.attempts}`;
  }

  #fate(verdict: MessageOutcome, reason: string): string {
    if (verdict.action === 'dead-letter') {
      return this.rules.broadcasting
        ? `${reason}. Broadcasting has no dead letters, so it is lost here.`
        : `${reason}. Moved to ${dlqTopic(this.rules.group)}.`;
    }
    return this.rules.broadcasting
      ? `${reason}. Broadcasting delivers once, so it is lost here.`
      : `${reason}. It will be delivered again.`;
  }

  get #againWords(): string {
    return this.rules.broadcasting ? 'are lost here (broadcasting delivers once)' : 'will be delivered again';
  }

  get #deadWords(): string {
    return this.rules.broadcasting
      ? 'are lost here (broadcasting has no dead letters)'
      : `were moved to ${dlqTopic(this.rules.group)}`;
  }
}

/** Of a batch, for the end of its line. */
const idsOf = (messages: readonly MessageExt[]): string =>
  messages.length === 1 ? '' : `: ${messages.map(({ msgId }) => msgId).join(', ')}`;

const fateOf = ({ action }: MessageOutcome): Fate => (action === 'dead-letter' ? 'dead-letter' : 'retry');

function suspendOf({ settings: { suspendMs } }: Listener): MessageOutcome {
  return suspendMs === undefined ? { action: 'suspend' } : { action: 'suspend', ms: suspendMs };
}
