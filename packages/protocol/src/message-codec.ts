/**
 * The layout of a stored message: the same bytes in the commit log, in pull responses and in replication.
 *
 * ```
 *   0  total size            int32   everything, this field included
 *   4  magic                 int32   0xDAA320A7 (v1) │ 0xDAA320AB (v2) │ 0xCBD43194 blank: end of a commit log file
 *   8  body CRC              int32   CRC-32 & 0x7FFFFFFF of the body as stored
 *  12  queue id              int32
 *  16  flag                  int32   the application's
 *  20  queue offset          int64   known only when appended
 *  28  commit log offset     int64   known only when appended
 *  36  sys flag              int32   MessageSysFlag; decides the sizes of the two hosts
 *  40  born timestamp        int64
 *  48  born host             4│16 address bytes, port int32
 *  B   store timestamp       int64   B = 56 │ 68
 *  +8  store host            4│16 address bytes, port int32
 *  S   reconsume times       int32   S = 72 │ 84 │ 96
 *  +4  prepared transaction  int64
 * +12  body length           int32
 * +16  body
 *      topic length          int8 (v1) │ int16 (v2, topics longer than 127 bytes)
 *      topic                 UTF-8
 *      properties length     int16
 *      properties            UTF-8, see properties.ts
 * ```
 *
 * With `enabledAppendPropCRC` (off by default) the properties end in `__CRC32#\x01<10 digits>\x02`; to the decoder that is one
 * more property.
 *
 * Source of truth: `MessageDecoder` (rocketmq-common), `MessageExtEncoder` and `CommitLog` (rocketmq-store).
 */

import { crc32 } from './crc32.js';
import { CorruptError, ProtocolError } from './errors.js';
import { type Host, IPV4_HOST_BYTES, IPV6_HOST_BYTES, isIPv6, readHost, writeHost } from './host.js';
import { readInt64, writeInt64 } from './int64.js';
import { LatestHost, LatestText } from './latest.js';
import type { MessageExt } from './message.js';
import { OffsetMsgIds } from './message-id.js';
import { decodeProperties, encodeProperties, MAX_PROPERTIES_BYTES, PropertyName } from './properties.js';
import { MessageSysFlag } from './sys-flag.js';

/** Java: `MessageDecoder.MESSAGE_MAGIC_CODE`; topics up to 127 bytes. */
export const MESSAGE_MAGIC_V1 = -626_843_481;
/** Java: `MessageDecoder.MESSAGE_MAGIC_CODE_V2`; topics up to 32767 bytes. */
export const MESSAGE_MAGIC_V2 = -626_843_477;
/** Java: `MessageDecoder.BLANK_MAGIC_CODE`: total size and this fill the end of a commit log file. */
export const BLANK_MAGIC = -875_286_124;

const POSITION = {
  totalSize: 0,
  magic: 4,
  bodyCrc: 8,
  queueId: 12,
  flag: 16,
  queueOffset: 20,
  commitLogOffset: 28,
  sysFlag: 36,
  bornTimestamp: 40,
  bornHost: 48,
} as const;

/** Bytes of a stored message besides hosts, body, topic and properties (v1). */
const FIXED_BYTES = 75;
/** The smallest message: IPv4 hosts, empty topic. */
const MIN_BYTES = FIXED_BYTES + 2 * IPV4_HOST_BYTES;
const MAX_TOPIC_BYTES_V1 = 127;

/** What `encodeStoredMessage` writes. */
export interface StoredMessageInput {
  topic: string | Buffer;
  body: Buffer;
  flag: number;
  /** Encoded properties, at most 32767 bytes. */
  propertiesData: Buffer;
  queueId: number;
  queueOffset: number;
  commitLogOffset: number;
  /** The two IPv6 bits are set from the hosts. */
  sysFlag: number;
  bornTimestamp: number;
  bornHost: Host;
  storeTimestamp: number;
  storeHost: Host;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  /** Computed when absent. */
  bodyCrc?: number;
  /** Default: 1, or 2 when the topic needs it. */
  version?: 1 | 2;
}

/** Bytes that `encodeStoredMessage` will write. Java: `MessageExtEncoder.calMsgLength`. */
export function storedMessageSize(message: StoredMessageInput): number {
  const topicBytes = topicLength(message.topic);
  return (
    FIXED_BYTES +
    hostBytes(isIPv6(message.bornHost.address)) +
    hostBytes(isIPv6(message.storeHost.address)) +
    message.body.length +
    (messageVersion(message, topicBytes) - 1) +
    topicBytes +
    message.propertiesData.length
  );
}

/**
 * Writes one message into `target` at `at`; body and properties are copied exactly once.
 * @returns the bytes written
 * @throws ProtocolError when topic or properties are too long for their length fields, or `target` is too small
 */
export function encodeStoredMessage(message: StoredMessageInput, target: Buffer, at: number): number {
  const { body, bornHost, storeHost, propertiesData, topic } = message;
  const topicBytes = topicLength(topic);
  const version = messageVersion(message, topicBytes);
  if (topicBytes > (version === 1 ? MAX_TOPIC_BYTES_V1 : 0x7fff)) {
    throw new ProtocolError(`Topic of ${topicBytes} bytes does not fit a message of version ${version}`);
  }
  if (propertiesData.length > MAX_PROPERTIES_BYTES) {
    throw new ProtocolError(
      `Properties of ${propertiesData.length} bytes exceed the limit of ${MAX_PROPERTIES_BYTES} bytes per message`,
      { context: { bytes: propertiesData.length, limit: MAX_PROPERTIES_BYTES } },
    );
  }
  const size = storedMessageSize(message);
  if (at + size > target.length) {
    throw new ProtocolError(`Message of ${size} bytes does not fit the ${target.length - at} bytes of its buffer`);
  }

  let sysFlag = message.sysFlag & ~(MessageSysFlag.BORNHOST_V6 | MessageSysFlag.STOREHOST_V6);
  if (isIPv6(bornHost.address)) sysFlag |= MessageSysFlag.BORNHOST_V6;
  if (isIPv6(storeHost.address)) sysFlag |= MessageSysFlag.STOREHOST_V6;

  target.writeInt32BE(size, at);
  target.writeInt32BE(version === 1 ? MESSAGE_MAGIC_V1 : MESSAGE_MAGIC_V2, at + POSITION.magic);
  target.writeInt32BE(message.bodyCrc ?? crc32(body), at + POSITION.bodyCrc);
  target.writeInt32BE(message.queueId, at + POSITION.queueId);
  target.writeInt32BE(message.flag, at + POSITION.flag);
  writeInt64(message.queueOffset, target, at + POSITION.queueOffset);
  writeInt64(message.commitLogOffset, target, at + POSITION.commitLogOffset);
  target.writeInt32BE(sysFlag, at + POSITION.sysFlag);
  writeInt64(message.bornTimestamp, target, at + POSITION.bornTimestamp);
  let p = at + POSITION.bornHost;
  p += writeHost(bornHost, target, p);
  p = writeInt64(message.storeTimestamp, target, p);
  p += writeHost(storeHost, target, p);
  p = target.writeInt32BE(message.reconsumeTimes, p);
  p = writeInt64(message.preparedTransactionOffset, target, p);
  p = target.writeInt32BE(body.length, p);
  target.set(body, p);
  p += body.length;
  p = version === 1 ? target.writeInt8(topicBytes, p) : target.writeInt16BE(topicBytes, p);
  if (typeof topic === 'string') target.write(topic, p);
  else target.set(topic, p);
  p += topicBytes;
  p = target.writeInt16BE(propertiesData.length, p);
  target.set(propertiesData, p);
  return size;
}

/**
 * Readers at fixed positions, for scanning without decoding. `at` is where the message starts.
 * They check nothing: call `checkStoredMessage` first when the bytes may be damaged.
 */
export const readStored = {
  totalSize: (source: Buffer, at: number): number => source.readInt32BE(at),
  magic: (source: Buffer, at: number): number => source.readInt32BE(at + POSITION.magic),
  bodyCrc: (source: Buffer, at: number): number => source.readInt32BE(at + POSITION.bodyCrc),
  queueId: (source: Buffer, at: number): number => source.readInt32BE(at + POSITION.queueId),
  flag: (source: Buffer, at: number): number => source.readInt32BE(at + POSITION.flag),
  queueOffset: (source: Buffer, at: number): number => readInt64(source, at + POSITION.queueOffset),
  commitLogOffset: (source: Buffer, at: number): number => readInt64(source, at + POSITION.commitLogOffset),
  sysFlag: (source: Buffer, at: number): number => source.readInt32BE(at + POSITION.sysFlag),
  bornTimestamp: (source: Buffer, at: number): number => readInt64(source, at + POSITION.bornTimestamp),
  bornHost: (source: Buffer, at: number): Host =>
    readHost(source, at + POSITION.bornHost, hasBornHostV6(readStored.sysFlag(source, at))),
  storeTimestamp: (source: Buffer, at: number): number => readInt64(source, at + storeTimestampPosition(source, at)),
  storeHost: (source: Buffer, at: number): Host =>
    readHost(source, at + storeTimestampPosition(source, at) + 8, hasStoreHostV6(readStored.sysFlag(source, at))),
  reconsumeTimes: (source: Buffer, at: number): number => source.readInt32BE(at + tailPosition(source, at)),
  preparedTransactionOffset: (source: Buffer, at: number): number =>
    readInt64(source, at + tailPosition(source, at) + 4),
  bodyLength: (source: Buffer, at: number): number => source.readInt32BE(at + tailPosition(source, at) + 12),
  /** The id `encodeOffsetMsgId` makes of store host and commit log offset, straight from their bytes. */
  offsetMsgId: (source: Buffer, at: number): string => {
    const host = at + storeTimestampPosition(source, at) + 8;
    const hostEnd = host + hostBytes(hasStoreHostV6(readStored.sysFlag(source, at)));
    const offset = at + POSITION.commitLogOffset;
    return (source.toString('hex', host, hostEnd) + source.toString('hex', offset, offset + 8)).toUpperCase();
  },
  /** A slice. */
  body: (source: Buffer, at: number): Buffer => {
    const start = at + tailPosition(source, at) + 16;
    return source.subarray(start, start + source.readInt32BE(start - 4));
  },
  /** A slice. */
  topicData: (source: Buffer, at: number): Buffer => {
    const start = topicPosition(source, at);
    return source.subarray(start, start + topicLengthBefore(source, at, start));
  },
  topic: (source: Buffer, at: number): string => {
    const start = topicPosition(source, at);
    return source.toString('utf8', start, start + topicLengthBefore(source, at, start));
  },
  /** The encoded properties, a slice. */
  propertiesData: (source: Buffer, at: number): Buffer => {
    const topicStart = topicPosition(source, at);
    const start = topicStart + topicLengthBefore(source, at, topicStart) + 2;
    return source.subarray(start, start + source.readInt16BE(start - 2));
  },
} as const;

/** Setters for what is known only when the message is appended. */
export const patchStored = {
  queueId: (target: Buffer, at: number, value: number): void => {
    target.writeInt32BE(value, at + POSITION.queueId);
  },
  queueOffset: (target: Buffer, at: number, value: number): void => {
    writeInt64(value, target, at + POSITION.queueOffset);
  },
  commitLogOffset: (target: Buffer, at: number, value: number): void => {
    writeInt64(value, target, at + POSITION.commitLogOffset);
  },
  storeTimestamp: (target: Buffer, at: number, value: number): void => {
    writeInt64(value, target, at + storeTimestampPosition(target, at));
  },
} as const;

export interface CheckOptions {
  /** Also compare the body with its CRC; default false. */
  readonly checkCrc?: boolean;
}

/**
 * Checks that a whole, well-formed message starts at `at`, so that every reader of `readStored` is safe.
 * @returns the message's total size
 * @throws ProtocolError when the bytes are not a message; CorruptError when the body does not match its CRC
 */
export function checkStoredMessage(source: Buffer, at = 0, options: CheckOptions = {}): number {
  const available = source.length - at;
  if (available < MIN_BYTES) throw notAMessage(at, `${available} bytes left, at least ${MIN_BYTES} expected`);
  const size = source.readInt32BE(at);
  if (size < MIN_BYTES || size > available) throw notAMessage(at, `total size ${size}, ${available} bytes left`);
  const magic = readStored.magic(source, at);
  if (magic !== MESSAGE_MAGIC_V1 && magic !== MESSAGE_MAGIC_V2) {
    throw notAMessage(at, `magic 0x${(magic >>> 0).toString(16)}`);
  }
  const end = at + size;
  const bodyStart = at + tailPosition(source, at) + 16;
  if (bodyStart > end) throw notAMessage(at, `total size ${size} is too small for its header`);
  const bodyBytes = source.readInt32BE(bodyStart - 4);
  const topicLengthBytes = magic === MESSAGE_MAGIC_V1 ? 1 : 2;
  if (bodyBytes < 0 || bodyBytes > end - bodyStart - topicLengthBytes - 2) {
    throw notAMessage(at, `body of ${bodyBytes} bytes in a message of ${size}`);
  }
  const topicStart = bodyStart + bodyBytes + topicLengthBytes;
  const topicBytes = topicLengthBefore(source, at, topicStart);
  if (topicBytes < 0 || topicBytes > end - topicStart - 2) {
    throw notAMessage(at, `topic of ${topicBytes} bytes in a message of ${size}`);
  }
  const propertiesStart = topicStart + topicBytes + 2;
  const propertiesBytes = source.readInt16BE(propertiesStart - 2);
  if (propertiesBytes < 0 || propertiesBytes !== end - propertiesStart) {
    throw notAMessage(at, `properties of ${propertiesBytes} bytes where ${end - propertiesStart} remain`);
  }
  if (options.checkCrc) {
    const expected = readStored.bodyCrc(source, at);
    const actual = crc32(source.subarray(bodyStart, bodyStart + bodyBytes));
    if (actual !== expected) {
      throw new CorruptError(
        `Body of the message at commit log offset ${readStored.commitLogOffset(source, at)} is damaged: CRC ${actual}, stored ${expected}`,
        { context: { commitLogOffset: readStored.commitLogOffset(source, at), expected, actual } },
      );
    }
  }
  return size;
}

export interface DecodeOptions extends CheckOptions {
  /** Default true; false leaves the body empty. */
  readonly readBody?: boolean;
  /** Unpacks bodies that have the COMPRESSED bit, which is then cleared; without it such bodies stay packed. */
  readonly decompress?: (body: Buffer, sysFlag: number) => Buffer;
}

/**
 * Decodes the message at `at`; the body is a slice of `source`.
 * @throws ProtocolError when the bytes are not a message; CorruptError when `checkCrc` fails
 */
export function decodeMessage(source: Buffer, at = 0, options: DecodeOptions = {}): MessageExt {
  return new MessageReader(source, options).read(at);
}

/** Decodes concatenated messages, as a pull response carries them. @throws as `decodeMessage` */
export function decodeMessages(source: Buffer, options: DecodeOptions = {}): MessageExt[] {
  const reader = new MessageReader(source, options);
  const messages: MessageExt[] = [];
  for (let at = 0; at < source.length; at += messages.at(-1)!.storeSize) messages.push(reader.read(at));
  return messages;
}

/** Reads messages that stand in one buffer. Neighbours usually have their topic, hosts and most of their ids in common: these are made once. */
class MessageReader {
  readonly #source: Buffer;
  readonly #options: DecodeOptions;
  readonly #bornHosts: LatestHost;
  readonly #storeHosts: LatestHost;
  readonly #ids = new OffsetMsgIds();
  readonly #topics: LatestText;

  constructor(source: Buffer, options: DecodeOptions) {
    this.#source = source;
    this.#options = options;
    this.#bornHosts = new LatestHost(source);
    this.#storeHosts = new LatestHost(source);
    this.#topics = new LatestText(source);
  }

  read(at: number): MessageExt {
    const source = this.#source;
    const { readBody, decompress } = this.#options;
    const storeSize = checkStoredMessage(source, at, this.#options);
    let sysFlag = readStored.sysFlag(source, at);
    const bornHost = this.#bornHosts.at(at + POSITION.bornHost, hasBornHostV6(sysFlag));
    const storeTimestampStart = at + storeTimestampPosition(source, at);
    const storeHost = this.#storeHosts.at(storeTimestampStart + 8, hasStoreHostV6(sysFlag));
    const tail = at + tailPosition(source, at);
    const topicStart = topicPosition(source, at);
    const topicBytes = topicLengthBefore(source, at, topicStart);
    const commitLogOffset = readStored.commitLogOffset(source, at);

    let body = readBody === false ? Buffer.alloc(0) : readStored.body(source, at);
    if (body.length > 0 && (sysFlag & MessageSysFlag.COMPRESSED) !== 0 && decompress !== undefined) {
      body = decompress(body, sysFlag);
      sysFlag &= ~MessageSysFlag.COMPRESSED;
    }
    const properties = decodeProperties(source.toString('utf8', topicStart + topicBytes + 2, at + storeSize));
    const offsetMsgId = this.#ids.of(storeHost, commitLogOffset);
    return {
      topic: this.#topics.at(topicStart, topicBytes),
      body,
      flag: readStored.flag(source, at),
      properties,
      queueId: readStored.queueId(source, at),
      queueOffset: readStored.queueOffset(source, at),
      commitLogOffset,
      storeSize,
      bodyCrc: readStored.bodyCrc(source, at),
      sysFlag,
      bornTimestamp: readStored.bornTimestamp(source, at),
      bornHost,
      storeTimestamp: readInt64(source, storeTimestampStart),
      storeHost,
      reconsumeTimes: source.readInt32BE(tail),
      preparedTransactionOffset: readInt64(source, tail + 4),
      msgId: properties[PropertyName.UNIQ_KEY] ?? offsetMsgId,
      offsetMsgId,
    };
  }
}

/** The stored layout of one decoded message, for requests that carry a message. Java: `MessageDecoder.encode`. */
export function encodeMessage(message: MessageExt): Buffer {
  const input: StoredMessageInput = {
    ...message,
    propertiesData: Buffer.from(encodeProperties(message.properties)),
  };
  const target = Buffer.allocUnsafe(storedMessageSize(input));
  encodeStoredMessage(input, target, 0);
  return target;
}

function topicLength(topic: string | Buffer): number {
  return typeof topic === 'string' ? Buffer.byteLength(topic) : topic.length;
}

function messageVersion(message: StoredMessageInput, topicBytes: number): 1 | 2 {
  return message.version ?? (topicBytes > MAX_TOPIC_BYTES_V1 ? 2 : 1);
}

function hasBornHostV6(sysFlag: number): boolean {
  return (sysFlag & MessageSysFlag.BORNHOST_V6) !== 0;
}

function hasStoreHostV6(sysFlag: number): boolean {
  return (sysFlag & MessageSysFlag.STOREHOST_V6) !== 0;
}

function hostBytes(ipv6: boolean): number {
  return ipv6 ? IPV6_HOST_BYTES : IPV4_HOST_BYTES;
}

/** Relative to the message's start, as is `tailPosition`. */
function storeTimestampPosition(source: Buffer, at: number): number {
  return POSITION.bornHost + hostBytes(hasBornHostV6(readStored.sysFlag(source, at)));
}

/** Where reconsume times, prepared transaction offset and body length follow. */
function tailPosition(source: Buffer, at: number): number {
  const sysFlag = readStored.sysFlag(source, at);
  return POSITION.bornHost + hostBytes(hasBornHostV6(sysFlag)) + 8 + hostBytes(hasStoreHostV6(sysFlag));
}

/** Absolute position of the topic's first byte. */
function topicPosition(source: Buffer, at: number): number {
  const bodyStart = at + tailPosition(source, at) + 16;
  return bodyStart + source.readInt32BE(bodyStart - 4) + (readStored.magic(source, at) === MESSAGE_MAGIC_V1 ? 1 : 2);
}

function topicLengthBefore(source: Buffer, at: number, topicStart: number): number {
  return readStored.magic(source, at) === MESSAGE_MAGIC_V1
    ? source.readInt8(topicStart - 1)
    : source.readInt16BE(topicStart - 2);
}

function notAMessage(at: number, detail: string): ProtocolError {
  return new ProtocolError(`No message at position ${at}: ${detail}`, { context: { position: at } });
}
