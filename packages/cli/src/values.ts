import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError } from '@rocketnest/protocol';

export const MAX_PORT = 65_535;

/** Reads a port given on the command line. @throws ConfigurationError naming the option. */
export function portOf(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw new ConfigurationError(
    `${option} must be a port from 0 to ${MAX_PORT} (0 picks a free one), got ${JSON.stringify(text)}`,
  );
}

/** Reads a whole number from 1 on. @throws ConfigurationError naming the option and the range. */
export function countOf(option: string, text: string, max: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= max) return count;
  throw new ConfigurationError(`${option} must be a number from 1 to ${max}, got ${JSON.stringify(text)}`);
}

/** Reads one of several words, in any case. @throws ConfigurationError naming the option and the words. */
export function wordOf<W extends string>(option: string, text: string, words: readonly W[]): W {
  const word = words.find((each) => each === text.toUpperCase());
  if (word) return word;
  throw new ConfigurationError(`${option} must be ${words.join(' or ')}, got ${JSON.stringify(text)}`);
}

/** Reads a configuration file. @throws ConfigurationError naming the file. */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${resolve(path)}, given with -c: ${reason(cause)}`, { cause });
  }
}

/** Creates a directory where needed and checks that files can be created in it. @throws ConfigurationError naming it. */
export function writableDirectory(path: string, advice: string): string {
  const directory = resolve(path);
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new ConfigurationError(`cannot write to the data directory ${directory}: ${reason(cause)}; ${advice}`, {
      cause,
    });
  }
  return directory;
}

/** What an error of the file system says, without the system call: "EACCES: permission denied". */
function reason(error: unknown): string {
  return (error as Error).message.replace(/, \w+ '.*$/s, '');
}
