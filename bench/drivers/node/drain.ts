import { type MessageExt, PushConsumer } from '@rocketnest/client';
import type { Words } from './events.js';
import { Measurement, TallyCounter } from './measurement.js';

/** Consumes a backlog, after a smaller one. The measurement is from the first to the last message. */
export async function drain(words: Words): Promise<void> {
  const warmup = new TallyCounter();
  await consume(words, words.text('warmupTopic'), words.number('warmupCount'), ({ body }) => {
    warmup.add(body);
    return warmup.count;
  });

  const measurement = new Measurement();
  await consume(words, words.text('topic'), words.number('count'), ({ body }) => {
    if (measurement.received.count === 0) measurement.begin();
    measurement.received.add(body);
    measurement.completed(1, performance.now());
    return measurement.received.count;
  });
  measurement.end();
  measurement.report();
}

/** Resolves as soon as the handler has counted so many messages; the consumer is left to the end of the process. */
async function consume(
  words: Words,
  topic: string,
  count: number,
  handle: (message: MessageExt) => number,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new PushConsumer({
      namesrvAddr: words.text('namesrv'),
      group: `bench_drain_${topic}`,
      consumeFrom: 'FIRST_OFFSET',
      consumeMessageBatchMaxSize: words.number('consumeBatch', 1),
    })
      .subscribe(topic)
      .listen((messages) => {
        for (const message of messages) if (handle(message) === count) resolve();
      })
      .start()
      .catch(reject);
  });
}
