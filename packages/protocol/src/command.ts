/**
 * A remoting command: the frame that carries every request and response.
 *
 * ```
 *  0               4               8                       8+H                  4+total
 *  ├ total (int32) ┼ type │ H 24bit┼ header (H bytes)       ┼ body (0…n bytes)  ┤
 *                    type: 0 JSON, 1 ROCKETMQ; total counts everything after itself
 * ```
 *
 * JSON header, UTF-8: `{"code":10,"extFields":{…},"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":513}`
 * (`remark` and `extFields` only when there are any).
 *
 * ROCKETMQ header, big endian:
 * ```
 *  code int16 │ language int8 │ version int16 │ opaque int32 │ flag int32
 *  │ remark length int32 │ remark │ extFields length int32 │ { key length int16 │ key │ value length int32 │ value } *
 * ```
 *
 * Source of truth: `RemotingCommand` and `RocketMQSerializable` (rocketmq-remoting).
 */

import { requestCodeName } from './codes.js';
import { ProtocolError } from './errors.js';
import { encodeFields, type FieldInput, type FieldMap, type FieldTable } from './field.js';
import { NO_ROOM, writeBinaryHeader, writeJsonHeader } from './header-writer.js';
import { languageName } from './language.js';
import { CURRENT_VERSION } from './version.js';

export const SerializeType = { JSON: 0, ROCKETMQ: 1 } as const;
export type SerializeType = (typeof SerializeType)[keyof typeof SerializeType];

/** Bits of `flag`. */
export const CommandFlag = {
  /** This is an answer; `opaque` is the request's. */
  RESPONSE: 1,
  /** The sender does not wait for an answer. */
  ONEWAY: 2,
} as const;

export interface RemotingCommand {
  /** `RequestCode` in a request, `ResponseCode` in a response. */
  code: number;
  /** The sender's library: `JAVA`, `GO`, `NODE_JS`, … Java: `LanguageCode`. */
  language: string;
  /** The sender's version. Java: ordinal of `MQVersion.Version`. */
  version: number;
  /** Correlates a response with its request; chosen by the requester, unique per connection while in flight. */
  opaque: number;
  /** Bits of {@link CommandFlag}. */
  flag: number;
  /** The reason when a response is not a success. */
  remark: string | null;
  /** Header fields as texts. Read them with `decodeFields`. */
  extFields: Record<string, string>;
  /** Decoded: one slice of the frame or null. To be encoded: also several buffers, which are not copied. */
  body: Buffer | Buffer[] | null;
  /** How the header is spelled. A response is spelled like its request. */
  serializeType: SerializeType;
}

/** A command that came from the wire. */
export interface DecodedCommand extends RemotingCommand {
  body: Buffer | null;
}

/** One row of the request table. */
export interface RequestDefinition<F extends FieldMap = FieldMap, R extends FieldMap = FieldMap> {
  readonly code: number;
  /** Java's constant in `RequestCode`. */
  readonly name: string;
  readonly fields: FieldTable<F>;
  /** Fields of a successful response. */
  readonly response: FieldTable<R>;
}

/** The header length field has 24 bits. */
const MAX_HEADER_BYTES = 0xff_ffff;
/** Bytes of a ROCKETMQ header with neither remark nor fields. */
const BINARY_HEADER_BYTES = 21;
/** Enough for nearly all lengths and headers, also when every letter of theirs were escaped. */
const USUAL_HEAD_BYTES = 2048;

export function isResponse(command: RemotingCommand): boolean {
  return (command.flag & CommandFlag.RESPONSE) !== 0;
}

export function isOneway(command: RemotingCommand): boolean {
  return (command.flag & CommandFlag.ONEWAY) !== 0;
}

/**
 * A request with opaque 0 (the connection assigns the real one) and a JSON header.
 * @throws ProtocolError when a required field is missing or a number is out of range
 */
export function createRequest<F extends FieldMap>(
  definition: RequestDefinition<F, FieldMap>,
  fields: FieldInput<F>,
  body: Buffer | Buffer[] | null = null,
): RemotingCommand {
  return {
    code: definition.code,
    language: 'NODE_JS',
    version: CURRENT_VERSION,
    opaque: 0,
    flag: 0,
    remark: null,
    extFields: encodeFields(definition.fields, fields, definition.name),
    body,
    serializeType: SerializeType.JSON,
  };
}

/** The answer to `request`: same opaque, same header spelling. `fields` are texts (`encodeFields(definition.response, …)`). */
export function createResponse(
  request: Pick<RemotingCommand, 'opaque' | 'serializeType'>,
  code: number,
  remark: string | null = null,
  fields: Record<string, string> = {},
  body: Buffer | Buffer[] | null = null,
): RemotingCommand {
  return {
    code,
    language: 'NODE_JS',
    version: CURRENT_VERSION,
    opaque: request.opaque,
    flag: CommandFlag.RESPONSE,
    remark,
    extFields: fields,
    body,
    serializeType: request.serializeType,
  };
}

/**
 * The whole frame, total length included: one buffer for lengths and header, then the body's buffers as they are
 * (not copied: do not change them before they are written).
 * @throws ProtocolError when the header exceeds 16 MiB or a value does not fit the ROCKETMQ spelling
 */
export function encodeCommand(command: RemotingCommand): Buffer[] {
  const { body } = command;
  let head = Buffer.allocUnsafe(USUAL_HEAD_BYTES);
  let end = writeFrameHead(command, head, 0);
  while (end === NO_ROOM) {
    head = Buffer.allocUnsafe(4 * head.length);
    end = writeFrameHead(command, head, 0);
  }
  head = head.subarray(0, end);
  if (body === null || bodyLength(body) === 0) return [head];
  return Array.isArray(body) ? [head, ...body] : [head, body];
}

/**
 * Writes what stands before a frame's body, total length included, for callers who gather frames in memory of their own. The body has to
 * follow.
 * @returns the position after it, or -1 when `target` has too little room: up to six times the bytes that are written
 * @throws ProtocolError as {@link encodeCommand}
 */
export function writeFrameHead(command: RemotingCommand, target: Buffer, at: number): number {
  const start = at + 8;
  const { serializeType } = command;
  let end: number;
  if (serializeType === SerializeType.ROCKETMQ) {
    checkBinaryCode(command);
    end = writeBinaryHeader(command, target, start);
  } else end = writeJsonHeader(command, target, start);
  if (end === NO_ROOM) return NO_ROOM;
  const headerBytes = end - start;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ProtocolError(
      `The header of ${describe(command)} has ${headerBytes} bytes, the limit is ${MAX_HEADER_BYTES}: shorten the properties`,
      { context: { code: command.code, headerBytes } },
    );
  }
  target.writeInt32BE(4 + headerBytes + (command.body === null ? 0 : bodyLength(command.body)), at);
  target.writeInt32BE((serializeType << 24) | headerBytes, at + 4);
  return end;
}

function bodyLength(body: Buffer | Buffer[]): number {
  if (!Array.isArray(body)) return body.length;
  let bytes = 0;
  for (const part of body) bytes += part.length;
  return bytes;
}

/**
 * Reads a frame that starts at the header length (the leading total length already taken off).
 * The body is a slice of `frame`.
 * @throws ProtocolError when the bytes are not a command
 */
export function decodeCommand(frame: Buffer): DecodedCommand {
  if (frame.length < 4) throw malformed(`frame of ${frame.length} bytes, at least 4 expected`);
  const type = frame[0]!;
  const headerBytes = frame.readUIntBE(1, 3);
  const end = 4 + headerBytes;
  if (end > frame.length) {
    throw malformed(`header length ${headerBytes} exceeds the ${frame.length - 4} bytes that follow it`);
  }
  const body = frame.length > end ? frame.subarray(end) : null;
  if (type === SerializeType.JSON) return decodeJson(frame, end, body);
  if (type === SerializeType.ROCKETMQ) return decodeBinary(frame, end, body);
  throw malformed(
    `serialize type ${type}, expected 0 (JSON) or 1 (ROCKETMQ): the peer may not speak RocketMQ's protocol`,
  );
}

function decodeJson(frame: Buffer, end: number, body: Buffer | null): DecodedCommand {
  let header: unknown;
  try {
    header = JSON.parse(frame.toString('utf8', 4, end));
  } catch (cause) {
    throw malformed('header is not JSON', cause);
  }
  if (typeof header !== 'object' || header === null) throw malformed('header is not a JSON object');
  const { code, language, version = 0, opaque, flag, remark, extFields } = header as Record<string, unknown>;
  return {
    code: integer('code', code),
    language: typeof language === 'string' ? language : 'OTHER',
    version: integer('version', version),
    opaque: integer('opaque', opaque),
    flag: integer('flag', flag),
    remark: remark === undefined || remark === null ? null : String(remark),
    extFields: textFields(extFields),
    body,
    serializeType: SerializeType.JSON,
  };
}

function integer(name: string, value: unknown): number {
  if (typeof value === 'number' && value === (value | 0)) return value;
  throw malformed(`header field ${name} is ${JSON.stringify(value)}, expected a 32-bit integer`);
}

/** Some clients write numbers and booleans where Java writes texts; nulls mean absent. */
function textFields(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed('header field extFields is not an object');
  const fields = value as Record<string, unknown>;
  for (const name in fields) {
    const field = fields[name];
    if (typeof field === 'string') continue;
    if (field === null) delete fields[name];
    else fields[name] = typeof field === 'object' ? JSON.stringify(field) : String(field);
  }
  return fields as Record<string, string>;
}

function checkBinaryCode(command: RemotingCommand): void {
  const { code } = command;
  if (code === (code << 16) >> 16) return;
  throw new ProtocolError(
    `${describe(command)} does not fit a ROCKETMQ header, whose code has 16 bits: send it with serializeType JSON`,
    { context: { code } },
  );
}

function decodeBinary(frame: Buffer, end: number, body: Buffer | null): DecodedCommand {
  if (end < 4 + BINARY_HEADER_BYTES) {
    throw malformed(`ROCKETMQ header of ${end - 4} bytes, at least ${BINARY_HEADER_BYTES} expected`);
  }
  const remarkBytes = frame.readInt32BE(17);
  let at = 21;
  // The four bytes are the length of extFields, which follows the remark.
  if (remarkBytes < 0 || remarkBytes > end - at - 4) throw outside('remark', remarkBytes, end - at - 4);
  const remark = remarkBytes === 0 ? null : frame.toString('utf8', at, at + remarkBytes);
  at += remarkBytes;
  const fieldBytes = frame.readInt32BE(at);
  at += 4;
  if (fieldBytes < 0 || fieldBytes > end - at) throw outside('extFields', fieldBytes, end - at);
  return {
    code: frame.readInt16BE(4),
    language: languageName(frame[6]!),
    version: frame.readInt16BE(7),
    opaque: frame.readInt32BE(9),
    flag: frame.readInt32BE(13),
    remark,
    extFields: decodeBinaryFields(frame, at, at + fieldBytes),
    body,
    serializeType: SerializeType.ROCKETMQ,
  };
}

function decodeBinaryFields(frame: Buffer, start: number, end: number): Record<string, string> {
  const fields: Record<string, string> = {};
  // One text to cut the others from takes half the time of reading each.
  const letters = isShortAscii(frame, start, end) ? frame.toString('latin1', start, end) : null;
  const text = (from: number, to: number): string =>
    letters === null ? frame.toString('utf8', from, to) : letters.slice(from - start, to - start);
  let at = start;
  while (at < end) {
    if (end - at < 2) throw outside('a field name length', 2, end - at);
    const nameBytes = frame.readInt16BE(at);
    at += 2;
    if (nameBytes < 0 || nameBytes > end - at - 4) throw outside('a field name', nameBytes, end - at - 4);
    const name = text(at, at + nameBytes);
    at += nameBytes;
    const valueBytes = frame.readInt32BE(at);
    at += 4;
    if (valueBytes < 0 || valueBytes > end - at) throw outside(`the value of field ${name}`, valueBytes, end - at);
    fields[name] = text(at, at + valueBytes);
    at += valueBytes;
  }
  return fields;
}

/** Short, because a text that is cut from another keeps all of it in memory. */
function isShortAscii(frame: Buffer, start: number, end: number): boolean {
  if (end - start > 4096) return false;
  for (let at = start; at < end; at++) if (frame[at]! > 0x7f) return false;
  return true;
}

function describe(command: RemotingCommand): string {
  return isResponse(command) ? `Response ${command.code}` : `Request ${requestCodeName(command.code)}`;
}

function malformed(detail: string, cause?: unknown): ProtocolError {
  return new ProtocolError(`Malformed command: ${detail}`, { cause });
}

function outside(what: string, bytes: number, available: number): ProtocolError {
  return malformed(`${what} of ${bytes} bytes in a ROCKETMQ header, ${Math.max(available, 0)} bytes are left`);
}
