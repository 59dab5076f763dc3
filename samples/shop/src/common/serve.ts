import { type Type, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Starts a service; SIGTERM lets its requests and handlers finish. */
export async function serve(module: Type, port: number): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error', 'warn', 'fatal'] });
  app.useGlobalPipes(new ValidationPipe({ transform: true }));
  app.enableShutdownHooks();
  await app.listen(Number(process.env['PORT'] ?? port), '127.0.0.1');
  say(`serves ${await app.getUrl()}`);
}

/** A line of what the service does, for people to read. */
export function say(line: string): void {
  console.log(line);
}
