// @golevelup/nestjs-rabbitmq: durable queue, persistent messages, publisher confirms (publish waits for them), acknowledged by the
// library after the handler.
import { AmqpConnection, RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { Injectable } from '@nestjs/common';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { contextOf } from './nest.js';

const EXCHANGE = 'bench';
const QUEUE = { name: 'events', exchange: EXCHANGE, routingKey: 'event', options: { durable: true } };

const moduleOf = ({ url, prefetch }: Settings) =>
  RabbitMQModule.forRoot({
    uri: String(url),
    prefetchCount: Number(prefetch),
    exchanges: [{ name: EXCHANGE, type: 'direct', options: { durable: true } }],
    queues: [QUEUE], // For producers too, so that nothing is emitted before somebody keeps it.
    defaultPublishOptions: { persistent: true },
  });

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Injectable()
  class Events {
    @RabbitSubscribe({ exchange: EXCHANGE, routingKey: 'event', queue: QUEUE.name, queueOptions: QUEUE.options })
    async onEvent(event: BenchEvent): Promise<void> {
      sink(event);
    }
  }
  return contextOf({ imports: [moduleOf(settings)], providers: [Events] });
}

export async function produce(settings: Settings): Promise<Emitter> {
  const app = await contextOf({ imports: [moduleOf(settings)] });
  const connection = app.get(AmqpConnection, { strict: false });
  return { emit: (event) => connection.publish(EXCHANGE, 'event', event), close: () => app.close() };
}
