import { encodeCommand, type RemotingCommand, writeFrameHead } from '@rocketnest/protocol';

const CHUNK_BYTES = 64 * 1024;
/** Bodies, and parts of them, up to this size are copied beside their header; larger ones are written as they are. */
const COPY_UP_TO_BYTES = 8 * 1024;

/** Memory for frames, which connections borrow for a turn of the event loop or two and give back. Owned by a server or a client. */
export class ChunkPool {
  readonly #free: Buffer[] = [];
  /** Chunks that are kept while nobody uses them. */
  readonly #keep: number;

  constructor(keep = 16) {
    this.#keep = keep;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** Nobody may hold a part of them any more. */
  give(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) if (this.#free.length < this.#keep) this.#free.push(chunk);
  }
}

/** What is sent at once. */
export interface OutgoingBatch {
  /** In the order in which they go to the socket. */
  readonly parts: Buffer[];
  /** The memory of the small parts, for the pool when the socket has sent them all. */
  readonly chunks: Buffer[];
}

/**
 * Gathers the frames that a connection sends at once. Headers and small bodies are written into borrowed chunks one
 * behind the other, so that a usual frame costs no buffer of its own; large bodies stand between them, not copied.
 */
export class Outgoing {
  readonly #pool: ChunkPool;
  #parts: Buffer[] = [];
  #chunks: Buffer[] = [];
  /** The last of the chunks; what lies between the two positions is in no part yet. */
  #chunk: Buffer | null = null;
  #from = 0;
  #at = 0;
  #bytes = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Gathered and not taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ProtocolError when the command cannot be encoded; nothing of it is sent then */
  add(command: RemotingCommand): void {
    if (!this.#writeHead(command)) {
      this.addEncoded(encodeCommand(command));
      return;
    }
    const { body } = command;
    if (body === null) return;
    if (Array.isArray(body)) this.addEncoded(body);
    else this.#addBytes(body);
  }

  /** The buffers must not change until they are sent: the large ones are not copied. */
  addEncoded(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) this.#addBytes(buffer);
  }

  /**
   * Hands everything over.
   * @param own true: no part lies in a chunk. For a socket that is behind, which would hold a whole chunk for the few bytes of a turn.
   */
  take(own: boolean): OutgoingBatch {
    this.#cut();
    let parts = this.#parts;
    let chunks = this.#chunks;
    if (own) {
      parts = parts.map((part) => (chunks.some(({ buffer }) => buffer === part.buffer) ? Buffer.from(part) : part));
      this.#pool.give(chunks);
      chunks = [];
    }
    this.#parts = [];
    this.#chunks = [];
    this.#chunk = null;
    this.#bytes = 0;
    return { parts, chunks };
  }

  /** False: not even an empty chunk has room for it. */
  #writeHead(command: RemotingCommand): boolean {
    let end = this.#chunk === null ? -1 : writeFrameHead(command, this.#chunk, this.#at);
    if (end < 0 && (this.#chunk === null || this.#at > 0)) end = writeFrameHead(command, this.#nextChunk(), 0);
    if (end < 0) return false;
    this.#advance(end);
    return true;
  }

  #addBytes(bytes: Buffer): void {
    if (bytes.length > COPY_UP_TO_BYTES) {
      this.#cut();
      this.#parts.push(bytes);
      this.#bytes += bytes.length;
      return;
    }
    let chunk = this.#chunk;
    if (chunk === null || this.#at + bytes.length > chunk.length) chunk = this.#nextChunk();
    chunk.set(bytes, this.#at);
    this.#advance(this.#at + bytes.length);
  }

  #advance(end: number): void {
    this.#bytes += end - this.#at;
    this.#at = end;
  }

  #nextChunk(): Buffer {
    this.#cut();
    const chunk = this.#pool.take();
    this.#chunk = chunk;
    this.#chunks.push(chunk);
    this.#from = 0;
    this.#at = 0;
    return chunk;
  }

  /** Makes a part of what the chunk has gathered since the last one. */
  #cut(): void {
    if (this.#chunk === null || this.#at === this.#from) return;
    this.#parts.push(this.#chunk.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
