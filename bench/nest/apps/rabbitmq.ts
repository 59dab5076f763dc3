// Nest's RabbitMQ transport: durable queue, persistent messages, publisher confirms (amqp-connection-manager's channels), manual
// acknowledgement after the handler's work.
import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, Payload, type RmqContext, Transport } from '@nestjs/microservices';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { clientOf, serviceOf } from './nest.js';

const optionsOf = ({ url, prefetch }: Settings) => ({
  urls: [String(url)],
  queue: 'events',
  queueOptions: { durable: true },
  persistent: true,
  noAck: false,
  prefetchCount: Number(prefetch),
});

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Controller()
  class Events {
    @EventPattern<string>('event')
    onEvent(@Payload() event: BenchEvent, @Ctx() context: RmqContext): void {
      sink(event);
      context.getChannelRef().ack(context.getMessage());
    }
  }
  return serviceOf(Events, { transport: Transport.RMQ, options: optionsOf(settings) });
}

/** A producer with `noAck: false` would refuse its reply queue, which it consumes without acknowledgements. */
export const produce = (settings: Settings): Promise<Emitter> =>
  clientOf({ transport: Transport.RMQ, options: { ...optionsOf(settings), noAck: true } }, 'event');
