import type { CallHandler, ExecutionContext, InjectionToken, NestInterceptor } from '@nestjs/common';
import { Inject, Injectable, Logger, mixin, UseInterceptors } from '@nestjs/common';
import { ConfigurationError, isRequest } from '@rocketnest/client';
import type { Observable } from 'rxjs';
import { defer, lastValueFrom } from 'rxjs';
import { show } from '../checks.js';
import { RocketMQContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { GuardedRun } from './guarded-run.js';
import type { IdempotencyKey } from './keys.js';
import { checkKey, defaultKey, storeKey } from './keys.js';
import { IdempotencyStore } from './store.js';

export interface IdempotentOptions {
  /**
   * What makes two messages of one topic and tag the same. Default: the producer's keys, else the message id. Where several messages have the
   * same keys (two updates of an order), this is needed: the second one would be taken for the first one delivered again.
   */
  readonly key?: IdempotencyKey;
  /** How long a handled key is remembered: milliseconds or text like `'1d'`, default `'1d'`. Retries go on for almost five hours. */
  readonly ttl?: string | number;
  /**
   * After the death of a process, how long its keys stay claimed, at least 100 ms, default `'30s'`. Handlers may run longer: while they do,
   * their claims are extended.
   */
  readonly lock?: string | number;
  /** The store, or the token of its provider; default: the provider of `IdempotencyStore`. */
  readonly store?: IdempotencyStore | InjectionToken;
  /** Stands for the handler in keys, default `Class.method`. Give it before you rename one. */
  readonly scope?: string;
}

const MIN_LOCK_MS = 100;

/**
 * Lets a handler run once for every key: for a method or class with `@RocketMQMessageListener` or `@EventPattern`, batches too.
 *
 * What was handled before counts as consumed; what somebody is handling now comes again later. A handler that throws, or returns a
 * ConsumeResult other than `discard`, did not handle the message. Only the process's death between the handler's success and the store's
 * record of it leads to a second run. Requests are not looked at: each wants its reply.
 *
 * ```ts
 * @RocketMQMessageListener({ topic: 'order', selectorExpression: 'paid', consumerGroup: 'stock' })
 * @Idempotent()
 * async onPaid(order: Order) {}
 * ```
 *
 * Not for BROADCASTING with a store that the instances share: one of them would handle a message for all.
 * @throws ConfigurationError on bad options
 */
export function Idempotent(options: IdempotentOptions = {}): ClassDecorator & MethodDecorator {
  const { store = IdempotencyStore, key = defaultKey } = options;
  checkKey(key);
  const logger = new Logger('Idempotent');
  const times = {
    ttlMs: atLeast(1, 'ttl', options.ttl ?? '1d'),
    lockMs: atLeast(MIN_LOCK_MS, 'lock', options.lock ?? '30s'),
  };

  const intercept = (from: IdempotencyStore, host: ExecutionContext, next: CallHandler): Observable<unknown> => {
    const handle = (): Promise<unknown> => lastValueFrom(next.handle(), { defaultValue: undefined });
    const scope = options.scope ?? `${host.getClass().name}.${host.getHandler().name}`;
    const run = new GuardedRun(from, times, logger);
    const keyed = (payload: unknown, context: RocketMQContext) => ({
      key: storeKey(key, scope, payload, context),
      context,
    });
    const [payload, context] = host.getArgs<unknown[]>();
    if (context instanceof RocketMQContext && !isRequest(context.getMessage())) {
      return defer(async () => run.one(keyed(payload, context), handle));
    }
    if (!isBatch(context)) return next.handle();
    const payloads = payload as unknown[];
    return defer(async () => {
      const messages = context.map((its, i) => keyed(payloads[i], its));
      return run.batch(messages, (positions) => withOnly(positions, [payloads, context], handle));
    });
  };

  if (isStore(store)) return UseInterceptors({ intercept: (host, next) => intercept(store, host, next) });

  @Injectable()
  class IdempotencyInterceptor implements NestInterceptor {
    constructor(@Inject(store as InjectionToken) private readonly injected: IdempotencyStore) {}

    intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
      return intercept(this.injected, host, next);
    }
  }
  return UseInterceptors(mixin(IdempotencyInterceptor));
}

/** Tokens are classes, text and symbols. */
const isStore = (store: IdempotencyStore | InjectionToken): store is IdempotencyStore =>
  typeof store === 'object' && 'begin' in store;

/**
 * Runs `act` while the lists have only the elements at `positions`. Nest gives a handler the very lists that interceptors see and has no way
 * to give it others; those who made them get them back as they were.
 */
async function withOnly<T>(
  positions: readonly number[],
  lists: readonly unknown[][],
  act: () => Promise<T>,
): Promise<T> {
  const whole = lists.map((list) => [...list]);
  for (const list of lists) list.splice(0, list.length, ...positions.map((i) => list[i]));
  try {
    return await act();
  } finally {
    for (const [i, list] of lists.entries()) list.splice(0, list.length, ...whole[i]!);
  }
}

const isBatch = (context: unknown): context is RocketMQContext[] =>
  Array.isArray(context) && context.every((its) => its instanceof RocketMQContext);

function atLeast(minMs: number, name: string, value: string | number): number {
  const ms = parseDuration(value);
  if (ms >= minMs) return ms;
  throw new ConfigurationError(`@Idempotent: ${name} must be at least ${minMs} ms, got ${show(value)}.`);
}
