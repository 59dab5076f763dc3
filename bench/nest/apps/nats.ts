// Nest's NATS transport: core NATS, at most once, nothing is stored.
import { Controller } from '@nestjs/common';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { clientOf, serviceOf } from './nest.js';

const optionsOf = ({ server }: Settings) => ({ servers: [String(server)] });

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Controller()
  class Events {
    @EventPattern('event')
    onEvent(@Payload() event: BenchEvent): void {
      sink(event);
    }
  }
  return serviceOf(Events, { transport: Transport.NATS, options: optionsOf(settings) });
}

export const produce = (settings: Settings): Promise<Emitter> =>
  clientOf({ transport: Transport.NATS, options: optionsOf(settings) }, 'event');
