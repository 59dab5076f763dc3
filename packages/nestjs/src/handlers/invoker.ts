import 'reflect-metadata';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { NestContainer } from '@nestjs/core';
import { ApplicationConfig, ContextIdFactory, ExternalContextCreator, ModuleRef } from '@nestjs/core';
import type { RocketMQContext } from '../context.js';
import { ROCKETMQ_CONTEXT_TYPE } from '../context.js';
import { PARAM_TYPES } from '../decorators/metadata.js';
import { lastValue } from '../last-value.js';
import type { EnhancerKind, RocketMQModuleOptions } from '../options.js';
import type { PayloadType } from '../payload/deserializer.js';
import { type Argument, directCall, hasGlobalEnhancers } from './direct-call.js';
import type { HandlerTarget } from './explorer.js';
import { FilteredFailure } from './filtered-failure.js';

/** What a handler gets beside the payload: batch listeners one for each message. */
export type HandlerContext = RocketMQContext | readonly RocketMQContext[];

/**
 * Runs a handler through guards, interceptors, pipes and filters. Rejects with what they or the handler throw, unless a filter has dealt
 * with it: then it resolves to a `FilteredFailure`. A handler that nothing is around and that is not async returns, or throws, at once.
 */
export type Invoke = (payload: unknown, context: HandlerContext) => unknown;

/** ROUTE_ARGS_METADATA of @nestjs/common, where all parameter decorators write. Nest 12 exports it nowhere that exists in 11. */
const ROUTE_ARGS = '__routeArguments__';
/** Where we say that an undecorated method takes (payload, context), so that pipes run for it too. */
const DEFAULT_ARGS = 'rocketnest:default-args';

/** RpcParamtype of @nestjs/microservices, which its `@Payload` and `@Ctx` write; it is not exported. */
const PAYLOAD = 3;
const CONTEXT = 6;

const defaultArgs = {
  [`${PAYLOAD}:0`]: { index: 0, data: undefined, pipes: [] },
  [`${CONTEXT}:1`]: { index: 1, data: undefined, pipes: [] },
};

/** Gives the handler's parameters their values. */
const paramsFactory = {
  exchangeKeyForValue(
    type: number,
    data: unknown,
    [payload, context]: [Record<string, unknown> | undefined, unknown],
  ): unknown {
    if (type === CONTEXT) return context;
    if (type !== PAYLOAD) return null;
    return typeof data === 'string' ? payload?.[data] : payload;
  },
};

const argumentsOf = ({ instance, methodName }: HandlerTarget): Record<string, Argument> | undefined =>
  Reflect.getMetadata(ROUTE_ARGS, instance.constructor, methodName);

/** Class of the handler's payload parameter, when its compiler recorded one. */
export function payloadTypeOf(target: HandlerTarget): PayloadType | undefined {
  const types: PayloadType[] | undefined = Reflect.getMetadata(PARAM_TYPES, target.instance, target.methodName);
  const declared = argumentsOf(target);
  if (declared === undefined) return types?.[0];
  const payload = Object.entries(declared).find(
    ([key, { data }]) => key.startsWith(`${PAYLOAD}:`) && data === undefined,
  );
  return payload === undefined ? undefined : types?.[payload[1].index];
}

/**
 * The filter that is asked last. Without it Nest would log what it passes on, and the container logs the same failure with
 * its topic, message and attempt.
 */
@Catch()
class PassOn implements ExceptionFilter {
  catch(exception: unknown): never {
    throw exception;
  }
}

/** The global enhancers that apply to messages; a copy, so that those of HTTP stay as they are. */
function selectEnhancers(all: ApplicationConfig, chosen: RocketMQModuleOptions['globalEnhancers']): ApplicationConfig {
  const has = (kind: EnhancerKind): boolean => chosen === true || (Array.isArray(chosen) && chosen.includes(kind));
  const selected = new ApplicationConfig();
  selected.useGlobalFilters(new PassOn());
  if (has('guards')) {
    selected.useGlobalGuards(...all.getGlobalGuards());
    for (const guard of all.getGlobalRequestGuards()) selected.addGlobalRequestGuard(guard);
  }
  if (has('pipes')) {
    selected.useGlobalPipes(...all.getGlobalPipes());
    for (const pipe of all.getGlobalRequestPipes()) selected.addGlobalRequestPipe(pipe);
  }
  if (has('interceptors')) {
    selected.useGlobalInterceptors(...all.getGlobalInterceptors());
    for (const interceptor of all.getGlobalRequestInterceptors()) selected.addGlobalRequestInterceptor(interceptor);
  }
  if (has('filters')) {
    selected.useGlobalFilters(...all.getGlobalFilters());
    for (const filter of all.getGlobalRequestFilters()) selected.addGlobalRequestFilter(filter);
  }
  return selected;
}

/** The parts of Nest's internals that request scope needs; the same in Nest 11 and 12. */
interface Internals {
  readonly container: NestContainer;
  readonly injector: {
    loadPerContext(
      instance: object,
      host: unknown,
      collection: unknown,
      contextId: unknown,
      wrapper: unknown,
    ): Promise<object>;
  };
}

/** How Nest runs a handler's filters: a private member of ExternalContextCreator, the same in Nest 11 and 12. */
interface ErrorProxy {
  createProxy(target: Invoke, filters: ExceptionHandler, type: string): Invoke;
}

interface ExceptionHandler {
  next(exception: unknown, host: ArgumentsHost): unknown;
  /** What the first filter that takes the exception returns. */
  invokeCustomFilters(exception: unknown, host: ArgumentsHost): unknown;
}

/**
 * Nest returns what a filter returned as if the handler had, logs the failure itself when that is nothing, and what counts as nothing differs
 * between its versions.
 */
function tellFailuresApart(proxy: ErrorProxy): void {
  const createProxy = proxy.createProxy.bind(proxy);
  proxy.createProxy = (target, filters, type) => {
    const next = (exception: unknown, host: ArgumentsHost) =>
      filteredFailure(exception, filters.invokeCustomFilters(exception, host));
    return createProxy(target, Object.create(filters, { next: { value: next } }) as ExceptionHandler, type);
  };
}

/** A filter that returns nothing has not dealt with the failure. */
async function filteredFailure(exception: unknown, returned: unknown): Promise<FilteredFailure> {
  const value = await returned;
  if (value === undefined || value === null) throw exception;
  // RPC filters return streams, which may fail.
  return new FilteredFailure(exception, await lastValue(value));
}

/** Builds `Invoke` functions. One per connection, since each connection chooses its global enhancers. */
export class InvokerFactory {
  readonly #creator: ExternalContextCreator;
  readonly #internals: Internals;
  /** Something of the application runs around every handler. */
  readonly #hasGlobalEnhancers: boolean;

  /** @param moduleRef any module's: all share the container */
  constructor(moduleRef: ModuleRef, globalEnhancers: RocketMQModuleOptions['globalEnhancers']) {
    // `container` and `injector` are protected members of ModuleRef. Nest's own GraphQL and microservices packages reach
    // them through deep imports, which Nest 12 and 11 spell differently.
    this.#internals = moduleRef as unknown as Internals;
    const { container } = this.#internals;
    const applicationConfig = selectEnhancers(container.applicationConfig ?? new ApplicationConfig(), globalEnhancers);
    this.#hasGlobalEnhancers = hasGlobalEnhancers(applicationConfig, 1); // PassOn
    this.#creator = ExternalContextCreator.fromContainer(
      Object.create(container, { applicationConfig: { value: applicationConfig } }) as NestContainer,
    );
    tellFailuresApart((this.#creator as unknown as { readonly externalErrorProxy: ErrorProxy }).externalErrorProxy);
    // Nest looks for a handler's module among providers only. Without a module it skips enhancers that are given as
    // classes, so a guard on a controller would silently not run.
    this.#creator.getContextModuleKey = (type) => {
      for (const [key, module] of container.getModules()) {
        if (type !== undefined && (module.hasProvider(type) || module.controllers.has(type))) return key;
      }
      return '';
    };
  }

  create(target: HandlerTarget): Invoke {
    const { wrapper, instance } = target;
    const metadataKey = this.#describeArguments(target);
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) {
      return this.#direct(target) ?? this.#pipeline(target, instance, metadataKey);
    }
    return async (payload, context) => {
      const contextId = ContextIdFactory.getByRequest(context);
      this.#internals.container.registerRequestProvider(context, contextId);
      const collection = target.isController ? wrapper.host?.controllers : wrapper.host?.providers;
      const scoped = await this.#internals.injector.loadPerContext(
        instance,
        wrapper.host,
        collection,
        contextId,
        wrapper,
      );
      return this.#pipeline(target, scoped, metadataKey, contextId, wrapper.id)(payload, context);
    };
  }

  #pipeline(
    { methodName }: HandlerTarget,
    instance: object,
    metadataKey: string,
    contextId?: ReturnType<typeof ContextIdFactory.create>,
    inquirerId?: string,
  ): Invoke {
    const method = (instance as Record<string, (...args: unknown[]) => unknown>)[methodName]!;
    const options = { guards: true, interceptors: true, filters: true };
    return this.#creator.create(
      instance,
      method,
      methodName,
      metadataKey,
      paramsFactory,
      contextId,
      inquirerId,
      options,
      ROCKETMQ_CONTEXT_TYPE,
    );
  }

  #direct(target: HandlerTarget): Invoke | undefined {
    if (this.#hasGlobalEnhancers) return undefined;
    const { instance, methodName } = target;
    const types = [PAYLOAD, CONTEXT];
    return directCall(
      instance,
      methodName,
      argumentsOf(target) ?? defaultArgs,
      types,
      paramsFactory.exchangeKeyForValue,
    );
  }

  #describeArguments(target: HandlerTarget): string {
    if (argumentsOf(target) !== undefined) return ROUTE_ARGS;
    Reflect.defineMetadata(DEFAULT_ARGS, defaultArgs, target.instance.constructor, target.methodName);
    return DEFAULT_ARGS;
  }
}
