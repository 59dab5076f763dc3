// ServerRocketMQ and ClientRocketMQ: `emit` resolves at the broker's acknowledgement, and a message is consumed after its handler.
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ClientRocketMQ, ServerRocketMQ } from '@rocketnest/nestjs';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { clientOf, serviceOf } from './nest.js';
import { connectionOf, TOPIC } from './rocketnest.js';

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Controller()
  class Events {
    @EventPattern(TOPIC)
    onEvent(@Payload() event: BenchEvent): void {
      sink(event);
    }
  }
  const strategy = new ServerRocketMQ({ ...connectionOf(settings), consumerGroup: String(settings['group']) });
  return serviceOf(Events, { strategy });
}

export const produce = (settings: Settings): Promise<Emitter> =>
  clientOf({ customClass: ClientRocketMQ, options: connectionOf(settings) }, TOPIC);
