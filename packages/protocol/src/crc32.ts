import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * CRC-32 without its highest bit, so that Java's int stays positive: of message bodies and of registration bodies.
 * Source of truth: `UtilAll.crc32` (rocketmq-common).
 */
export function crc32(data: Uint8Array): number {
  return zlibCrc32(data) & 0x7fff_ffff;
}
