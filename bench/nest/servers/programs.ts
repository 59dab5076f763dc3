import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian's server packages put programs that are not for everyone's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/lib/rabbitmq/bin'];

/** The path of a program; undefined when it is not installed. */
export const findProgram = (name: string): string | undefined =>
  // Debian's /usr/sbin/rabbitmq-server wants to be another user, so its own directory comes first.
  [...SYSTEM_DIRECTORIES.toReversed(), ...(process.env['PATH'] ?? '').split(delimiter)]
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));

/** In words; null when it is there. */
export const lacksProgram = (name: string, debianPackage = name): string | null =>
  findProgram(name) === undefined ? `${name} is not installed: apt-get install ${debianPackage}` : null;
