import { KEY_SEPARATOR, PropertyName } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import { clientOptionTable, pickOptions, resolveOptions } from '../options.js';
import type { PreparedMessage } from '../producer/outgoing-message.js';
import { producerOptionTable } from '../producer/producer-options.js';
import { RoundRobin } from '../producer/queue-selector.js';
import { SendPipeline } from '../producer/send-pipeline.js';

/** Java: TraceConstants.GROUP_NAME_PREFIX. */
const GROUP_PREFIX = '_INNER_TRACE_PRODUCER';
/** Budget of one trace message, and of the last ones on close, in ms. Java: sendMsgTimeout and WAIT_FOR_SHUTDOWN. */
export const TRACE_SEND_TIMEOUT_MS = 5_000;

/** Which side of a group is traced; part of the inner producer's name. Java: TraceDispatcher.Type. */
export type TraceRole = 'PRODUCE' | 'CONSUME';

/**
 * Sends trace messages over the connections of the traced component, as a producer group of its own that is not traced.
 * Java: the traceProducer of AsyncTraceDispatcher.
 */
export class TraceProducer {
  private readonly group: string;
  private readonly pipeline: SendPipeline;
  private readonly turn = new RoundRobin();
  private started = false;

  constructor(
    private readonly instance: ClientInstance,
    group: string,
    role: TraceRole,
    private readonly topic: string,
  ) {
    // An instance has one producer and one consumer of a group at most.
    this.group = `${GROUP_PREFIX}-${group}-${role}-1`;
    const options = resolveOptions(
      producerOptionTable,
      {
        ...pickOptions(clientOptionTable, instance.options),
        group: this.group,
        sendTimeoutMs: TRACE_SEND_TIMEOUT_MS,
        closeTimeoutMs: 0,
      },
      'TraceProducer',
    );
    this.pipeline = new SendPipeline(instance, options);
  }

  start(): void {
    if (this.started) return;
    this.instance.registerProducer(this.group, { topics: () => [this.topic] });
    this.started = true;
  }

  send(body: string, keys: readonly string[]): Promise<void> {
    const msgId = this.instance.nextMessageId();
    const message: PreparedMessage = {
      topic: this.topic,
      body: Buffer.from(body),
      flag: 0,
      properties: { [PropertyName.KEYS]: keys.join(KEY_SEPARATOR), [PropertyName.UNIQ_KEY]: msgId },
      sysFlag: 0,
      msgId,
      messageCount: 1,
      kind: 'normal',
    };
    return new Promise((resolve, reject) => {
      this.pipeline.submit(
        message,
        (route, failedBroker) => this.turn.next(route, failedBroker, undefined),
        {},
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
  }

  async close(): Promise<void> {
    if (!this.started) return;
    this.started = false;
    await this.pipeline.close();
    await this.instance.unregisterProducer(this.group);
  }
}
