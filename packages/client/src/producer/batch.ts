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
  messageId,
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

  const entries = messages.map((message, index): BatchEntry => {
    if (message.topic !== topic)
      refuse(`has a message to topic ${message.topic} (index ${index}). Send one batch per topic.`);
    if ((message.waitStoreOk ?? true) !== (first.waitStoreOk ?? true)) {
      refuse(`mixes waitStoreOk true and false (index ${index}). Send one batch for each.`);
    }
    if (message.replyTo !== undefined) refuse(`has a reply (index ${index}). Send replies one by one.`);
    if (message.priority !== undefined)
      refuse(`has a message with a priority (index ${index}), by which the broker chooses its queue. Send it alone.`);
    const properties = createProperties(message);
    if (isDelayed(properties)) refuse(`has a delayed message (index ${index}). Send delayed messages one by one.`);
    const msgId = messageId(message, createMsgId);
    properties[PropertyName.UNIQ_KEY] = msgId;
    return { topic, body: checkBody(message.body, topic, maxBytes), flag: message.flag ?? 0, properties, msgId };
  });
  const wait: Record<string, string> = first.waitStoreOk === false ? { [PropertyName.WAIT_STORE_MSG_OK]: 'false' } : {};
  return assembleBatch(entries, wait, maxBytes);
}

/** One message of a batch, checked. */
export type BatchEntry = Pick<PreparedMessage, 'topic' | 'body' | 'flag' | 'properties' | 'msgId'>;

/**
 * Cuts checked messages of one topic, in order, into sends of at most `maxBytes` each.
 * @param common properties of the batch as a whole besides its id
 */
export function assembleBatch(
  entries: readonly BatchEntry[],
  common: Readonly<Record<string, string>>,
  maxBytes: number,
): PreparedMessage[] {
  const sends: PreparedMessage[] = [];
  let part: BatchEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const properties = Buffer.byteLength(encodeCheckedProperties(entry.properties, entry.topic));
    const size = ENTRY_OVERHEAD_BYTES + entry.body.length + properties;
    // One message that only exceeds the limit by its overhead goes alone: the broker's limit has room for it.
    if (bytes + size > maxBytes && part.length > 0) {
      sends.push(assemble(part, common));
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  sends.push(assemble(part, common));
  return sends;
}

function assemble(entries: readonly BatchEntry[], common: Readonly<Record<string, string>>): PreparedMessage {
  const { topic, msgId } = entries[0]!;
  const messages = entries.map(({ body, flag, properties }): Message => ({ topic, body, flag, properties }));
  return {
    topic,
    body: encodeBatchBody(messages),
    flag: 0,
    // A batch has no id of its own in the result, but brokers with batch queues store it as one message.
    properties: { [PropertyName.UNIQ_KEY]: msgId, ...common },
    sysFlag: 0,
    msgId: entries.map((entry) => entry.msgId).join(','),
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
