// @RocketMQMessageListener and RocketMQTemplate.
import { Injectable } from '@nestjs/common';
import { RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from '@rocketnest/nestjs';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { contextOf } from './nest.js';
import { connectionOf, TOPIC } from './rocketnest.js';

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Injectable()
  class Events {
    @RocketMQMessageListener({ topic: TOPIC, consumerGroup: String(settings['group']) })
    async onEvent(event: BenchEvent): Promise<void> {
      sink(event);
    }
  }
  return contextOf({ imports: [RocketMQModule.forRoot(connectionOf(settings))], providers: [Events] });
}

export async function produce(settings: Settings): Promise<Emitter> {
  const app = await contextOf({ imports: [RocketMQModule.forRoot(connectionOf(settings))] });
  const template = app.get(RocketMQTemplate, { strict: false });
  return { emit: (event) => template.send(TOPIC, event), close: () => app.close() };
}
