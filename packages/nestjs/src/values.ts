import { ConfigurationError } from '@rocketnest/client';
import type { Check } from './checks.js';
import { checkValue } from './checks.js';

/** Where configuration values come from: `ConfigService` of @nestjs/config fits. */
export interface ConfigReader {
  get(key: string): unknown;
}

/**
 * A decorator's value: a literal, text with placeholders (`'${orders.topic:order}'`, the part after the colon is the default),
 * or a function of the application's configuration. Resolved when the application starts.
 */
export type Resolvable<T> = T | string | ((config: ConfigReader) => T);

const PLACEHOLDER = /\$\{([^:}]*)(?::([^}]*))?\}/g;

/**
 * Turns `Resolvable` values into plain ones.
 *
 * Keys are looked up in the application's ConfigService when it has one, else with the module's `resolver` option.
 */
export class ValueResolver {
  constructor(private readonly config: ConfigReader | undefined) {}

  /**
   * @param path whose value this is, for error messages: `OrderListener @RocketMQMessageListener.topic`
   * @throws ConfigurationError when a key has neither a value nor a default, or the result is not what `row` accepts
   */
  resolve(path: string, value: unknown, row: Check): unknown {
    const resolved =
      typeof value === 'function'
        ? this.#call(path, value as (config: ConfigReader) => unknown)
        : typeof value === 'string'
          ? this.#fill(path, value)
          : value;
    const typed = typeof resolved === 'string' ? row.fromText(resolved) : resolved;
    checkValue(path, typed, row);
    return typed;
  }

  #call(path: string, value: (config: ConfigReader) => unknown): unknown {
    const config = this.config ?? {
      get: (key: string): never => {
        throw new ConfigurationError(`${path} asks for configuration key '${key}', but ${NO_SOURCE}`, {
          context: { path, key },
        });
      },
    };
    return value(config);
  }

  #fill(path: string, text: string): unknown {
    const whole = [...text.matchAll(PLACEHOLDER)];
    // A value that is one placeholder keeps its type: ConfigService may hold numbers and booleans.
    if (whole.length === 1 && whole[0]?.[0] === text) return this.#lookUp(path, text, whole[0][1] ?? '', whole[0][2]);
    return text.replace(PLACEHOLDER, (_, key: string, fallback?: string) =>
      String(this.#lookUp(path, text, key, fallback)),
    );
  }

  #lookUp(path: string, text: string, key: string, fallback: string | undefined): unknown {
    const value = this.config?.get(key) ?? fallback;
    if (value !== undefined && value !== null) return value;
    const why = this.config === undefined ? NO_SOURCE : 'the configuration has no such key.';
    throw new ConfigurationError(
      `${path}: '${text}' needs configuration key '${key}', but ${why} Set the key or give a default: '\${${key}:default}'.`,
      { context: { path, key } },
    );
  }
}

const NO_SOURCE =
  'the application has no ConfigService (import ConfigModule of @nestjs/config, or set the `resolver` option of RocketMQModule.forRoot).';
