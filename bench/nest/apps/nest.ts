import { type INestApplicationContext, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ClientProxy, MicroserviceOptions } from '@nestjs/microservices';
import { ClientsModule } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Closeable, Emitter } from './app.js';

/** Standard output is for answers, so Nest logs errors and warnings only, to standard error. */
const LOGGING = ['error', 'warn'] as const;

/** An application context with these imports and providers. */
export function contextOf(module: { imports?: unknown[]; providers?: unknown[] }): Promise<INestApplicationContext> {
  class Root {}
  return NestFactory.createApplicationContext({ module: Root, ...module } as never, { logger: [...LOGGING] });
}

/** A microservice with this controller, listening. */
export async function serviceOf(controller: unknown, transport: MicroserviceOptions): Promise<Closeable> {
  class Root {}
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: Root, controllers: [controller] } as never,
    { ...transport, logger: [...LOGGING] } as never,
  );
  await app.listen();
  return app;
}

/** Emits `topic` with the client that ClientsModule makes of these options. */
export async function clientOf(options: object, topic: string): Promise<Emitter> {
  const app = await contextOf({ imports: [ClientsModule.register([{ name: 'EVENTS', ...options } as never])] });
  const client = app.get<ClientProxy>('EVENTS');
  await client.connect();
  return {
    emit: (event) => lastValueFrom(client.emit(topic, event), { defaultValue: undefined }),
    close: () => app.close(),
  };
}

// Nest's default logger writes errors to standard output unless told otherwise.
Logger.overrideLogger(false);
