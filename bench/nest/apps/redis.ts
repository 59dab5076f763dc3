// Nest's Redis transport: publish/subscribe. Who is not subscribed at that moment never gets it: at most once, nothing is stored.
import { Controller } from '@nestjs/common';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { clientOf, serviceOf } from './nest.js';

const optionsOf = ({ host, port }: Settings) => ({ host: String(host), port: Number(port) });

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Controller()
  class Events {
    @EventPattern('event')
    onEvent(@Payload() event: BenchEvent): void {
      sink(event);
    }
  }
  return serviceOf(Events, { transport: Transport.REDIS, options: optionsOf(settings) });
}

export const produce = (settings: Settings): Promise<Emitter> =>
  clientOf({ transport: Transport.REDIS, options: optionsOf(settings) }, 'event');
