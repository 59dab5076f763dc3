import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * CRC of a message body: CRC-32 without its highest bit, so that Java's int stays positive.
 * Source of truth: `UtilAll.crc32` (rocketmq-common).
 */
export function messageCrc32(data: Uint8Array): number {
  return zlibCrc32(data) & 0x7fff_ffff;
}
