import type { LoggerService } from '@nestjs/common';
import type { RocketMQContext } from '../context.js';
import type { MessageResult } from '../outcome.js';
import { ConsumeResult, isConsumed, isFinal } from '../outcome.js';
import type { IdempotencyClaim, IdempotencyStore, IdempotencyTimes } from './store.js';

/** A message and the key that stands for it in the store. */
export interface KeyedMessage {
  readonly key: string;
  readonly context: RocketMQContext;
}

/** Runs handlers for messages that nobody has handled yet. */
export class GuardedRun {
  constructor(
    private readonly store: IdempotencyStore,
    private readonly times: IdempotencyTimes,
    private readonly logger: LoggerService,
  ) {}

  /** @returns what the handler returned; for a message that was handled before, nothing */
  async one(message: KeyedMessage, handle: () => Promise<unknown>): Promise<unknown> {
    const claim = await this.#claim(message);
    if (isResult(claim)) return claim.result;
    return this.#run([claim], handle, (value) => [isConsumed(value)]);
  }

  /**
   * @param handle handles the messages at these positions
   * @returns a result for each message
   */
  async batch(
    messages: readonly KeyedMessage[],
    handle: (positions: readonly number[]) => Promise<unknown>,
  ): Promise<unknown> {
    const results: MessageResult[] = messages.map(() => undefined);
    const isOrderly = messages.some(({ context }) => context.isOrderly());
    const claims: IdempotencyClaim[] = [];
    const positions: number[] = [];
    try {
      for (const [i, message] of messages.entries()) {
        const claim = await this.#claim(message);
        if (isResult(claim)) {
          results[i] = claim.result;
          // In order, nothing behind a message that comes again is handled before it; it comes again with it.
          if (isOrderly && claim.result !== undefined) break;
          continue;
        }
        claims.push(claim);
        positions.push(i);
      }
    } catch (error) {
      await this.#releaseAll(claims);
      throw error;
    }
    if (claims.length > 0) {
      const partsOf = (value: unknown) => resultsOf(value, claims.length);
      const value = await this.#run(
        claims,
        () => handle(positions),
        (returned) => {
          const parts = partsOf(returned);
          // What follows a message that comes again does so, too, and is to be handled again after it.
          const end = isOrderly ? parts.findIndex(comesAgain) : -1;
          return parts.map((part, i) => isSuccess(part) && (end < 0 || i < end));
        },
      );
      const own = partsOf(value);
      for (const [i, position] of positions.entries()) results[position] = own[i];
    }
    return ConsumeResult.each(results);
  }

  async #claim({ key, context }: KeyedMessage): Promise<IdempotencyClaim | Skipped> {
    const answer = await this.store.begin(key, this.times);
    if (answer === 'done') {
      this.logger.debug?.(`Message ${context.getMessageId()} is not handled again: '${key}' was consumed before.`);
      return { result: undefined };
    }
    if (answer === 'busy') {
      this.logger.debug?.(`Message ${context.getMessageId()} comes again later: '${key}' is being handled elsewhere.`);
      // As late as the broker would choose, so that the deliveries outlast the other handler.
      return { result: ConsumeResult.retryIn(Math.min(3 + context.getReconsumeTimes(), 18)) };
    }
    return answer;
  }

  /** @param succeeded for each claim whether its message was handled, from what the handler returned */
  async #run(
    claims: readonly IdempotencyClaim[],
    handle: () => Promise<unknown>,
    succeeded: (value: unknown) => readonly boolean[],
  ): Promise<unknown> {
    const extending = setInterval(
      () => void this.#each(claims, 'extend', (claim) => claim.extend()),
      this.times.lockMs / 3,
    );
    try {
      const value = await handle();
      const successes = succeeded(value);
      await this.#each(claims, 'record', (claim, i) => (successes[i] ? claim.confirm() : claim.release()));
      return value;
    } catch (error) {
      await this.#releaseAll(claims);
      throw error;
    } finally {
      clearInterval(extending);
    }
  }

  #releaseAll(claims: readonly IdempotencyClaim[]): Promise<void> {
    return this.#each(claims, 'release', (claim) => claim.release());
  }

  /**
   * Never rejects. What the handler did is done: failing its message now would only make sure that it is done again, while an unconfirmed
   * claim just ends after `lock`.
   */
  async #each(
    claims: readonly IdempotencyClaim[],
    what: string,
    act: (claim: IdempotencyClaim, i: number) => Promise<void>,
  ): Promise<void> {
    for (const settled of await Promise.allSettled(claims.map(act))) {
      if (settled.status === 'fulfilled') continue;
      this.logger.error(
        `The idempotency store failed to ${what} a key; a duplicate may be handled again: ${String(settled.reason)}`,
      );
    }
  }
}

interface Skipped {
  readonly result: ConsumeResult | undefined;
}

const isResult = (claim: IdempotencyClaim | Skipped): claim is Skipped => 'result' in claim;

/** What a batch handler's return value says of each of its messages. */
function resultsOf(value: unknown, count: number): readonly MessageResult[] {
  if (!(value instanceof ConsumeResult)) return Array.from({ length: count }, () => undefined);
  if (value.outcome.action !== 'each') return Array.from({ length: count }, () => value);
  const { results } = value.outcome;
  if (results.length === count) return results;
  throw new RangeError(
    `ConsumeResult.each has ${results.length} results for a batch of ${count}, after duplicates were taken out`,
  );
}

/** Unless it is its last delivery, which only the listener knows. */
function comesAgain(result: MessageResult): boolean {
  if (isSuccess(result)) return false;
  const failure = isRejected(result) ? result.reason : isFulfilled(result) ? result.value : result;
  return failure instanceof ConsumeResult ? failure.outcome.action !== 'dead-letter' : !isFinal(failure);
}

const isRejected = (result: MessageResult): result is PromiseRejectedResult =>
  typeof result === 'object' && result !== null && 'status' in result && result.status === 'rejected';

const isFulfilled = (result: MessageResult): result is PromiseFulfilledResult<unknown> =>
  typeof result === 'object' && result !== null && 'status' in result && result.status === 'fulfilled';

/** A ConsumeResult other than `discard` means that the message was not consumed. */
function isSuccess(result: MessageResult): boolean {
  if (result instanceof Error) return false;
  if (result instanceof ConsumeResult || typeof result !== 'object' || result === null) return isConsumed(result);
  return result.status === 'fulfilled' && isConsumed(result.value);
}
