import { Producer } from '@rocketnest/client';

const TOPIC = 'bench_first_ack';
const PAUSE_MS = 5;

/** Resolves when servers have acknowledged a send; until then they may still be starting. */
export async function firstAck(namesrvAddr: string): Promise<void> {
  const producer = new Producer({ namesrvAddr, group: TOPIC, retryTimes: 0 });
  await producer.start();
  try {
    for (;;) {
      try {
        await producer.send({ topic: TOPIC, body: 'first' });
        return;
      } catch (error) {
        if (!(error as { retriable?: boolean }).retriable) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  } finally {
    await producer.close();
  }
}
