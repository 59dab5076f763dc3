import {
  ConfigurationError,
  encodeProperties,
  isNotAllowedSendTopic,
  KEY_SEPARATOR,
  MAX_PROPERTIES_BYTES,
  type Message,
  PropertyName,
  ReservedPropertyNames,
  validateTopic,
} from '@rocketnest/protocol';

/** A message to send. Java: Message. */
export interface OutgoingMessage {
  readonly topic: string;
  /** At least one byte; a string is sent as UTF-8. */
  readonly body: Uint8Array | string;
  /** One tag, by which consumers filter. */
  readonly tags?: string | undefined;
  /** Business keys, by which messages are found later. */
  readonly keys?: string | readonly string[] | undefined;
  /** 1 to 18 with the broker's default messageDelayLevel ("1s 5s 10s 30s 1m … 2h"); 0 is no delay. */
  readonly delayLevel?: number | undefined;
  /** Deliver this many ms after the broker has it; needs a 5.x broker, which limits it (timerMaxDelaySec, 3 days). */
  readonly delayMs?: number | undefined;
  /** Deliver at this time (ms since 1970 or a Date); a past time is now. Same limit as delayMs. */
  readonly deliverAt?: Date | number | undefined;
  /**
   * 0 or more; higher is more urgent. The broker chooses the queue by it (5.5 and later), for consumers that pop queues of topics with
   * message.type=PRIORITY by urgency. Without effect beside a delay, a sharding key or a transaction.
   */
  readonly priority?: number | undefined;
  /** User properties: consumers see them as they are, SQL92 filters can use them. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** 32 bits for the application. Default 0. */
  readonly flag?: number | undefined;
  /** False: the broker answers before SYNC_FLUSH or replication is done. Default true. */
  readonly waitStoreOk?: boolean | undefined;
  /** Makes this the reply to a request message: see createReply. */
  readonly replyTo?: ReplyAddress | undefined;
  /**
   * The message's unique id. Default: a new one. For what may be sent again by another process: consumers see that it is the same
   * message. `Producer.checkMessage` makes one.
   */
  readonly msgId?: string | undefined;
}

/** Who waits for a reply, and for which. */
export interface ReplyAddress {
  /** Of the request. */
  readonly correlationId: string;
  /** Client id of the requester. */
  readonly clientId: string;
  /** How long the requester waits in all, in ms. */
  readonly ttlMs?: number;
}

export type MessageKind = 'normal' | 'delay' | 'transaction' | 'batch' | 'reply';

/** A checked message in the form the send request wants it. */
export interface PreparedMessage {
  readonly topic: string;
  body: Buffer;
  readonly flag: number;
  /** System and user properties. */
  readonly properties: Record<string, string>;
  /** Compression and transaction bits. */
  sysFlag: number;
  readonly msgId: string;
  readonly messageCount: number;
  /** Of a batch: the messages in it. */
  readonly messages?: readonly Message[];
  readonly kind: MessageKind;
}

/** Longest text UTF-8 cannot expand beyond the limit; only longer ones are measured. */
const SURELY_SHORT = MAX_PROPERTIES_BYTES / 3;

const invalid = (message: string, context: Record<string, unknown>): ConfigurationError =>
  new ConfigurationError(message, { context });

/** @throws ConfigurationError when nobody may send to the topic. Java: Validators.checkTopic, isNotAllowedSendTopic. */
export function checkSendTopic(topic: unknown): void {
  if (typeof topic !== 'string') throw invalid(`A message needs a topic (a string), got ${typeof topic}.`, {});
  validateTopic(topic);
  if (isNotAllowedSendTopic(topic)) {
    throw invalid(`Topic ${topic} belongs to the broker itself; sending to it is forbidden. Choose another topic.`, {
      topic,
    });
  }
}

/** The body as bytes. @throws ConfigurationError when it is missing, empty or over the limit. Java: Validators.checkMessage. */
export function checkBody(body: unknown, topic: string, maxMessageBytes: number): Buffer {
  const bytes =
    typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.isBuffer(body)
        ? body
        : body instanceof Uint8Array
          ? Buffer.from(body.buffer, body.byteOffset, body.byteLength)
          : undefined;
  if (bytes === undefined) {
    const got = body === null ? 'null' : typeof body;
    throw invalid(
      `The body of a message to topic ${topic} must be a string or bytes, got ${got}. Serialize it first, for example with JSON.stringify.`,
      { topic },
    );
  }
  if (bytes.length === 0) {
    throw invalid(`The body of a message to topic ${topic} is empty; brokers refuse it. Send at least one byte.`, {
      topic,
    });
  }
  if (bytes.length > maxMessageBytes) {
    throw invalid(
      `The body of a message to topic ${topic} has ${bytes.length} bytes, the limit is ${maxMessageBytes}. Send less, or raise maxMessageBytes here and maxMessageSize on the broker.`,
      { topic, bytes: bytes.length, limit: maxMessageBytes },
    );
  }
  return bytes;
}

/**
 * All properties of a message: the user's and those its fields stand for.
 * @throws ConfigurationError on a reserved or malformed name, a malformed value, or more than one kind of delay
 */
export function createProperties(message: OutgoingMessage): Record<string, string> {
  const { topic } = message;
  const result: Record<string, string> = {};
  const own = message.properties;
  for (const name in own) {
    if (ReservedPropertyNames.has(name)) {
      throw invalid(
        `Property ${name} of a message to topic ${topic} is used by RocketMQ itself. Use the message's field for it, or another name.`,
        { topic, property: name },
      );
    }
    result[name] = checkText(own[name], `property ${name}`, topic);
  }
  if (message.tags !== undefined && message.tags !== '')
    result[PropertyName.TAGS] = checkText(message.tags, 'tags', topic);
  const keys =
    typeof message.keys === 'string' || message.keys === undefined ? message.keys : message.keys.join(KEY_SEPARATOR);
  if (keys !== undefined && keys !== '') result[PropertyName.KEYS] = checkText(keys, 'keys', topic);
  if (message.waitStoreOk === false) result[PropertyName.WAIT_STORE_MSG_OK] = 'false';
  if (message.priority !== undefined) {
    if (!Number.isSafeInteger(message.priority) || message.priority < 0) {
      throw invalid(`priority of a message to topic ${topic} must be a whole number >= 0, got ${message.priority}.`, {
        topic,
      });
    }
    result[PropertyName.PRIORITY] = String(message.priority);
  }
  addDelay(message, result);
  if (message.replyTo !== undefined) addReplyAddress(message.replyTo, topic, result);
  return result;
}

/** Java: MessageClientIDSetter.createUniqID, with an IPv4 or an IPv6 address. */
const UNIQUE_ID = /^(?:[0-9A-F]{32}|[0-9A-F]{56})$/;

/** The id that was chosen for a message, else the next one. @throws ConfigurationError when it is none */
export function messageId({ topic, msgId }: OutgoingMessage, next: () => string): string {
  if (msgId === undefined) return next();
  if (UNIQUE_ID.test(msgId)) return msgId;
  throw invalid(
    `msgId of a message to topic ${topic} must be 32 or 56 upper-case hexadecimal digits, got '${msgId}'. Take one from Producer.checkMessage, or leave it out.`,
    { topic },
  );
}

/** A single message, checked but for its topic. @throws ConfigurationError */
export function prepareMessage(
  message: OutgoingMessage,
  shardingKey: string | undefined,
  maxMessageBytes: number,
  msgId: string,
): PreparedMessage {
  const { topic } = message;
  const body = checkBody(message.body, topic, maxMessageBytes);
  const properties = createProperties(message);
  if (shardingKey !== undefined) properties[PropertyName.SHARDING_KEY] = shardingKey;
  properties[PropertyName.UNIQ_KEY] = msgId;
  const kind = message.replyTo !== undefined ? 'reply' : isDelayed(properties) ? 'delay' : 'normal';
  return { topic, body, flag: message.flag ?? 0, properties, sysFlag: 0, msgId, messageCount: 1, kind };
}

/** Java: MessageUtil.createReplyMessage. */
function addReplyAddress(replyTo: ReplyAddress, topic: string, properties: Record<string, string>): void {
  if (isDelayed(properties)) {
    throw invalid(`A reply to topic ${topic} cannot be delayed: somebody waits for it. Send it without a delay.`, {
      topic,
    });
  }
  properties[PropertyName.MESSAGE_TYPE] = 'reply';
  properties[PropertyName.CORRELATION_ID] = checkText(replyTo.correlationId, 'replyTo.correlationId', topic);
  properties[PropertyName.MESSAGE_REPLY_TO_CLIENT] = checkText(replyTo.clientId, 'replyTo.clientId', topic);
  if (replyTo.ttlMs !== undefined) properties[PropertyName.MESSAGE_TTL] = String(replyTo.ttlMs);
}

/** Java: Message.setDelayTimeLevel, setDelayTimeMs, setDeliverTimeMs. */
function addDelay(message: OutgoingMessage, properties: Record<string, string>): void {
  const { topic, delayLevel, delayMs, deliverAt } = message;
  if (delayLevel === undefined && delayMs === undefined && deliverAt === undefined) return;
  const given = Object.entries({ delayLevel, delayMs, deliverAt }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw invalid(
      `A message to topic ${topic} has ${given.map(([name]) => name).join(' and ')}; give one kind of delay.`,
      { topic },
    );
  }
  const [name, value] = given[0]!;
  const number = value instanceof Date ? value.getTime() : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw invalid(`${name} of a message to topic ${topic} must be a whole number >= 0, got ${String(value)}.`, {
      topic,
    });
  }
  if (name === 'deliverAt') properties[PropertyName.TIMER_DELIVER_MS] = String(number);
  // Zero means no delay, so that a computed delay needs no special case.
  else if (number > 0)
    properties[name === 'delayMs' ? PropertyName.TIMER_DELAY_MS : PropertyName.DELAY] = String(number);
}

function checkText(value: unknown, what: string, topic: string): string {
  if (typeof value !== 'string') {
    throw invalid(
      `The ${what} of a message to topic ${topic} must be a string, got ${value === null ? 'null' : typeof value}.`,
      { topic },
    );
  }
  return value;
}

/** Properties that make the broker or the timer hold a message back. */
export function isDelayed(properties: Readonly<Record<string, string>>): boolean {
  return (
    properties[PropertyName.DELAY] !== undefined ||
    properties[PropertyName.TIMER_DELAY_MS] !== undefined ||
    properties[PropertyName.TIMER_DELAY_SEC] !== undefined ||
    properties[PropertyName.TIMER_DELIVER_MS] !== undefined
  );
}

/** The properties' wire text. @throws ConfigurationError when it does not fit into a message */
export function encodeCheckedProperties(properties: Readonly<Record<string, string>>, topic: string): string {
  const text = encodeProperties(properties);
  if (text.length > SURELY_SHORT) {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_PROPERTIES_BYTES) {
      throw invalid(
        `The properties of a message to topic ${topic} have ${bytes} bytes, the limit is ${MAX_PROPERTIES_BYTES}. Move large values into the body.`,
        { topic, bytes, limit: MAX_PROPERTIES_BYTES },
      );
    }
  }
  return text;
}
