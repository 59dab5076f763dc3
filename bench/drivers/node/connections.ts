import { createRequest, encodeProperties, Requests, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import type { Words } from './events.js';
import { createBody, Measurement } from './measurement.js';

const PATIENCE_MS = 120_000;
/** Connections opened at once: a listen queue is short. */
const DIALLING = 64;

/**
 * Many connections to a broker, each of which sends one message after the other. Words: broker (host:port), connections, topic,
 * queues, size, warmup, seconds. The result has `connectMs`: how long it took until all were open.
 */
export async function connections(words: Words): Promise<void> {
  const broker = words.text('broker');
  const clients = Array.from(
    { length: words.number('connections') },
    () => new RemotingClient({ connectTimeoutMs: PATIENCE_MS, silenceLimitMs: PATIENCE_MS }),
  );
  const startedAt = performance.now();
  for (let i = 0; i < clients.length; i += DIALLING) {
    await Promise.all(clients.slice(i, i + DIALLING).map((client) => client.connection(broker)));
  }
  const connectMs = performance.now() - startedAt;

  const topic = words.text('topic');
  const queues = words.number('queues');
  const size = words.number('size');
  const measurement = new Measurement();
  const loop = async (client: RemotingClient, worker: number): Promise<void> => {
    for (let number = 0; !measurement.done; number++) {
      const body = createBody(size, worker, number);
      const fields = {
        producerGroup: 'bench_connections',
        topic,
        defaultTopic: 'TBW102',
        defaultTopicQueueNums: queues,
        queueId: (worker + number) % queues,
        sysFlag: 0,
        bornTimestamp: Date.now(),
        flag: 0,
        properties: encodeProperties({ UNIQ_KEY: `${worker}-${number}` }),
      };
      const begin = performance.now();
      try {
        const command = createRequest(Requests.sendMessageV2, fields, body);
        const { code, remark } = await client.request(broker, command, { timeoutMs: PATIENCE_MS });
        if (code !== ResponseCode.SUCCESS) throw new Error(`send answered ${code} ${remark}`);
        measurement.sent.add(body);
        measurement.completed(1, begin);
      } catch (error) {
        measurement.failed(error);
      }
    }
  };
  const running = clients.map(loop);
  await measurement.pass(words);
  await Promise.all(running);
  measurement.report({ connectMs });
}
