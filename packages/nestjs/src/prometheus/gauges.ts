import type { Producer, PushConsumer } from '@rocketnest/client';
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { QueueLag } from '../operations/progress.js';
import { lagOf } from '../operations/progress.js';

/** Metrics that are read when they are scraped, by connection. */
type Members<T> = ReadonlyMap<T, string>;

interface LagOptions {
  readonly lag: boolean;
  readonly lagIntervalMs: number;
}

interface GaugeRow {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Adds its part of each member to the gauge; parts with the same labels sum up. */
  read(add: (labels: Record<string, string>, value: number) => void): void | Promise<void>;
}

export function createGauges(
  registers: readonly Registry[],
  producers: Members<Producer>,
  consumers: Members<PushConsumer>,
  options: LagOptions,
): void {
  const rows = [...clientRows(producers), ...consumerRows(consumers)];
  if (options.lag) rows.push(...lagRows(consumers, options.lagIntervalMs));
  for (const { name, help, labelNames, read } of rows) {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [...registers],
      async collect() {
        this.reset();
        await read((labels, value) => this.inc(labels, value));
      },
    });
  }
}

function clientRows(producers: Members<Producer>): GaugeRow[] {
  const labelNames = ['connection'];
  return [
    {
      name: 'rocketnest_connected',
      help: '1 while a name server and every broker that is needed can be used, else 0',
      labelNames,
      read(add) {
        for (const [{ status }, connection] of producers) add({ connection }, status.state === 'connected' ? 1 : 0);
      },
    },
    {
      name: 'rocketnest_sends_in_flight',
      help: 'Sends that wait for the answer of a broker',
      labelNames,
      read(add) {
        for (const [{ inFlight }, connection] of producers) add({ connection }, inFlight);
      },
    },
  ];
}

function consumerRows(consumers: Members<PushConsumer>): GaugeRow[] {
  const labelNames = ['topic', 'consumer_group'];
  const perQueue = (name: string, help: string, valueIn: (queue: CachedQueue) => number): GaugeRow => ({
    name,
    help,
    labelNames,
    read(add) {
      for (const consumer of consumers.keys()) {
        const { group, queues, popQueues } = consumer.report();
        for (const queue of [...queues, ...popQueues]) {
          add({ topic: queue.topic, consumer_group: group }, valueIn(queue));
        }
      }
    },
  });
  return [
    perQueue(
      'rocketmq_consumer_cached_messages',
      'Messages here that are not consumed',
      (queue) => queue.cachedMessages,
    ),
    perQueue('rocketmq_consumer_cached_bytes', 'Bytes of their bodies', (queue) => queue.cachedBytes ?? 0),
    perQueue('rocketnest_consumer_queues', 'Queues that this process consumes', () => 1),
    {
      name: 'rocketnest_consumer_running_handlers',
      help: 'Handlers that run now',
      labelNames: ['consumer_group'],
      read(add) {
        for (const { group, runningHandlers } of consumers.keys()) add({ consumer_group: group }, runningHandlers);
      },
    },
  ];
}

interface CachedQueue {
  readonly cachedMessages: number;
  readonly cachedBytes?: number;
}

/** Labels are the broker's for the same names, as far as a client knows them. */
function lagRows(consumers: Members<PushConsumer>, intervalMs: number): GaugeRow[] {
  const answers = new WeakMap<PushConsumer, { readonly at: number; readonly lags: Promise<QueueLag[]> }>();
  const ask = (consumer: PushConsumer): Promise<QueueLag[]> => {
    const known = answers.get(consumer);
    if (known !== undefined && performance.now() - known.at < intervalMs) return known.lags;
    // Without an answer there is no value, which is how Prometheus shows what is not known.
    const lags = lagOf(consumer).catch((): QueueLag[] => []);
    answers.set(consumer, { at: performance.now(), lags });
    return lags;
  };
  const row = (name: string, help: string, valueIn: (queue: QueueLag) => number): GaugeRow => ({
    name,
    help,
    labelNames: ['consumer_group', 'topic', 'is_retry'],
    async read(add) {
      const asked = [...consumers.keys()];
      const answered = await Promise.all(asked.map(ask));
      for (const [i, { group }] of asked.entries()) {
        for (const queue of answered[i]!) {
          const is_retry = String(queue.topic.startsWith('%RETRY%'));
          add({ consumer_group: group, topic: queue.topic, is_retry }, valueIn(queue));
        }
      }
    },
  });
  return [
    row('rocketmq_consumer_lag_messages', 'Messages not consumed, in the queues of this process', ({ lag }) => lag),
    row(
      'rocketmq_consumer_inflight_messages',
      'Messages pulled and not consumed, in the queues of this process',
      ({ inflight }) => inflight,
    ),
  ];
}
