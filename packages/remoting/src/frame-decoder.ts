import { ProtocolError } from '@rocketnest/protocol';

/** Java: `com.rocketmq.remoting.frameMaxLength` in `NettyDecoder`; counts the 4 length bytes. */
export const DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024;

const LENGTH_BYTES = 4;

export interface FrameDecoderOptions {
  /** Largest frame accepted, in bytes, its 4 length bytes included. Default 16 MiB. */
  maxFrameBytes?: number;
}

/**
 * Cuts a byte stream into frames: 4 bytes of big-endian length, then that many bytes. It knows nothing else, so no state of
 * any request can make it lose its place.
 *
 * ```
 * | length (4) | header length and type (4) | header | body |
 *               \_______________ what onFrame gets _______/
 * ```
 *
 * A frame that lies inside one chunk is a slice of it, not a copy; one that spans chunks is joined once, when complete.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  /** Bytes of an unfinished frame, in arrival order. */
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  /** Buffered bytes at which it is worth looking again: the length field first, then the whole frame. */
  #neededBytes = LENGTH_BYTES;

  constructor({ maxFrameBytes = DEFAULT_MAX_FRAME_BYTES }: FrameDecoderOptions = {}) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes held back because their frame is not complete. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Takes the next bytes of the stream and calls `onFrame` for each frame they complete, in order. The frame excludes the
   * length field and shares memory with `chunk` where it can.
   *
   * @throws ProtocolError when a length is negative or over the limit; the stream has no recoverable position after that.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let data = chunk;
    if (this.#bufferedBytes > 0) {
      this.#chunks.push(chunk);
      this.#bufferedBytes += chunk.length;
      if (this.#bufferedBytes < this.#neededBytes) return;
      data = this.#join();
    }
    let at = 0;
    let needed = LENGTH_BYTES;
    while (data.length - at >= LENGTH_BYTES) {
      const length = this.#frameLength(data, at);
      if (data.length - at - LENGTH_BYTES < length) {
        needed = LENGTH_BYTES + length;
        break;
      }
      at += LENGTH_BYTES + length;
      onFrame(data.subarray(at - length, at));
    }
    this.#neededBytes = needed;
    if (at < data.length) this.#keep(at === 0 ? data : data.subarray(at));
  }

  #keep(rest: Buffer): void {
    this.#chunks.push(rest);
    this.#bufferedBytes = rest.length;
  }

  #join(): Buffer {
    const data = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bufferedBytes);
    this.#chunks = [];
    this.#bufferedBytes = 0;
    return data;
  }

  #frameLength(data: Buffer, at: number): number {
    const length = data.readInt32BE(at);
    if (length < 0 || length + LENGTH_BYTES > this.#maxFrameBytes) {
      throw new ProtocolError(
        `frame length ${length} is not in 0..${this.#maxFrameBytes - LENGTH_BYTES}: the peer does not speak RocketMQ remoting or its message is larger than the limit`,
        { context: { length, maxFrameBytes: this.#maxFrameBytes } },
      );
    }
    return length;
  }
}
