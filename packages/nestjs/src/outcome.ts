import { HttpException } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';

type Outcome =
  | { readonly action: 'retry'; readonly delayLevel?: number }
  | { readonly action: 'dead-letter'; readonly reason?: string }
  | { readonly action: 'discard'; readonly reason?: string }
  | { readonly action: 'suspend'; readonly ms: number }
  | { readonly action: 'each'; readonly results: readonly MessageResult[] };

/**
 * What became of one message of a batch: `Promise.allSettled` makes such. An `Error` or a rejection counts as thrown for that message,
 * a `ConsumeResult` is its outcome, anything else is success.
 */
export type MessageResult = ConsumeResult | Error | PromiseSettledResult<unknown> | undefined | null;

/**
 * What a handler returns when success (any other return value) and failure (throwing) do not say enough.
 *
 * ```ts
 * if (!payment) return ConsumeResult.retryIn(5); // 1 minute, with Apache's default delay levels
 * ```
 */
export class ConsumeResult {
  private constructor(readonly outcome: Outcome) {}

  /**
   * Deliver the message again after a broker delay level (1..18; defaults 1s 5s 10s 30s 1m 2m … 2h), without an error in the
   * log. In an ORDERLY listener the queue pauses for its `suspendCurrentQueueTimeMillis` instead: order forbids overtaking.
   */
  static retryIn(delayLevel: number): ConsumeResult {
    if (!Number.isInteger(delayLevel) || delayLevel < 1 || delayLevel > 18) {
      throw new RangeError(`ConsumeResult.retryIn takes a delay level from 1 to 18, got ${delayLevel}.`);
    }
    return new ConsumeResult({ action: 'retry', delayLevel });
  }

  /** Move the message to the dead letter topic `%DLQ%group` now. The reason goes with it, and to the log. */
  static deadLetter(reason?: string): ConsumeResult {
    return new ConsumeResult(reason === undefined ? { action: 'dead-letter' } : { action: 'dead-letter', reason });
  }

  /**
   * Nobody needs the message: it counts as consumed. Unlike returning nothing, it shows: as `discard` in events (`@OnRocketMQEvent`), metrics and
   * traces, and with the reason in the log at debug level. A discarded request is not answered.
   */
  static discard(reason?: string): ConsumeResult {
    return new ConsumeResult(reason === undefined ? { action: 'discard' } : { action: 'discard', reason });
  }

  /** ORDERLY only: hold the queue for `ms` (10..30000) and deliver the same message again. Java: SUSPEND_CURRENT_QUEUE_A_MOMENT. */
  static suspend(ms: number): ConsumeResult {
    if (!Number.isInteger(ms) || ms < 10 || ms > 30_000) {
      throw new RangeError(`ConsumeResult.suspend takes milliseconds from 10 to 30000, got ${ms}.`);
    }
    return new ConsumeResult({ action: 'suspend', ms });
  }

  /**
   * Batch listeners only: the messages end differently.
   *
   * ```ts
   * return ConsumeResult.each(await Promise.allSettled(orders.map((order) => this.store(order))));
   * ```
   * @param results one for each message, in their order
   */
  static each(results: readonly MessageResult[]): ConsumeResult {
    return new ConsumeResult({ action: 'each', results });
  }
}

/**
 * Throw this when delivering the message again cannot help: it goes to the dead letter topic at once.
 *
 * It is an RpcException that stands for itself, because Nest's RPC filters replace every other error by
 * "Internal server error" before a transport sees it.
 */
export class NonRetryableError extends RpcException {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message);
    this.name = 'NonRetryableError';
    if (options?.cause !== undefined) this.cause = options.cause;
  }

  override getError(): this {
    return this;
  }
}

/** Whether nothing more is to be done for a message whose handler returned this. */
export const isConsumed = (value: unknown): boolean =>
  !(value instanceof ConsumeResult) || value.outcome.action === 'discard';

/**
 * HTTP statuses that say that the message itself is the problem: what ValidationPipe and the parse pipes throw (400, or 422
 * by option) and what a guard that returns false causes (403; 401 where it throws).
 */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 422]);

/** Whether delivering the message again cannot help, so that it belongs in the dead letter topic now. */
export function isFinal(error: unknown): boolean {
  if (error instanceof NonRetryableError) return true;
  return error instanceof HttpException && FINAL_STATUSES.has(error.getStatus());
}
