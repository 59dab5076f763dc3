import type { ClientInstance } from '../instance.js';
import { TraceDispatcher, type TraceStats } from './trace-dispatcher.js';
import type { TraceOptions } from './trace-options.js';
import { TRACE_SEND_TIMEOUT_MS, TraceProducer, type TraceRole } from './trace-producer.js';
import type { TraceRecord } from './trace-record.js';

/** Region of a broker that names none. Java: MixAll.DEFAULT_TRACE_REGION_ID. */
export const DEFAULT_REGION = 'DefaultRegion';

/** The trace of one producer or consumer: takes records while it runs, delivers the last ones on close. */
export class MessageTrace {
  private readonly dispatcher: TraceDispatcher;
  private readonly producer: TraceProducer;

  constructor(
    readonly instance: ClientInstance,
    private readonly options: TraceOptions & { readonly group: string },
    role: TraceRole,
  ) {
    this.producer = new TraceProducer(instance, options.group, role, options.traceTopic);
    this.dispatcher = new TraceDispatcher({
      group: options.group,
      batchSize: options.traceMsgBatchNum,
      logger: instance.logger,
      send: (body, keys) => this.producer.send(body, keys),
    });
  }

  get stats(): TraceStats {
    return this.dispatcher.stats;
  }

  start(): void {
    this.producer.start();
  }

  /** Notes one step of a message of `topic`. Messages of the trace topic itself leave no trace. */
  record(topic: string, record: TraceRecord): void {
    if (!topic.startsWith(this.options.traceTopic)) this.dispatcher.append(topic, record);
  }

  /** Sends what is left, for at most 5 s. */
  async close(): Promise<void> {
    await this.dispatcher.flush(TRACE_SEND_TIMEOUT_MS);
    await this.producer.close();
  }
}
