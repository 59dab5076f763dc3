/**
 * Message properties: names, and the text they are stored as.
 *
 * `name \x01 value \x02 name \x01 value \x02 …`, UTF-8, at most 32767 bytes in a stored message.
 * Source of truth: `MessageConst`, `MessageDecoder.messageProperties2String` and `string2messageProperties`.
 */

import { charCode } from './char-code.js';
import { ConfigurationError } from './errors.js';

/** Names with a meaning. Java: `MessageConst` (its `PROPERTY_` prefix left out). */
export const PropertyName = {
  KEYS: 'KEYS',
  TAGS: 'TAGS',
  WAIT_STORE_MSG_OK: 'WAIT',
  DELAY: 'DELAY',
  RETRY_TOPIC: 'RETRY_TOPIC',
  ORIGIN_GROUP: 'ORIGIN_GROUP',
  REAL_TOPIC: 'REAL_TOPIC',
  REAL_QUEUE_ID: 'REAL_QID',
  TRANSACTION_PREPARED: 'TRAN_MSG',
  PRODUCER_GROUP: 'PGROUP',
  MIN_OFFSET: 'MIN_OFFSET',
  MAX_OFFSET: 'MAX_OFFSET',
  BUYER_ID: 'BUYER_ID',
  ORIGIN_MESSAGE_ID: 'ORIGIN_MESSAGE_ID',
  TRANSFER_FLAG: 'TRANSFER_FLAG',
  CORRECTION_FLAG: 'CORRECTION_FLAG',
  MQ2_FLAG: 'MQ2_FLAG',
  RECONSUME_TIME: 'RECONSUME_TIME',
  MSG_REGION: 'MSG_REGION',
  TRACE_SWITCH: 'TRACE_ON',
  UNIQ_KEY: 'UNIQ_KEY',
  TRANS_OFFSET: 'TRANS_OFFSET',
  EXTEND_UNIQ_INFO: 'EXTEND_UNIQ_INFO',
  MAX_RECONSUME_TIMES: 'MAX_RECONSUME_TIMES',
  CONSUME_START_TIMESTAMP: 'CONSUME_START_TIME',
  PRIORITY: '_SYS_MSG_PRIORITY_',
  INNER_NUM: 'INNER_NUM',
  INNER_BASE: 'INNER_BASE',
  DUP_INFO: 'DUP_INFO',
  CHECK_IMMUNITY_TIME_IN_SECONDS: 'CHECK_IMMUNITY_TIME_IN_SECONDS',
  TRANSACTION_PREPARED_QUEUE_OFFSET: 'TRAN_PREPARED_QUEUE_OFFSET',
  TRANSACTION_ID: '__transactionId__',
  TRANSACTION_CHECK_TIMES: 'TRANSACTION_CHECK_TIMES',
  INSTANCE_ID: 'INSTANCE_ID',
  CORRELATION_ID: 'CORRELATION_ID',
  MESSAGE_REPLY_TO_CLIENT: 'REPLY_TO_CLIENT',
  MESSAGE_TTL: 'TTL',
  REPLY_MESSAGE_ARRIVE_TIME: 'ARRIVE_TIME',
  PUSH_REPLY_TIME: 'PUSH_REPLY_TIME',
  CLUSTER: 'CLUSTER',
  MESSAGE_TYPE: 'MSG_TYPE',
  POP_CK: 'POP_CK',
  POP_CK_OFFSET: 'POP_CK_OFFSET',
  FIRST_POP_TIME: '1ST_POP_TIME',
  SHARDING_KEY: '__SHARDINGKEY',
  LITE_TOPIC: '__LITE_TOPIC',
  FORWARD_QUEUE_ID: 'PROPERTY_FORWARD_QUEUE_ID',
  REDIRECT: 'REDIRECT',
  INNER_MULTI_DISPATCH: 'INNER_MULTI_DISPATCH',
  INNER_MULTI_QUEUE_OFFSET: 'INNER_MULTI_QUEUE_OFFSET',
  TRACE_CONTEXT: 'TRACE_CONTEXT',
  TIMER_DELAY_SEC: 'TIMER_DELAY_SEC',
  TIMER_DELIVER_MS: 'TIMER_DELIVER_MS',
  BORN_HOST: '__BORNHOST',
  BORN_TIMESTAMP: 'BORN_TIMESTAMP',
  TIMER_ENQUEUE_MS: 'TIMER_ENQUEUE_MS',
  TIMER_DEQUEUE_MS: 'TIMER_DEQUEUE_MS',
  TIMER_ROLL_TIMES: 'TIMER_ROLL_TIMES',
  TIMER_OUT_MS: 'TIMER_OUT_MS',
  TIMER_DEL_UNIQKEY: 'TIMER_DEL_UNIQKEY',
  TIMER_ROLL_LABEL: 'TIMER_ROLL_LABEL',
  TIMER_DELAY_LEVEL: 'TIMER_DELAY_LEVEL',
  TIMER_DELAY_MS: 'TIMER_DELAY_MS',
  TIMER_ENGINE_TYPE: 'E_T',
  CRC32: '__CRC32#',
  DLQ_ORIGIN_TOPIC: 'DLQ_ORIGIN_TOPIC',
  DLQ_ORIGIN_MESSAGE_ID: 'DLQ_ORIGIN_MESSAGE_ID',
  /** Set by the client on pulled messages, never stored. */
  TRANSIENT_TOPIC_CONFIG: '__RMQ.TRANSIENT.TOPIC_SYS_FLAG',
  TRANSIENT_GROUP_CONFIG: '__RMQ.TRANSIENT.GROUP_SYS_FLAG',
} as const;

/** Separates several keys in KEYS. Java: `MessageConst.KEY_SEPARATOR`. */
export const KEY_SEPARATOR = ' ';

/** Kinds of entries in the index. Java: `MessageConst.INDEX_…_TYPE`. */
export const IndexType = { KEY: 'K', UNIQUE: 'U', TAG: 'T' } as const;

/** The longest encoded properties of one message: Java stores the length as a short. */
export const MAX_PROPERTIES_BYTES = 0x7fff;

/** Properties only a program of RocketMQ sets. Java: `MessageConst.STRING_HASH_SET`; users cannot use these names. */
export const ReservedPropertyNames: ReadonlySet<string> = new Set([
  PropertyName.TRACE_SWITCH,
  PropertyName.MSG_REGION,
  PropertyName.KEYS,
  PropertyName.TAGS,
  PropertyName.WAIT_STORE_MSG_OK,
  PropertyName.DELAY,
  PropertyName.RETRY_TOPIC,
  PropertyName.ORIGIN_GROUP,
  PropertyName.REAL_TOPIC,
  PropertyName.REAL_QUEUE_ID,
  PropertyName.TRANSACTION_PREPARED,
  PropertyName.PRODUCER_GROUP,
  PropertyName.MIN_OFFSET,
  PropertyName.MAX_OFFSET,
  PropertyName.BUYER_ID,
  PropertyName.ORIGIN_MESSAGE_ID,
  PropertyName.TRANSFER_FLAG,
  PropertyName.CORRECTION_FLAG,
  PropertyName.MQ2_FLAG,
  PropertyName.RECONSUME_TIME,
  PropertyName.UNIQ_KEY,
  PropertyName.MAX_RECONSUME_TIMES,
  PropertyName.CONSUME_START_TIMESTAMP,
  PropertyName.POP_CK,
  PropertyName.POP_CK_OFFSET,
  PropertyName.FIRST_POP_TIME,
  PropertyName.TRANSACTION_PREPARED_QUEUE_OFFSET,
  PropertyName.DUP_INFO,
  PropertyName.EXTEND_UNIQ_INFO,
  PropertyName.INSTANCE_ID,
  PropertyName.CORRELATION_ID,
  PropertyName.MESSAGE_REPLY_TO_CLIENT,
  PropertyName.MESSAGE_TTL,
  PropertyName.REPLY_MESSAGE_ARRIVE_TIME,
  PropertyName.PUSH_REPLY_TIME,
  PropertyName.CLUSTER,
  PropertyName.MESSAGE_TYPE,
  PropertyName.INNER_MULTI_QUEUE_OFFSET,
  PropertyName.TIMER_DELAY_MS,
  PropertyName.TIMER_DELAY_SEC,
  PropertyName.TIMER_DELIVER_MS,
  PropertyName.TIMER_ENQUEUE_MS,
  PropertyName.TIMER_DEQUEUE_MS,
  PropertyName.TIMER_ROLL_TIMES,
  PropertyName.TIMER_OUT_MS,
  PropertyName.TIMER_DEL_UNIQKEY,
  PropertyName.TIMER_DELAY_LEVEL,
  PropertyName.BORN_HOST,
  PropertyName.BORN_TIMESTAMP,
  PropertyName.DLQ_ORIGIN_TOPIC,
  PropertyName.DLQ_ORIGIN_MESSAGE_ID,
  PropertyName.CRC32,
  PropertyName.PRIORITY,
  PropertyName.LITE_TOPIC,
]);

const NAME_VALUE_SEPARATOR = '\u0001';
const PROPERTY_SEPARATOR = '\u0002';

/**
 * The stored text. Values that are `undefined` or `null` are left out; an empty value is written, but every reader,
 * Java's too, drops it.
 * @throws ConfigurationError when a name or value holds a separator (`\x01`, `\x02`), which would break its neighbours
 */
export function encodeProperties(properties: Readonly<Record<string, string | null | undefined>>): string {
  let text = '';
  for (const name in properties) {
    const value = properties[name];
    if (value === undefined || value === null) continue;
    if (
      value.includes(PROPERTY_SEPARATOR) ||
      name.includes(PROPERTY_SEPARATOR) ||
      name.includes(NAME_VALUE_SEPARATOR)
    ) {
      throw new ConfigurationError(
        `Property ${JSON.stringify(name)} contains the control character \\x01 or \\x02, which separates properties: remove it`,
        { context: { property: name } },
      );
    }
    text += name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
  }
  return text;
}

/** Reads the stored text as Java does: pieces without a name, a value or a separator are skipped. */
export function decodeProperties(stored: string | Buffer): Record<string, string> {
  const text = typeof stored === 'string' ? stored : stored.toString('utf8');
  const properties: Record<string, string> = {};
  let index = 0;
  let separator = -1;
  while (index < text.length) {
    let end = text.indexOf(PROPERTY_SEPARATOR, index);
    if (end < 0) end = text.length;
    // Searched again only when passed, else a text of nothing but separators would take quadratic time.
    if (separator < index) separator = text.indexOf(NAME_VALUE_SEPARATOR, index);
    if (separator < 0) break;
    if (separator > index && separator < end - 1) {
      properties[text.slice(index, separator)] = text.slice(separator + 1, end);
    }
    index = end + 1;
  }
  return properties;
}

/** Java's `String.hashCode`: 32 bits signed, over UTF-16 units. */
export function javaHashCode(text: string): number {
  return extendHashCode(0, text);
}

/** {@link javaHashCode} of `prefix + text` from that of `prefix`. */
export function extendHashCode(prefixHash: number, text: string): number {
  const { length } = text;
  let hash = prefixHash;
  for (let i = 0; i < length; i++) hash = (Math.imul(31, hash) + charCode(text, i)) | 0;
  return hash;
}

/** What the consume queue stores for a message's tags; 0 without tags. Java: `MessageExtBrokerInner.tagsString2tagsCode`. */
export function tagsCodeOf(tags: string | null | undefined): number {
  return tags ? javaHashCode(tags) : 0;
}
