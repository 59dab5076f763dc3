import { TimeoutError } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { MessageQueue } from '../message-queue.js';
import { batchProperties } from './batch.js';
import { encodeCheckedProperties, type PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';
import type { SendHooks } from './send-hook.js';
import { createSendRequest, type QueuePicker } from './send-operation.js';

/** One-way sends wait while a connection has this much to write. */
const BUFFER_BYTES = 8 * 1024 * 1024;
const POLL_MS = 2;

export interface OnewayOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends messages nobody answers. Nobody repeats them either: what cannot be handed to a connection rejects. */
export class OnewaySender {
  constructor(
    private readonly instance: ClientInstance,
    private readonly options: ProducerOptions,
    private readonly hooks: SendHooks,
  ) {}

  /** Resolves, when the message is handed to the connection, to the queue it goes to. */
  send(message: PreparedMessage, pick: QueuePicker, options: OnewayOptions): Promise<MessageQueue> {
    if (!this.hooks.observing) return this.hand(message, pick, options);
    return new Promise((resolve, reject) => {
      let queue: MessageQueue | undefined;
      const done = this.hooks.around(message, (error) => (error === null ? resolve(queue!) : reject(error)));
      this.hand(message, pick, options).then((used) => {
        queue = used;
        done(null);
      }, done);
    });
  }

  private async hand(message: PreparedMessage, pick: QueuePicker, options: OnewayOptions): Promise<MessageQueue> {
    const { topic } = message;
    const { createTopicKey, defaultTopicQueueNums, sendTimeoutMs } = this.options;
    const deadline = performance.now() + (options.timeoutMs ?? sendTimeoutMs);
    const route = await this.instance.routes.findToPublish(topic, createTopicKey, defaultTopicQueueNums);
    const queue = pick(route, undefined);
    const broker = this.instance.findBrokerAddress(queue, { onlyMaster: true });
    if (broker === undefined) throw this.instance.routes.noRoute(topic);
    if (this.hooks.forbidding) this.hooks.checkForbidden(message, queue, broker.address);
    const connection = await this.instance.remoting.connection(this.instance.api.vipAddress(broker.address));
    // Nobody answers, so the socket's buffer is the only sign that the broker cannot keep up.
    while (connection.bufferedBytes > BUFFER_BYTES && !connection.closed) {
      options.signal?.throwIfAborted();
      if (performance.now() > deadline) {
        throw new TimeoutError(
          `Broker ${queue.brokerName} does not take one-way messages fast enough: ${connection.bufferedBytes} bytes wait for it. Send more slowly, or await answers with send().`,
          { context: { topic, broker: queue.brokerName } },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const properties =
      message.kind === 'batch'
        ? batchProperties(message.properties, await this.instance.askBrokerVersion(broker.address))
        : message.properties;
    const encoded = encodeCheckedProperties(properties, topic);
    connection.sendOneway(createSendRequest(this.options, message, queue, encoded));
    return queue;
  }
}
