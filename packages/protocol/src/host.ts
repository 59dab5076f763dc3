/**
 * Hosts in messages: 4 or 16 address bytes, then the port as int32, big endian.
 * Source of truth: `MessageExt.socketAddress2ByteBuffer` (rocketmq-common).
 */

import { charCode } from './char-code.js';
import { ConfigurationError } from './errors.js';

export interface Host {
  /** IPv4 (`10.0.0.1`) or IPv6 (`2001:db8::1`); never a name. */
  readonly address: string;
  readonly port: number;
}

/** Bytes of a stored host. */
export const IPV4_HOST_BYTES = 8;
export const IPV6_HOST_BYTES = 20;

export function isIPv6(address: string): boolean {
  return address.includes(':');
}

/** Writes address and port; returns the bytes written (8 or 20). */
export function writeHost(host: Host, target: Buffer, at: number): number {
  const end = writeAddress(host.address, target, at);
  target.writeInt32BE(host.port, end);
  return end + 4 - at;
}

/** Writes the address bytes (4 or 16) and returns the position after them. */
export function writeAddress(address: string, target: Buffer, at: number): number {
  return isIPv6(address) ? writeIPv6(address, target, at) : writeIPv4(address, target, at);
}

export function readHost(source: Buffer, at: number, ipv6: boolean): Host {
  return ipv6
    ? { address: readIPv6(source, at), port: source.readInt32BE(at + 16) }
    : { address: readIPv4(source, at), port: source.readInt32BE(at + 4) };
}

export function readIPv4(source: Buffer, at: number): string {
  return `${source[at]}.${source[at + 1]}.${source[at + 2]}.${source[at + 3]}`;
}

/** The shortest spelling (RFC 5952), as Node's sockets print it. */
export function readIPv6(source: Buffer, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(source.readUInt16BE(at + i));
  const gap = longestZeroRun(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (gap.length < 2) return hex(groups);
  return `${hex(groups.slice(0, gap.start))}::${hex(groups.slice(gap.start + gap.length))}`;
}

/** `ip:port` as Apache spells addresses in headers and bodies. IPv6 is bracketed. */
export function hostToString(host: Host): string {
  return isIPv6(host.address) ? `[${host.address}]:${host.port}` : `${host.address}:${host.port}`;
}

/**
 * Reads `ip:port` or `[ipv6]:port`; the port is what follows the last colon.
 * @throws ConfigurationError when there is no port or it is not 0 to 65535
 */
export function parseHost(text: string): Host {
  const colon = text.lastIndexOf(':');
  const port = colon < 0 ? Number.NaN : Number(text.slice(colon + 1));
  if (!Number.isInteger(port) || port < 0 || port > 65535 || colon === text.length - 1) {
    throw new ConfigurationError(
      `${JSON.stringify(text)} is not an address: expected host:port, for example 10.0.0.1:10911`,
    );
  }
  const address = text.slice(0, colon);
  return { address: address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address, port };
}

function writeIPv4(address: string, target: Buffer, at: number): number {
  let byte = 0;
  let digits = 0;
  let parts = 0;
  for (let i = 0; i <= address.length; i++) {
    const char = i === address.length ? 46 : charCode(address, i);
    if (char === 46) {
      if (digits === 0 || byte > 255 || parts === 4) throw notAnAddress(address);
      target[at + parts++] = byte;
      byte = 0;
      digits = 0;
    } else {
      if (char < 48 || char > 57 || ++digits > 3) throw notAnAddress(address);
      byte = byte * 10 + char - 48;
    }
  }
  if (parts !== 4) throw notAnAddress(address);
  return at + 4;
}

function writeIPv6(address: string, target: Buffer, at: number): number {
  const zone = address.indexOf('%');
  const halves = (zone < 0 ? address : address.slice(0, zone)).split('::');
  if (halves.length > 2) throw notAnAddress(address);
  const head = parseGroups(halves[0]!, address);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, address) : [];
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) throw notAnAddress(address);
  const groups = [...head, ...new Array<number>(gap).fill(0), ...tail];
  for (let i = 0; i < 8; i++) target.writeUInt16BE(groups[i]!, at + 2 * i);
  return at + 16;
}

function parseGroups(text: string, address: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group, index, all) => {
    if (index === all.length - 1 && group.includes('.')) {
      const ipv4 = Buffer.alloc(4);
      writeIPv4(group, ipv4, 0);
      return [ipv4.readUInt16BE(0), ipv4.readUInt16BE(2)];
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw notAnAddress(address);
    return [Number.parseInt(group, 16)];
  });
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
    start += length;
  }
  return best;
}

function notAnAddress(address: string): ConfigurationError {
  return new ConfigurationError(`${JSON.stringify(address)} is not an IP address: names must be resolved before`, {
    context: { address },
  });
}
