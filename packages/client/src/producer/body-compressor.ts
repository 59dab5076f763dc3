import {
  type CompressionType,
  checkCanCompress,
  compressBody,
  compressBodySync,
  compressionSysFlag,
} from '../compression.js';
import type { PreparedMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';

/** Bodies up to this size are compressed on the spot: cheaper than a trip to a thread, and sends stay in their order. */
const ON_THE_SPOT_BYTES = 64 * 1024;

/** Compresses the bodies that are worth it; batches never are, as in Java. */
export class BodyCompressor {
  private readonly overBytes: number;
  private readonly level: number;
  private readonly type: CompressionType;
  private readonly sysFlag: number;

  /** @throws ConfigurationError when this Node cannot write the type */
  constructor({ compressOverBytes, compressLevel, compressType }: ProducerOptions) {
    checkCanCompress(compressType);
    this.overBytes = compressOverBytes;
    this.level = compressLevel;
    this.type = compressType;
    this.sysFlag = compressionSysFlag(compressType);
  }

  /** Undefined when it is done at once, as with nearly all messages. */
  compress(message: PreparedMessage): Promise<void> | undefined {
    const { body, kind } = message;
    if (body.length < this.overBytes || kind === 'batch') return undefined;
    if (body.length > ON_THE_SPOT_BYTES) {
      return compressBody(body, this.level, this.type).then((compressed) => this.set(message, compressed));
    }
    this.set(message, compressBodySync(body, this.level, this.type));
    return undefined;
  }

  private set(message: PreparedMessage, compressed: Buffer): void {
    message.body = compressed;
    message.sysFlag |= this.sysFlag;
  }
}
