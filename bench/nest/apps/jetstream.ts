// @horizon-republic/nestjs-jetstream: a stream on file. Its `emit` does not wait for the stream's acknowledgement, so events are
// published here as it publishes them, and waited for: otherwise nothing tells whether they are stored.
import { createRequire } from 'node:module';
import {
  getJetStreamTransportToken,
  JetstreamClientModule,
  JetstreamServerModule,
} from '@horizon-republic/nestjs-jetstream';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, EventPattern, Payload } from '@nestjs/microservices';
import type { NatsConnection } from 'nats';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { contextOf } from './nest.js';

const NAME = 'bench';
/** `buildSubject` of its client: service, kind, pattern. */
const SUBJECT = `${NAME}__microservice.ev.event`;

/** It asks for streams that are not compressed, which servers before 2.10 never do, but are refused for being asked. */
const { streamConfig } = createRequire(import.meta.url)(
  '@horizon-republic/nestjs-jetstream/dist/server/const/index.js',
) as { streamConfig: { base: { compression?: string } } };
delete streamConfig.base.compression;

const optionsOf = ({ server }: Settings) => ({ name: NAME, servers: [String(server)] });

export async function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Controller()
  class Events {
    @EventPattern('event')
    onEvent(@Payload() event: BenchEvent): void {
      sink(event);
    }
  }
  class Root {}
  const module = { module: Root, imports: [JetstreamServerModule.forRoot(optionsOf(settings))], controllers: [Events] };
  const app = await NestFactory.create(module as never, { logger: ['error'] });
  app.connectMicroservice(app.get(getJetStreamTransportToken(NAME)), { inheritAppConfig: true });
  await app.startAllMicroservices();
  return app;
}

export async function produce(settings: Settings): Promise<Emitter> {
  const app = await contextOf({ imports: [JetstreamClientModule.forFeature(optionsOf(settings))] });
  const connection = (await app.get<ClientProxy>(NAME, { strict: false }).connect()) as NatsConnection;
  const stream = connection.jetstream();
  return {
    emit: (event) => stream.publish(SUBJECT, Buffer.from(JSON.stringify(event))),
    close: () => app.close(),
  };
}
