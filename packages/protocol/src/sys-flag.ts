/** Bits of `sysFlag` in messages, pull requests and topics. */

/** Java: `MessageSysFlag`. */
export const MessageSysFlag = {
  /** The body is compressed; bits 8 to 10 say how. */
  COMPRESSED: 0x1,
  /** The TAGS property holds several tags. */
  MULTI_TAGS: 0x2,
  TRANSACTION_NOT: 0,
  /** A half message. */
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  /** Mask of the two transaction bits. */
  TRANSACTION_MASK: 0xc,
  /** bornHost has 16 address bytes instead of 4. */
  BORNHOST_V6: 0x10,
  /** storeHost has 16 address bytes instead of 4. */
  STOREHOST_V6: 0x20,
  /** The body is a batch that the consumer unwraps. */
  NEED_UNWRAP: 0x40,
  /** The body is a batch stored as one message (batch consume queue). */
  INNER_BATCH: 0x80,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
  /** Mask of the three compression type bits. */
  COMPRESSION_MASK: 0x700,
} as const;

/** How a compressed body is compressed. Java: `CompressionType`. */
export type CompressionType = 'LZ4' | 'ZSTD' | 'ZLIB';

/** Old clients set no type bits and use zlib, hence 0 reads as `ZLIB` (Java: `CompressionType.findByValue`). */
export function compressionType(sysFlag: number): CompressionType | undefined {
  switch (sysFlag & MessageSysFlag.COMPRESSION_MASK) {
    case 0:
    case MessageSysFlag.COMPRESSION_ZLIB:
      return 'ZLIB';
    case MessageSysFlag.COMPRESSION_LZ4:
      return 'LZ4';
    case MessageSysFlag.COMPRESSION_ZSTD:
      return 'ZSTD';
    default:
      return undefined;
  }
}

/** One of the `TRANSACTION_…` values. */
export function transactionValue(sysFlag: number): number {
  return sysFlag & MessageSysFlag.TRANSACTION_MASK;
}

export function withTransactionValue(sysFlag: number, value: number): number {
  return (sysFlag & ~MessageSysFlag.TRANSACTION_MASK) | value;
}

/** Java: `PullSysFlag`. */
export const PullSysFlag = {
  /** `commitOffset` of the request is to be stored. */
  COMMIT_OFFSET: 0x1,
  /** Hold the request while there is no message (long polling). */
  SUSPEND: 0x2,
  /** The request carries its subscription. */
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL_MESSAGE: 0x10,
} as const;

/** Java: `TopicSysFlag`. */
export const TopicSysFlag = {
  UNIT: 0x1,
  UNIT_SUB: 0x2,
} as const;
