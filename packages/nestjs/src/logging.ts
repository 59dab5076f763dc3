import type { LoggerService } from '@nestjs/common';
import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '@rocketnest/client';

/** Context of all our lines in Nest's log. */
export const LOG_CONTEXT = 'RocketMQ';

export const defaultLogger = (): LoggerService => new NestLogger(LOG_CONTEXT);

const nothing = (): void => {};

/**
 * The client's and the servers' logger, writing to Nest's: fields are appended as `key=value`.
 * @param debug whether their steps (connections, routes, rebalancing) are written too, at Nest's debug level
 */
export function toClientLogger(logger: LoggerService, debug: boolean): Logger {
  const step: Logger['info'] = debug ? (message, fields) => logger.debug?.(format(message, fields)) : nothing;
  return {
    debug: step,
    info: step,
    warn: (message, fields) => logger.warn(format(message, fields)),
    error: (message, fields) => logger.error(format(message, fields)),
  };
}

function format(message: string, fields: object | undefined): string {
  const pairs = Object.entries(fields ?? {}).map(([key, value]) => `${key}=${text(value)}`);
  return pairs.length === 0 ? message : `${message} (${pairs.join(' ')})`;
}

const text = (value: unknown): string => {
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
};
