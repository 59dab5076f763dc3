import type { MessageExt, Producer } from '@rocketnest/client';
import { ConfigurationError } from '@rocketnest/client';
import { RocketMQContext } from './context.js';
import type { Destination } from './destination.js';
import { toOutgoing } from './outgoing.js';
import type { PayloadDeserializer, PayloadType } from './payload/deserializer.js';
import type { PayloadSerializer } from './payload/serializer.js';
import { RocketMQRecord } from './record.js';
import type { SendOptions } from './send-options.js';

/** How a request is sent. It cannot be delayed: somebody waits for the answer. */
export interface RequestOptions
  extends Pick<SendOptions, 'tag' | 'keys' | 'headers' | 'shardingKey' | 'queue' | 'selector' | 'signal' | 'flag'> {
  /** Deadline of sending and waiting for the reply, in ms. Default: the module's `replyTimeoutMs` (5000). */
  readonly timeoutMs?: number;
  /**
   * What to read the reply as: `String`, `Buffer`, or a class for JSON; `RocketMQRecord` for a record with the reply's tag, keys and headers, and
   * its payload read as the replier says. Default: as the replier says, see JsonPayloadDeserializer.
   */
  readonly replyType?: PayloadType;
}

/** What a request takes: a connection. */
export interface RequestHome {
  readonly producer: Pick<Producer, 'request'>;
  readonly serializer: PayloadSerializer;
  readonly deserializer: PayloadDeserializer;
  readonly options: { readonly replyTimeoutMs: number };
}

/** Sends a request and decodes the reply. Errors: see RocketMQTemplate.request. */
export async function sendRequest<R>(
  home: RequestHome,
  destination: Destination,
  payload: unknown,
  options: RequestOptions,
): Promise<R> {
  const { replyType, ...callOptions } = options;
  const { message, options: sendOptions } = toOutgoing(destination, payload, callOptions, home.serializer);
  const { delay, delayLevel, deliverAt, timeoutMs = home.options.replyTimeoutMs } = sendOptions;
  if (delay !== undefined || delayLevel !== undefined || deliverAt !== undefined) {
    throw new ConfigurationError(
      `A request to topic ${message.topic} cannot be delayed: somebody waits for the answer. Send it without delay, delayLevel and deliverAt, or use send().`,
      { context: { topic: message.topic } },
    );
  }
  const { shardingKey, queue, selector, signal } = sendOptions;
  const reply = await home.producer.request(message, { shardingKey, queue, selector, signal, timeoutMs });
  if (replyType !== RocketMQRecord) return (await home.deserializer.deserialize(reply, replyType)) as R;
  return toRecord(reply, await home.deserializer.deserialize(reply, undefined)) as R;
}

function toRecord(reply: MessageExt, payload: unknown): RocketMQRecord {
  const context = new RocketMQContext([reply, { connection: '', group: '' }]);
  const tag = context.getTag();
  const keys = context.getKeys();
  return new RocketMQRecord(payload, { ...(tag === undefined ? {} : { tag }), keys, headers: context.getHeaders() });
}
