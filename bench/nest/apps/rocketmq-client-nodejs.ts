// Apache's rocketmq-client-nodejs (gRPC, through the proxy). It has no Nest integration; its handler is called from a provider's listener.
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ConsumeResult, type MessageView, Producer, PushConsumer } from 'rocketmq-client-nodejs';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { contextOf } from './nest.js';

const TOPIC = 'events';

const optionsOf = ({ endpoints }: Settings) => ({ endpoints: String(endpoints), namespace: '' });

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Injectable()
  class Events implements OnApplicationBootstrap, OnModuleDestroy {
    readonly #consumer = new PushConsumer({
      ...optionsOf(settings),
      consumerGroup: String(settings['group']),
      subscriptions: new Map([[TOPIC, '*']]),
      messageListener: {
        consume: async ({ body }: MessageView) => {
          sink(JSON.parse(body.toString('utf8')) as BenchEvent);
          return ConsumeResult.SUCCESS;
        },
      },
    });

    onApplicationBootstrap(): Promise<void> {
      return this.#consumer.startup();
    }

    onModuleDestroy(): Promise<void> {
      return this.#consumer.shutdown();
    }
  }
  return contextOf({ providers: [Events] });
}

export async function produce(settings: Settings): Promise<Emitter> {
  // Sends wait as long as those of the other transports.
  const producer = new Producer({ ...optionsOf(settings), topic: TOPIC, requestTimeout: 60_000 });
  await producer.startup();
  return {
    emit: (event) => producer.send({ topic: TOPIC, body: Buffer.from(JSON.stringify(event)) }),
    close: () => producer.shutdown(),
  };
}
