import type { LoggerService } from '@nestjs/common';
import type { MessageExt, MessageOutcome } from '@rocketnest/client';
import { dlqTopic } from '@rocketnest/client';
import { ConsumeResult, isFinal } from '../outcome.js';
import { describeError } from './describe-error.js';
import type { GroupRules } from './group-rules.js';
import type { Listener } from './plan.js';

/** What becomes of a message; `undefined`: consumed. */
export type Verdict = MessageOutcome | undefined;

/** Hears of messages that were not consumed. */
export type VerdictObserver = (
  listener: Listener,
  message: MessageExt,
  verdict: MessageOutcome,
  reason: string,
) => void;

/** Decides what becomes of messages after their handler has run, and logs each failure once. */
export class Judge {
  constructor(
    private readonly rules: GroupRules,
    private readonly logger: LoggerService,
    private readonly observe: VerdictObserver = () => undefined,
    /** Hears of every error before it becomes a verdict, and of those that only `note` tells of. */
    readonly note: (message: MessageExt, error: unknown) => void = () => undefined,
  ) {}

  /** The handler returned `value`. */
  returned(listener: Listener, message: MessageExt, value: unknown): Verdict {
    return value instanceof ConsumeResult ? this.chosen(listener, message, value) : undefined;
  }

  /** The handler chose an outcome. */
  chosen(listener: Listener, message: MessageExt, { outcome }: ConsumeResult): Verdict {
    switch (outcome.action) {
      case 'dead-letter':
        return this.#deadLetter(listener, message, outcome.reason ?? 'as its handler asked');
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
    this.observe(listener, message, verdict, reason);
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
    const ids = messages.map(({ msgId }) => msgId).join(', ');
    const stack = error instanceof Error ? error.stack : undefined;
    this.logger.error(
      `A batch of ${messages.length} messages of topic ${first.topic} (group ${this.rules.group}) failed in ${listener.label}: ${reason}. Of them ${fates.join(', ')}: ${ids}.`,
      ...(stack === undefined ? [] : [stack]),
    );
    for (const [i, message] of messages.entries()) this.observe(listener, message, verdicts[i]!, reason);
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
    this.observe(listener, message, verdict, reason);
    return verdict;
  }

  /** The handler wants the message again. Its last delivery is its last all the same. */
  #again(listener: Listener, message: MessageExt, wanted: MessageOutcome): MessageOutcome {
    const reason = 'its handler asked for it to be delivered again';
    if (this.#isLast(message)) return this.#deadLetter(listener, message, `${reason}, after ${this.#attempt(message)}`);
    this.observe(listener, message, wanted, reason);
    return wanted;
  }

  #isLast(message: MessageExt): boolean {
    return !this.rules.broadcasting && message.reconsumeTimes >= this.rules.retries;
  }

  #subject({ msgId, topic }: MessageExt): string {
    return `Message ${msgId} of topic ${topic} (group ${this.rules.group})`;
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

function suspendOf({ settings: { suspendMs } }: Listener): MessageOutcome {
  return suspendMs === undefined ? { action: 'suspend' } : { action: 'suspend', ms: suspendMs };
}
