import { ConfigurationError } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof levels)[number];

/** @throws ConfigurationError naming the levels there are. */
export function parseLogLevel(text: string): LogLevel {
  const level = levels.find((each) => each === text.toLowerCase());
  if (level) return level;
  throw new ConfigurationError(`log level ${text} does not exist: choose one of ${levels.join(', ')}`);
}

/** One line per entry: time, level, message, fields as JSON. */
export function lineLogger(level: LogLevel, write: (line: string) => void): Logger {
  const log =
    (own: LogLevel) =>
    (message: string, fields?: object): void => {
      if (levels.indexOf(own) < levels.indexOf(level)) return;
      const details = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields, printable)}` : '';
      write(`${new Date().toISOString()} ${own.padEnd(5)} ${message.replaceAll('\n', ' ')}${details}\n`);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function printable(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
