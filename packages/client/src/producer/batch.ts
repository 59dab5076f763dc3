import {
  ConfigurationError,
  encodeBatchBody,
  isRetryTopic,
  type Message,
  PropertyName,
  V5_0_0,
} from '@rocketnest/protocol';
import {
  checkBody,
  createProperties,
  encodeCheckedProperties,
  isDelayed,
  type OutgoingMessage,
  type PreparedMessage,
} from './outgoing-message.js';

/** Bytes of one message in a batch besides its body and properties: size, magic, crc, flag and two lengths. */
const ENTRY_OVERHEAD_BYTES = 4 + 4 + 4 + 4 + 4 + 2;

/**
 * Checks a batch and cuts it, in order, into sends of at most `maxBytes` each. Java: MessageBatch.generateFromList, and the
 * ListSplitter that its documentation asks users to write.
 * @throws ConfigurationError when the messages cannot share one send
 */
export function prepareBatch(
  messages: readonly OutgoingMessage[],
  maxBytes: number,
  createMsgId: () => string,
): PreparedMessage[] {
  const first = messages[0];
  if (first === undefined) throw new ConfigurationError('A batch needs at least one message.');
  const { topic } = first;
  const refuse = (why: string): never => {
    throw new ConfigurationError(`A batch to topic ${topic} ${why}`, { context: { topic, messages: messages.length } });
  };
  if (isRetryTopic(topic)) refuse('cannot be sent: retry topics take single messages only.');

  const sends: PreparedMessage[] = [];
  let part: Message[] = [];
  let ids: string[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (part.length > 0) sends.push(prepare(topic, part, ids, first.waitStoreOk));
    part = [];
    ids = [];
    bytes = 0;
  };
  for (const [index, message] of messages.entries()) {
    if (message.topic !== topic)
      refuse(`has a message to topic ${message.topic} (index ${index}). Send one batch per topic.`);
    if ((message.waitStoreOk ?? true) !== (first.waitStoreOk ?? true)) {
      refuse(`mixes waitStoreOk true and false (index ${index}). Send one batch for each.`);
    }
    if (message.replyTo !== undefined) refuse(`has a reply (index ${index}). Send replies one by one.`);
    const properties = createProperties(message);
    if (isDelayed(properties)) refuse(`has a delayed message (index ${index}). Send delayed messages one by one.`);
    const msgId = createMsgId();
    properties[PropertyName.UNIQ_KEY] = msgId;
    const body = checkBody(message.body, topic, maxBytes);
    const size = ENTRY_OVERHEAD_BYTES + body.length + Buffer.byteLength(encodeCheckedProperties(properties, topic));
    // One message that only exceeds the limit by its overhead goes alone: the broker's limit has room for it.
    if (bytes + size > maxBytes) flush();
    part.push({ topic, body, flag: message.flag ?? 0, properties });
    ids.push(msgId);
    bytes += size;
  }
  flush();
  return sends;
}

function prepare(topic: string, messages: Message[], ids: string[], waitStoreOk: boolean | undefined): PreparedMessage {
  return {
    topic,
    body: encodeBatchBody(messages),
    flag: 0,
    // A batch has no id of its own in the result, but brokers with batch queues store it as one message.
    properties: {
      [PropertyName.UNIQ_KEY]: ids[0]!,
      ...(waitStoreOk === false ? { [PropertyName.WAIT_STORE_MSG_OK]: 'false' } : {}),
    },
    sysFlag: 0,
    msgId: ids.join(','),
    messageCount: messages.length,
    messages,
    kind: 'batch',
  };
}

/**
 * The properties of a batch as a whole, for a broker of this version (0: unknown). 4.x brokers append them to each message, where
 * the batch's id would take the place of the message's own; the batch queues that need it are 5.x.
 */
export function batchProperties(
  properties: Readonly<Record<string, string>>,
  brokerVersion: number,
): Readonly<Record<string, string>> {
  if (brokerVersion >= V5_0_0) return properties;
  const { [PropertyName.UNIQ_KEY]: _, ...others } = properties;
  return others;
}
