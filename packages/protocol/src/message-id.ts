/**
 * The two ids of a message.
 *
 * Unique id, made by the producer before sending (`MessageClientIDSetter`, property UNIQ_KEY):
 * ```
 *  address 4|16 │ pid 2 │ instance 4 │ ms since month start 4 │ counter 2     → 32 or 56 hex digits, upper case
 * ```
 * Offset id, made by the broker (`MessageDecoder.createMessageId`); says where the message is stored:
 * ```
 *  address 4|16 │ port 4 │ commit log offset 8                                → 32 or 56 hex digits, upper case
 * ```
 */

import { ProtocolError } from './errors.js';
import {
  type Host,
  IPV4_HOST_BYTES,
  IPV6_HOST_BYTES,
  isIPv6,
  readHost,
  readIPv4,
  readIPv6,
  writeAddress,
  writeHost,
} from './host.js';
import { readInt64, writeInt64 } from './int64.js';

export interface UniqueIdOptions {
  /** This machine's IP address, IPv4 or IPv6. */
  readonly address: string;
  /** Process id; the lower 16 bits are used. */
  readonly pid: number;
  /** Tells generators within one process apart (Java: the class loader's hash); 32 bits. */
  readonly instance: number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** Makes unique ids; unique while fewer than 65536 are made per millisecond. */
export class UniqueIdGenerator {
  readonly #prefix: string;
  readonly #now: () => number;
  #monthStart = 0;
  #nextMonth = 0;
  #millis = Number.NaN;
  #time = '';
  #counter = 0;

  constructor(options: UniqueIdOptions) {
    const bytes = Buffer.alloc(isIPv6(options.address) ? 22 : 10);
    const at = writeAddress(options.address, bytes, 0);
    bytes.writeUInt16BE(options.pid & 0xffff, at);
    bytes.writeUInt32BE(options.instance >>> 0, at + 2);
    this.#prefix = upperHex(bytes);
    this.#now = options.now ?? Date.now;
  }

  next(): string {
    const now = this.#now();
    if (now !== this.#millis) this.#setTime(now);
    const counter = this.#counter;
    this.#counter = (counter + 1) & 0xffff;
    return this.#prefix + this.#time + hex(counter, 4);
  }

  #setTime(now: number): void {
    if (now >= this.#nextMonth) {
      this.#monthStart = monthStart(now, 0);
      this.#nextMonth = monthStart(now, 1);
    }
    // A clock set back a little (NTP) must not make a huge number of it.
    const span = now - this.#monthStart;
    this.#time = hex(span < 0 && span > -1_000_000 ? 0 : span, 8);
    this.#millis = now;
  }
}

/**
 * When a unique id was made, in milliseconds since 1970, assuming it is at most a month old: the id counts from the start
 * of a month in the maker's time zone. Java: `MessageClientIDSetter.getNearlyTimeFromID`.
 * @throws ProtocolError when it is not a unique id
 */
export function uniqueIdTime(id: string, now: number): number {
  const bytes = hexBytes(id, 'unique message id');
  const span = bytes.readUInt32BE(bytes.length - 6);
  const time = monthStart(now, 0) + span;
  return time >= now ? monthStart(now, -1) + span : time;
}

/** The address in a unique id. @throws ProtocolError when it is not a unique id */
export function uniqueIdAddress(id: string): string {
  const bytes = hexBytes(id, 'unique message id');
  return bytes.length === 28 ? readIPv6(bytes, 0) : readIPv4(bytes, 0);
}

export function encodeOffsetMsgId(storeHost: Host, commitLogOffset: number): string {
  const bytes = Buffer.allocUnsafe(8 + (isIPv6(storeHost.address) ? IPV6_HOST_BYTES : IPV4_HOST_BYTES));
  writeInt64(commitLogOffset, bytes, writeHost(storeHost, bytes, 0));
  return upperHex(bytes);
}

/**
 * {@link encodeOffsetMsgId} for one message after the other. Those of one host that stand close together in the log share all but the
 * last four digits.
 */
export class OffsetMsgIds {
  #host: Host | null = null;
  #block = -1;
  #shared = '';

  of(storeHost: Host, commitLogOffset: number): string {
    const low = commitLogOffset & 0xffff;
    const block = commitLogOffset - low;
    if (storeHost !== this.#host || block !== this.#block) {
      this.#shared = encodeOffsetMsgId(storeHost, block).slice(0, -4);
      this.#host = storeHost;
      this.#block = block;
    }
    return this.#shared + BYTES_IN_HEX[low >>> 8] + BYTES_IN_HEX[low & 0xff];
  }
}

const BYTES_IN_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

/** @throws ProtocolError when it is not an offset id */
export function decodeOffsetMsgId(id: string): { host: Host; commitLogOffset: number } {
  const bytes = hexBytes(id, 'offset message id');
  const host = readHost(bytes, 0, bytes.length === 28);
  return { host, commitLogOffset: readInt64(bytes, bytes.length - 8) };
}

/** Local time, as Java's calendar. */
function monthStart(time: number, months: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth() + months, 1).getTime();
}

function hexBytes(id: string, what: string): Buffer {
  if ((id.length !== 32 && id.length !== 56) || !/^[0-9a-fA-F]+$/.test(id)) {
    throw new ProtocolError(
      `${JSON.stringify(id.slice(0, 80))} is not an ${what}: expected 32 or 56 hexadecimal digits`,
    );
  }
  return Buffer.from(id, 'hex');
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(digits, '0');
}

function upperHex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}
