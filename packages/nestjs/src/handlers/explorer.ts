import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { Declaration } from '../decorators/metadata.js';
import { declarationsOf } from '../decorators/metadata.js';

/** Nest's record of one provider or controller; core does not export the class. */
export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A method that some decorator points at. */
export interface HandlerTarget {
  readonly wrapper: InstanceWrapper;
  readonly isController: boolean;
  /** The singleton; for request-scoped classes a placeholder that only has the prototype. */
  readonly instance: Record<string, unknown>;
  readonly methodName: string;
  /** `Class.method`, for logs and errors. */
  readonly label: string;
}

export interface Discovered<O> {
  readonly target: HandlerTarget;
  readonly options: O;
}

/** Finds what our decorators marked, in all providers and controllers of the application. */
@Injectable()
export class Explorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Methods declared by `key`, on the class (for a method of it) or on the method itself. Each instance and method once. */
  find<O>(key: string): Discovered<O>[] {
    const found: Discovered<O>[] = [];
    const seen = new Set<object>();
    for (const { wrapper, isController } of this.#wrappers()) {
      const instance: unknown = wrapper.instance;
      if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
      const prototype = Object.getPrototypeOf(instance) as object | null;
      if (prototype === null || prototype === Object.prototype) continue;
      seen.add(instance);
      for (const { methodName, options } of this.#declarations<O>(key, instance, prototype)) {
        const className = instance.constructor.name;
        const target = {
          wrapper,
          isController,
          instance: instance as Record<string, unknown>,
          methodName,
          label: `${className}.${methodName}`,
        };
        found.push({ target, options });
      }
    }
    return found;
  }

  /** All provider instances of a class, each once. */
  instancesOf<T extends object>(type: abstract new (...args: never[]) => T): T[] {
    const instances = this.discovery.getProviders().map(({ instance }): unknown => instance);
    return [...new Set(instances.filter((instance): instance is T => instance instanceof type))];
  }

  /** A provider by the name of its class: for optional packages that we do not import. */
  byClassName(name: string): object | undefined {
    const wrapper = this.discovery.getProviders().find(({ metatype }) => metatype?.name === name);
    const instance: unknown = wrapper?.instance;
    return typeof instance === 'object' && instance !== null ? instance : undefined;
  }

  *#wrappers(): Iterable<{ wrapper: InstanceWrapper; isController: boolean }> {
    for (const wrapper of this.discovery.getProviders()) yield { wrapper, isController: false };
    for (const wrapper of this.discovery.getControllers()) yield { wrapper, isController: true };
  }

  *#declarations<O>(key: string, instance: object, prototype: object): Iterable<Declaration<O>> {
    yield* declarationsOf<O>(key, instance.constructor);
    for (const methodName of this.scanner.getAllMethodNames(prototype)) {
      const method: unknown = (prototype as Record<string, unknown>)[methodName];
      // The name is the one the method has here: an aliased or inherited function carries its first name in the metadata.
      if (typeof method === 'function') {
        for (const { options } of declarationsOf<O>(key, method)) yield { methodName, options };
      }
    }
  }
}
