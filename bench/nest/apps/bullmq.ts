// @nestjs/bullmq: jobs in Redis, which the worker removes after its handler.
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job, Queue } from 'bullmq';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { contextOf } from './nest.js';

const QUEUE = 'events';

const modulesOf = ({ host, port }: Settings) => [
  BullModule.forRoot({ connection: { host: String(host), port: Number(port) } }),
  BullModule.registerQueue({ name: QUEUE, defaultJobOptions: { removeOnComplete: true } }),
];

export function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  @Processor(QUEUE, { concurrency: Number(settings['concurrency']) })
  class Events extends WorkerHost {
    override async process(job: Job<BenchEvent>): Promise<void> {
      sink(job.data);
    }
  }
  return contextOf({ imports: modulesOf(settings), providers: [Events] });
}

export async function produce(settings: Settings): Promise<Emitter> {
  const app = await contextOf({ imports: modulesOf(settings) });
  const queue = app.get<Queue>(getQueueToken(QUEUE), { strict: false });
  return { emit: (event) => queue.add('event', event), close: () => app.close() };
}
