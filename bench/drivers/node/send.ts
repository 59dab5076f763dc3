import { type OutgoingMessage, Producer } from '@rocketnest/client';
import type { Words } from './events.js';
import { createBody, Measurement } from './measurement.js';

const PATIENCE_MS = 60_000;

/** Sends that wait for their answers at once: of mode sync, one for each of the `threads`; of async, `inflight`. */
export async function send(words: Words): Promise<void> {
  const topic = words.text('topic');
  const size = words.number('size');
  const batch = words.number('batch', 1);
  const loops = words.text('mode') === 'async' ? words.number('inflight') : words.number('threads');
  const measurement = new Measurement();
  const producer = new Producer({
    namesrvAddr: words.text('namesrv'),
    group: 'bench_producer',
    sendTimeoutMs: PATIENCE_MS,
    retryTimes: 0,
  });
  await producer.start();

  const loop = async (worker: number): Promise<void> => {
    for (let number = 0; !measurement.done; ) {
      const messages: OutgoingMessage[] = [];
      const bodies: Buffer[] = [];
      for (let i = 0; i < batch; i++) {
        const body = createBody(size, worker, number++);
        bodies.push(body);
        messages.push({ topic, body });
      }
      const begin = performance.now();
      try {
        await producer.send(batch === 1 ? messages[0]! : messages);
        for (const body of bodies) measurement.sent.add(body);
        measurement.completed(batch, begin);
      } catch (error) {
        measurement.failed(error);
      }
    }
  };
  const running = Array.from({ length: loops }, (_, worker) => loop(worker));
  await measurement.pass(words);
  await Promise.all(running);
  measurement.report();
  await producer.close();
}
