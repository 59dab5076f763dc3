import { Producer } from '@rocketnest/client';

const TOPIC = 'bench_first_ack';
const PAUSE_MS = 5;
/** Apache's broker takes part of it after a crash with a large store. */
const PATIENCE_MS = 600_000;

/** Resolves when servers have acknowledged a send; until then they may still be starting. Rejects when they do not in ten minutes. */
export async function firstAck(namesrvAddr: string): Promise<void> {
  const producer = new Producer({ namesrvAddr, group: TOPIC, retryTimes: 0 });
  const startedAt = performance.now();
  await producer.start();
  try {
    for (;;) {
      try {
        await producer.send({ topic: TOPIC, body: 'first' });
        return;
      } catch (error) {
        const isLate = performance.now() - startedAt > PATIENCE_MS;
        if (isLate || !(error as { retriable?: boolean }).retriable) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  } finally {
    await producer.close();
  }
}
