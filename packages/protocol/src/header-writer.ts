/**
 * Writes headers of commands byte by byte into memory of the caller: no text is built, no buffer allocated. See command.ts for the two
 * layouts.
 */

import { charCode } from './char-code.js';
import { ProtocolError } from './errors.js';
import { languageCode } from './language.js';

/** What of a command stands in its header. */
export interface CommandHeader {
  readonly code: number;
  readonly language: string;
  readonly version: number;
  readonly opaque: number;
  readonly flag: number;
  readonly remark: string | null;
  readonly extFields: Readonly<Record<string, string>>;
}

/** `target` has too little room. What was written so far means nothing. */
export const NO_ROOM = -1;

/** Bytes a UTF-16 unit may take: as UTF-8, and in JSON, where a control character is spelled `\u0001`. */
const UTF8_EXPANSION = 3;
const JSON_EXPANSION = 6;

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

const JSON_CODE = bytesOf('{"code":');
const JSON_FIELDS = bytesOf(',"extFields":{');
const JSON_FLAG = bytesOf(',"flag":');
const JSON_LANGUAGE = bytesOf(',"language":');
const JSON_OPAQUE = bytesOf(',"opaque":');
const JSON_REMARK = bytesOf(',"remark":');
const JSON_VERSION = bytesOf(',"serializeTypeCurrentRPC":"JSON","version":');
/** The constants above, four integers, and the marks around a language and a remark. */
const JSON_FIXED_BYTES = 160;

/** Quotes, colon and comma of a field. */
const JSON_MARKS = 6;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;

/** How JSON spells the control characters. */
const CONTROL_ESCAPES = Array.from({ length: 0x20 }, (_, char) =>
  bytesOf(JSON.stringify(String.fromCharCode(char)).slice(1, -1)),
);

/** @returns the position after the header, or {@link NO_ROOM} */
export function writeJsonHeader(command: CommandHeader, target: Buffer, start: number): number {
  const { extFields, language, remark } = command;
  const room = target.length - JSON_FIXED_BYTES - JSON_EXPANSION * (language.length + (remark?.length ?? 0));
  if (start > room) return NO_ROOM;
  let at = writeBytes(JSON_CODE, target, start);
  at = writeInteger(command.code, target, at);
  let isFirst = true;
  for (const name in extFields) {
    const value = extFields[name]!;
    if (at + JSON_MARKS + JSON_EXPANSION * (name.length + value.length) > room) return NO_ROOM;
    if (isFirst) at = writeBytes(JSON_FIELDS, target, at);
    else target[at++] = COMMA;
    isFirst = false;
    at = writeQuoted(name, target, at);
    target[at++] = COLON;
    at = writeQuoted(value, target, at);
  }
  if (!isFirst) target[at++] = CLOSING_BRACE;
  at = writeBytes(JSON_FLAG, target, at);
  at = writeInteger(command.flag, target, at);
  at = writeBytes(JSON_LANGUAGE, target, at);
  at = writeQuoted(language, target, at);
  at = writeBytes(JSON_OPAQUE, target, at);
  at = writeInteger(command.opaque, target, at);
  if (remark !== null) {
    at = writeBytes(JSON_REMARK, target, at);
    at = writeQuoted(remark, target, at);
  }
  at = writeBytes(JSON_VERSION, target, at);
  at = writeInteger(command.version, target, at);
  target[at++] = CLOSING_BRACE;
  return at;
}

/**
 * @returns the position after the header, or {@link NO_ROOM}
 * @throws ProtocolError when a field name does not fit its length
 */
export function writeBinaryHeader(command: CommandHeader, target: Buffer, start: number): number {
  const { extFields, remark } = command;
  const room = target.length;
  if (start + 25 + UTF8_EXPANSION * (remark?.length ?? 0) > room) return NO_ROOM;
  target.writeInt16BE(command.code, start);
  target[start + 2] = languageCode(command.language);
  target.writeInt16BE((command.version << 16) >> 16, start + 3);
  target.writeInt32BE(command.opaque, start + 5);
  target.writeInt32BE(command.flag, start + 9);
  const remarkEnd = remark === null ? start + 17 : writeUtf8(remark, target, start + 17);
  target.writeInt32BE(remarkEnd - start - 17, start + 13);
  const fieldsStart = remarkEnd + 4;
  let at = fieldsStart;
  for (const name in extFields) {
    const value = extFields[name]!;
    if (at + 6 + UTF8_EXPANSION * (name.length + value.length) > room) return NO_ROOM;
    const nameEnd = writeUtf8(name, target, at + 2);
    const nameBytes = nameEnd - at - 2;
    if (nameBytes > 0x7fff) {
      throw new ProtocolError(`Malformed command: field name of ${nameBytes} bytes, at most ${0x7fff} fit`);
    }
    target.writeInt16BE(nameBytes, at);
    at = writeUtf8(value, target, nameEnd + 4);
    target.writeInt32BE(at - nameEnd - 4, nameEnd);
  }
  target.writeInt32BE(at - fieldsStart, remarkEnd);
  return at;
}

/** These texts are short: a loop is faster than a call of the native writer, which long ones and foreign letters go to. */
function writeUtf8(text: string, target: Buffer, start: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const char = charCode(text, i);
    if (char > 0x7f) return start + target.write(text, start);
    target[start + i] = char;
  }
  return start + length;
}

/** A text as `JSON.stringify` spells it. */
function writeQuoted(text: string, target: Buffer, start: number): number {
  const { length } = text;
  let at = start;
  target[at++] = QUOTE;
  for (let i = 0; i < length; i++) {
    const char = charCode(text, i);
    if (char > 0x7f) return start + target.write(JSON.stringify(text), start);
    if (char < 0x20) at = writeBytes(CONTROL_ESCAPES[char]!, target, at);
    else {
      if (char === QUOTE || char === BACKSLASH) target[at++] = BACKSLASH;
      target[at++] = char;
    }
  }
  target[at++] = QUOTE;
  return at;
}

/** A 32-bit integer in decimal. */
function writeInteger(value: number, target: Buffer, start: number): number {
  if (value < 0) return writeUtf8(String(value), target, start);
  let end = start + 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++;
  let rest = value;
  for (let at = end - 1; at >= start; at--) {
    const tens = (rest / 10) | 0;
    target[at] = 48 + rest - 10 * tens;
    rest = tens;
  }
  return end;
}

/** A loop: `target.set` costs more than these few bytes. */
function writeBytes(bytes: Uint8Array, target: Buffer, start: number): number {
  for (let i = 0; i < bytes.length; i++) target[start + i] = bytes[i]!;
  return start + bytes.length;
}
