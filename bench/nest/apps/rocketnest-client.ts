// The same without Nest: PushConsumer and Producer of @rocketnest/client.
import { Producer, PushConsumer } from '@rocketnest/client';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { connectionOf, TOPIC } from './rocketnest.js';

export async function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  const { namesrvAddr, consumer } = connectionOf(settings);
  const pushConsumer = new PushConsumer({ namesrvAddr, group: String(settings['group']), ...consumer });
  pushConsumer.subscribe(TOPIC).listen(async (messages) => {
    for (const { body } of messages) sink(JSON.parse(body.toString('utf8')) as BenchEvent);
  });
  await pushConsumer.start();
  return pushConsumer;
}

export async function produce(settings: Settings): Promise<Emitter> {
  const { namesrvAddr, producer: options } = connectionOf(settings);
  const producer = new Producer({ namesrvAddr, group: 'bench_producer', ...options });
  await producer.start();
  return {
    emit: (event) => producer.send({ topic: TOPIC, body: JSON.stringify(event) }),
    close: () => producer.close(),
  };
}
