import type { MessageExt, Producer, PushConsumer, SendHook } from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import type { Registry } from 'prom-client';
import { Counter, register as globalRegistry, Histogram } from 'prom-client';
import type { ConsumeCall, ConsumeEnd, RocketMQInstrumentation } from '../operations/instrumentation.js';
import { createGauges } from './gauges.js';

export interface RocketMQMetricsOptions {
  /** Where the metrics are registered. Default: prom-client's global registry. */
  readonly register?: Registry;
  /** Also tell how far behind consumers are, which takes a request per group and broker. Default true. */
  readonly lag?: boolean;
  /** Brokers are asked at most so often, however often metrics are scraped, in ms. Default 15000. */
  readonly lagIntervalMs?: number;
}

/** Upper bounds in ms, those of RocketMQ 5's clients. */
const SEND_BUCKETS = [1, 5, 10, 20, 50, 200, 500];
const PROCESS_BUCKETS = [1, 5, 10, 100, 1_000, 10_000, 60_000];

/** Names that RocketMQ 5 has are used as there, with its labels and units (ms); the others begin with `rocketnest_`. */
const NAMES = {
  sendTime: 'rocketmq_send_cost_time',
  sent: 'rocketnest_sent_messages_total',
  processTime: 'rocketmq_process_time',
  consumed: 'rocketnest_consumed_messages_total',
  dead: 'rocketmq_send_to_dlq_messages_total',
} as const;

/**
 * Prometheus metrics of producers and consumers.
 *
 * ```ts
 * RocketMQModule.forRoot({ namesrvAddr, instrumentations: [new RocketMQMetrics()] })
 * ```
 *
 * One object may serve several connections; give each registry one.
 */
export class RocketMQMetrics implements RocketMQInstrumentation {
  readonly sendHook: SendHook = {
    afterSend: ({ topic, messageCount }, { error, elapsedMs }) => {
      const labels = { topic, invocation_status: statusOf(error === undefined) };
      this.#sendTime.observe(labels, elapsedMs);
      this.#sent.inc(labels, messageCount);
    },
  };

  readonly #sendTime: Histogram<'topic' | 'invocation_status'>;
  readonly #sent: Counter<'topic' | 'invocation_status'>;
  readonly #processTime: Histogram<'topic' | 'consumer_group' | 'invocation_status'>;
  readonly #consumed: Counter<'topic' | 'consumer_group' | 'outcome'>;
  readonly #dead: Counter<'topic' | 'consumer_group'>;
  readonly #producers = new Map<Producer, string>();
  readonly #consumers = new Map<PushConsumer, string>();

  /** @throws ConfigurationError when the registry has metrics of another RocketMQMetrics */
  constructor({ register = globalRegistry, lag = true, lagIntervalMs = 15_000 }: RocketMQMetricsOptions = {}) {
    if (register.getSingleMetric(NAMES.sendTime) !== undefined) {
      throw new ConfigurationError(
        `The Prometheus registry has ${NAMES.sendTime} already. Share one RocketMQMetrics among the connections, or give each its own registry: new RocketMQMetrics({ register: new Registry() }).`,
      );
    }
    const registers = [register];
    this.#sendTime = new Histogram({
      name: NAMES.sendTime,
      help: 'Duration of sends in milliseconds, with all attempts',
      labelNames: ['topic', 'invocation_status'],
      buckets: SEND_BUCKETS,
      registers,
    });
    this.#sent = new Counter({
      name: NAMES.sent,
      help: 'Messages sent',
      labelNames: ['topic', 'invocation_status'],
      registers,
    });
    this.#processTime = new Histogram({
      name: NAMES.processTime,
      help: 'Duration of handler calls in milliseconds',
      labelNames: ['topic', 'consumer_group', 'invocation_status'],
      buckets: PROCESS_BUCKETS,
      registers,
    });
    this.#consumed = new Counter({
      name: NAMES.consumed,
      help: 'Messages given to handlers, by what became of them: consumed, discard, retry, suspend, dead-letter',
      labelNames: ['topic', 'consumer_group', 'outcome'],
      registers,
    });
    this.#dead = new Counter({
      name: NAMES.dead,
      help: 'Messages that handlers gave up, or that failed for the last time here',
      labelNames: ['topic', 'consumer_group'],
      registers,
    });
    createGauges(registers, this.#producers, this.#consumers, { lag, lagIntervalMs });
  }

  producerStarted(producer: Producer, connection: string): () => void {
    this.#producers.set(producer, connection);
    return () => this.#producers.delete(producer);
  }

  consumerStarted(consumer: PushConsumer, connection: string): () => void {
    this.#consumers.set(consumer, connection);
    return () => this.#consumers.delete(consumer);
  }

  async consume(call: ConsumeCall, next: () => Promise<ConsumeEnd>): Promise<ConsumeEnd> {
    const startedAt = performance.now();
    let outcome: ConsumeEnd = { action: 'retry' };
    try {
      outcome = await next();
      return outcome;
    } finally {
      this.#observe(call, outcome, performance.now() - startedAt);
    }
  }

  #observe(call: ConsumeCall, outcome: ConsumeEnd, elapsedMs: number): void {
    const { group: consumer_group, messages, queue } = call;
    const topic = messages[0]?.topic ?? queue.topic;
    this.#processTime.observe({ topic, consumer_group, invocation_status: statusOf(outcome === undefined) }, elapsedMs);
    for (const message of messages) {
      const labels = { topic: message.topic, consumer_group };
      const action = actionFor(outcome, message) ?? (call.isDiscarded(message) ? 'discard' : 'consumed');
      this.#consumed.inc({ ...labels, outcome: action });
      if (action === 'dead-letter') this.#dead.inc(labels);
    }
  }
}

const statusOf = (isSuccess: boolean): string => (isSuccess ? 'success' : 'failure');

/** What an outcome of a call means for one of its messages; undefined: it is consumed. */
function actionFor(outcome: ConsumeEnd, message: MessageExt): string | undefined {
  if (outcome?.action !== 'each') return outcome?.action;
  return outcome.outcomes.get(message)?.action;
}
