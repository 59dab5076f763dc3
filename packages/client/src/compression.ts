import * as zlib from 'node:zlib';
import {
  type CompressionType,
  ConfigurationError,
  CorruptError,
  compressionType,
  MessageSysFlag,
  ProtocolError,
} from '@rocketnest/protocol';
import { decompress as decompressZstd } from 'fzstd';
import { compressLz4, decompressLz4 } from './compression/lz4-frame.js';

export type { CompressionType } from '@rocketnest/protocol';

type Done = (error: Error | null, compressed: Buffer) => void;

/** How bodies of one type are written and read. */
interface Codec {
  /** Bits of sysFlag for such a body. */
  readonly sysFlag: number;
  /** Undefined where this Node cannot write the type. */
  readonly compress?: ((body: Buffer, level: number) => Buffer) | undefined;
  /** The same off the event loop; absent: only on the spot. */
  readonly compressAsync?: (body: Buffer, level: number, done: Done) => void;
  readonly decompress: (body: Buffer) => Buffer;
}

/** Node has zstd since 22.15; the types of Node 20 do not know it. */
interface ZstdOfNode {
  zstdCompress(body: Buffer, options: object, done: Done): void;
  zstdCompressSync(body: Buffer, options: object): Buffer;
  zstdDecompressSync(body: Buffer): Buffer;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}
const zstdOfNode = 'zstdCompressSync' in zlib ? (zlib as unknown as ZstdOfNode) : undefined;

function zstdCodec(native: ZstdOfNode | undefined): Codec {
  const sysFlag = MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZSTD;
  if (native === undefined) return { sysFlag, decompress: (body) => asBuffer(decompressZstd(body)) };
  const options = (level: number) => ({ params: { [native.constants.ZSTD_c_compressionLevel]: level } });
  return {
    sysFlag,
    compress: (body, level) => native.zstdCompressSync(body, options(level)),
    compressAsync: (body, level, done) => native.zstdCompress(body, options(level), done),
    decompress: (body) => native.zstdDecompressSync(body),
  };
}

/** Java: CompressorFactory. */
const CODECS: Readonly<Record<CompressionType, Codec>> = {
  ZLIB: {
    sysFlag: MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB,
    compress: (body, level) => zlib.deflateSync(body, { level }),
    compressAsync: (body, level, done) => zlib.deflate(body, { level }, done),
    decompress: (body) => zlib.inflateSync(body),
  },
  LZ4: {
    sysFlag: MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_LZ4,
    // Has no levels, as in Java.
    compress: (body) => compressLz4(body),
    decompress: decompressLz4,
  },
  ZSTD: zstdCodec(zstdOfNode),
};

/** The types there are. */
export const compressionTypes = ['ZLIB', 'LZ4', 'ZSTD'] as const satisfies readonly CompressionType[];

/** sysFlag bits a producer sets for a body of a type. */
export function compressionSysFlag(type: CompressionType): number {
  return CODECS[type].sysFlag;
}

/** sysFlag bits of a zlib body. */
export const ZLIB_SYS_FLAG = compressionSysFlag('ZLIB');

/** @throws ConfigurationError when this Node cannot write bodies of the type */
export function checkCanCompress(type: CompressionType): void {
  compressorOf(type);
}

/**
 * Compresses a body, off the event loop if the type allows. Java: Compressor.compress.
 * @param level 0..9, of zlib and zstd
 */
export function compressBody(body: Buffer, level: number, type: CompressionType = 'ZLIB'): Promise<Buffer> {
  const { compressAsync } = CODECS[type];
  return new Promise((resolve, reject) => {
    if (compressAsync === undefined) resolve(compressBodySync(body, level, type));
    else compressAsync(body, level, (error, compressed) => (error ? reject(error) : resolve(compressed)));
  });
}

/** The same on the spot: for bodies small enough not to hold up the event loop. */
export function compressBodySync(body: Buffer, level: number, type: CompressionType = 'ZLIB'): Buffer {
  return compressorOf(type)(body, level);
}

function compressorOf(type: CompressionType): (body: Buffer, level: number) => Buffer {
  const { compress } = CODECS[type];
  if (compress !== undefined) return compress;
  throw new ConfigurationError(
    `Node ${process.versions.node} cannot compress with ${type}: Node 22.15 and later can. Use ZLIB or LZ4. Reading ${type} works.`,
    { context: { compressType: type } },
  );
}

/**
 * The body as the producer wrote it. A body whose sysFlag has no compression bit is returned as it is.
 * @throws ProtocolError for an unknown compression type, CorruptError when the bytes are not of their type
 */
export function decompressBody(body: Buffer, sysFlag: number): Buffer {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return body;
  const type = compressionType(sysFlag);
  if (type === undefined) {
    throw new ProtocolError(
      `A message body is compressed with an unknown method (sysFlag ${sysFlag}). Let its producer use ${compressionTypes.join(', ')} (Java: rocketmq.message.compressType).`,
      { context: { sysFlag } },
    );
  }
  try {
    return CODECS[type].decompress(body);
  } catch (cause) {
    throw new CorruptError(`A message body of ${body.length} bytes is marked as ${type} but cannot be decompressed.`, {
      cause,
    });
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
