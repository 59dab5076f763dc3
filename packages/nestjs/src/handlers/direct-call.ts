import 'reflect-metadata';
import type { ApplicationConfig } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { isPromise } from '../last-value.js';

/** What `@UseGuards` and the others write. Nest 12 exports the names nowhere that exists in 11. */
const ENHANCERS = ['__guards__', '__interceptors__', '__pipes__', '__exceptionFilters__'] as const;

/** A parameter as decorators describe it in ROUTE_ARGS_METADATA, whose keys are `type:index`. */
export interface Argument {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
}

/** The value of a parameter of one type, from what a handler is called with. */
type ValueOf = (
  type: number,
  data: unknown,
  call: [payload: Record<string, unknown> | undefined, context: unknown],
) => unknown;

/** Whether guards, pipes, interceptors or filters of the application run for messages. @param ownFilters that are always there */
export function hasGlobalEnhancers(config: ApplicationConfig, ownFilters: number): boolean {
  return [
    config.getGlobalGuards(),
    config.getGlobalRequestGuards(),
    config.getGlobalPipes(),
    config.getGlobalRequestPipes(),
    config.getGlobalInterceptors(),
    config.getGlobalRequestInterceptors(),
    config.getGlobalFilters().slice(ownFilters),
    config.getGlobalRequestFilters(),
  ].some(({ length }) => length > 0);
}

/**
 * A handler that nothing is around, called as it is: Nest's pipeline would create a dozen promises for each message, a third of what
 * handling one costs. It returns, or throws, at once what a handler does that is not async. Undefined when the class, the method or a parameter has a guard, pipe, interceptor or filter, or a parameter
 * a decorator other than `@Payload` and `@Ctx`.
 */
export function directCall(
  instance: object,
  methodName: string,
  args: Readonly<Record<string, Argument>>,
  types: readonly number[],
  read: ValueOf,
): ((payload: unknown, context: unknown) => unknown) | undefined {
  const method = (instance as Record<string, (...values: unknown[]) => unknown>)[methodName]!;
  const holders = [instance.constructor, method];
  if (ENHANCERS.some((key) => holders.some((holder) => Reflect.hasMetadata(key, holder)))) return undefined;
  const parameters = Object.entries(args).map(([key, argument]) => ({ ...argument, type: typeOf(key) }));
  if (parameters.some(({ type, pipes = [] }) => !types.includes(type) || pipes.length > 0)) return undefined;
  return (payload, context) => {
    const call: Parameters<ValueOf>[2] = [payload as Record<string, unknown>, context];
    const values: unknown[] = [];
    for (const { type, index, data } of parameters) values[index] = read(type, data, call);
    const result = method.apply(instance, values);
    return isPromise(result) ? result.then(resultOf) : resultOf(result);
  };
}

const resultOf = (value: unknown): unknown => (isObservable(value) ? lastValueFrom(value) : value);

/** NaN for a custom decorator's, `3f…__customRouteArgs__:0`. */
const typeOf = (key: string): number => Number(key.slice(0, key.lastIndexOf(':')));
