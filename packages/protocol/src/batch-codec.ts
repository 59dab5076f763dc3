import { ProtocolError } from './errors.js';
import type { Message } from './message.js';
import { encodeProperties, MAX_PROPERTIES_BYTES } from './properties.js';

/** One message of a batch body; slices of it. */
export interface BatchEntry {
  flag: number;
  body: Buffer;
  propertiesData: Buffer;
}

/** Bytes of a batch entry besides body and properties. */
const BATCH_ENTRY_BYTES = 22;

/**
 * The body of a SEND_BATCH_MESSAGE request: for each message
 * ```
 *  total size int32 │ magic int32 0 │ body CRC int32 0 │ flag int32 │ body length int32 │ body │ properties length int16 │ properties
 * ```
 * Source of truth: `MessageDecoder.encodeMessages`.
 * @throws ProtocolError when a message's properties exceed 32767 bytes
 */
export function encodeBatchBody(messages: readonly Pick<Message, 'body' | 'flag' | 'properties'>[]): Buffer {
  let total = 0;
  const properties = messages.map((message, index) => {
    const data = Buffer.from(encodeProperties(message.properties));
    if (data.length > MAX_PROPERTIES_BYTES) {
      throw new ProtocolError(
        `Properties of message ${index} of the batch have ${data.length} bytes, the limit is ${MAX_PROPERTIES_BYTES}`,
      );
    }
    total += BATCH_ENTRY_BYTES + message.body.length + data.length;
    return data;
  });
  const target = Buffer.allocUnsafe(total);
  let p = 0;
  messages.forEach(({ body, flag = 0 }, index) => {
    const data = properties[index]!;
    p = target.writeInt32BE(BATCH_ENTRY_BYTES + body.length + data.length, p);
    p = target.writeInt32BE(0, p);
    p = target.writeInt32BE(0, p);
    p = target.writeInt32BE(flag, p);
    p = target.writeInt32BE(body.length, p);
    target.set(body, p);
    p = target.writeInt16BE(data.length, p + body.length);
    target.set(data, p);
    p += data.length;
  });
  return target;
}

/** Reads a batch body into slices. @throws ProtocolError naming the entry that is malformed */
export function decodeBatchBody(source: Buffer): BatchEntry[] {
  const entries: BatchEntry[] = [];
  let at = 0;
  while (at < source.length) {
    const fail = (detail: string) => new ProtocolError(`Entry ${entries.length} of the batch body: ${detail}`);
    const available = source.length - at;
    if (available < BATCH_ENTRY_BYTES) throw fail(`${available} bytes left, at least ${BATCH_ENTRY_BYTES} expected`);
    const size = source.readInt32BE(at);
    const bodyBytes = source.readInt32BE(at + 16);
    if (size < BATCH_ENTRY_BYTES || size > available) throw fail(`total size ${size}, ${available} bytes left`);
    if (bodyBytes < 0 || bodyBytes > size - BATCH_ENTRY_BYTES) throw fail(`body of ${bodyBytes} bytes in ${size}`);
    const bodyStart = at + 20;
    const propertiesStart = bodyStart + bodyBytes + 2;
    const propertiesBytes = source.readInt16BE(propertiesStart - 2);
    if (propertiesBytes !== at + size - propertiesStart)
      throw fail(`properties of ${propertiesBytes} bytes in ${size}`);
    entries.push({
      flag: source.readInt32BE(at + 12),
      body: source.subarray(bodyStart, bodyStart + bodyBytes),
      propertiesData: source.subarray(propertiesStart, propertiesStart + propertiesBytes),
    });
    at += size;
  }
  return entries;
}
