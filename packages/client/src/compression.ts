import { deflate, inflateSync } from 'node:zlib';
import { CorruptError, MessageSysFlag, ProtocolError } from '@rocketnest/protocol';

/** Java's default for producers. */
export const COMPRESSION_LEVEL = 5;

/**
 * Names of the compression types by the three bits MessageSysFlag gives them. 0 is what clients before 5.0 set: zlib.
 * Java: CompressionType.
 */
const COMPRESSION_NAMES = ['zlib', 'lz4', 'zstd', 'zlib'] as const;
const TYPE_SHIFT = 8;
const TYPE_MASK = 0x7;

/** sysFlag bits a producer sets for a zlib body. */
export const ZLIB_SYS_FLAG = MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_ZLIB_TYPE;

/** Deflates a body off the event loop. Java: ZlibCompressor. */
export function compressBody(body: Buffer, level = COMPRESSION_LEVEL): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflate(body, { level }, (error, compressed) => (error ? reject(error) : resolve(compressed)));
  });
}

/**
 * The body as the producer wrote it. A body whose sysFlag has no compression bit is returned as it is.
 * @throws ProtocolError for a compression type this client cannot read, CorruptError when the bytes are not of their type
 */
export function decompressBody(body: Buffer, sysFlag: number): Buffer {
  if ((sysFlag & MessageSysFlag.COMPRESSED_FLAG) === 0) return body;
  const type = (sysFlag >> TYPE_SHIFT) & TYPE_MASK;
  const name = COMPRESSION_NAMES[type] ?? `type ${type}`;
  if (name !== 'zlib') {
    throw new ProtocolError(
      `A message body is compressed with ${name}, which this client cannot read. Let its producer use ZLIB (Java: rocketmq.message.compressType=ZLIB).`,
      { context: { compression: name, sysFlag } },
    );
  }
  try {
    return inflateSync(body);
  } catch (cause) {
    throw new CorruptError(`A message body of ${body.length} bytes is marked as zlib but cannot be inflated.`, { cause });
  }
}
