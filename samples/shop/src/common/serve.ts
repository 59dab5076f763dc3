import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ServiceEnvironment } from './environment.js';

/** Starts a service and, when a parent process listens, tells it where. */
export async function serve(module: Type, environment: ServiceEnvironment): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error', 'warn', 'fatal'] });
  app.enableShutdownHooks();
  await app.listen(environment.port, '127.0.0.1');
  const url = await app.getUrl();
  say(`serves ${url}`);
  process.send?.({ ready: url });
}

/** A line of what the service does, for people to read. */
export function say(line: string): void {
  console.log(line);
}
