import * as zlib from 'node:zlib';
import {
  type CompressionType,
  CorruptError,
  compressionType,
  MessageSysFlag,
  ProtocolError,
} from '@rocketnest/protocol';

/** sysFlag bits a producer sets for a zlib body. */
export const ZLIB_SYS_FLAG = MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB;

/** Deflates a body off the event loop. Java: ZlibCompressor. */
export function compressBody(body: Buffer, level: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zlib.deflate(body, { level }, (error, compressed) => (error ? reject(error) : resolve(compressed)));
  });
}

/** The same on the spot: for bodies small enough not to hold up the event loop. */
export function compressBodySync(body: Buffer, level: number): Buffer {
  return zlib.deflateSync(body, { level });
}

type Decompress = (body: Buffer) => Buffer;

/** Node has zstd since 22.15; the types of Node 20 do not know it. */
const zstd = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;

/** How this Node reads each type; undefined where it cannot. */
const DECOMPRESS: Readonly<Record<CompressionType, Decompress | undefined>> = {
  ZLIB: (body) => zlib.inflateSync(body),
  ZSTD: zstd,
  LZ4: undefined,
};

/**
 * The body as the producer wrote it. A body whose sysFlag has no compression bit is returned as it is.
 * @throws ProtocolError for a compression type this client cannot read, CorruptError when the bytes are not of their type
 */
export function decompressBody(body: Buffer, sysFlag: number): Buffer {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body;
  const type = compressionType(sysFlag);
  const decompress = type === undefined ? undefined : DECOMPRESS[type];
  if (decompress === undefined) {
    throw new ProtocolError(
      `A message body is compressed with ${type ?? 'an unknown method'}, which this client cannot read on Node ${process.versions.node}. Let its producer use ZLIB (Java: rocketmq.message.compressType=ZLIB).`,
      { context: { compression: type, sysFlag } },
    );
  }
  try {
    return decompress(body);
  } catch (cause) {
    throw new CorruptError(`A message body of ${body.length} bytes is marked as ${type} but cannot be decompressed.`, {
      cause,
    });
  }
}
