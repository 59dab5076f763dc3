import type { Socket } from 'node:net';
import {
  ClosedError,
  CommandFlag,
  ConnectionError,
  type DecodedCommand,
  decodeCommand,
  type Host,
  isResponse,
  type RemotingCommand,
  requestCodeName,
  TimeoutError,
} from '@rocketnest/protocol';
import { formatAddress } from './address.js';
import { FrameDecoder } from './frame-decoder.js';
import type { Logger } from './logger.js';
import { ChunkPool, Outgoing } from './outgoing.js';
import { PendingRequests, type ResponseCallback } from './pending-requests.js';
import type { RpcHooks } from './rpc-hook.js';

/** What an owner (server, client) decides about its connections. */
export interface ConnectionOptions {
  readonly id: number;
  readonly logger: Logger;
  /** Takes every request the peer sends. */
  readonly onRequest: (request: DecodedCommand, connection: Connection) => void;
  /** Largest frame accepted, in bytes. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** Closes the connection when no byte moved in either direction for this long. Default 120 s (Java: `serverChannelMaxIdleTimeSeconds`). */
  readonly idleTimeoutMs?: number;
  /** A request that times out closes the connection when the peer has sent nothing for this long either: it is gone, and only the timeouts tell. Default: never. */
  readonly silenceLimitMs?: number;
  /** Stops reading requests from a peer while this many bytes wait for it to read. Default: never (the side that reads responses must keep reading). */
  readonly pauseAtBytes?: number;
  /** Bytes that may wait for the peer to read. A response over it closes the connection, a request over it is refused. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** Looks at the first bytes of the peer; an error it returns closes the connection. Default: nobody does. */
  readonly firstLook?: ((bytes: Buffer) => Error | undefined) | undefined;
  /** The error of requests when the peer closes before it has sent a byte. Default: a ConnectionError that says so. */
  readonly onHungUp?: (() => Error) | undefined;
  /** See the requests sent here and their responses. Default: none. */
  readonly hooks?: RpcHooks | undefined;
  /** Memory to gather frames in, shared by the owner's connections. Default: a chunk of its own. */
  readonly chunks?: ChunkPool | undefined;
}

export const DEFAULT_IDLE_TIMEOUT_MS = 120_000;
export const DEFAULT_MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/** A closing connection gets this long to hand its last bytes to the peer. */
const LINGER_MS = 1_000;

/**
 * One socket, both directions: it sends requests and answers the peer's. Everything written in one callback of the event loop, and
 * by the promises it settles, leaves in one system call.
 */
export class Connection {
  readonly id: number;
  readonly remoteHost: Host;
  /** `ip:port` of the peer. */
  readonly remoteAddress: string;
  /** `ip:port` of this end. */
  readonly localAddress: string;
  /** A place for the owner's own data about the peer. */
  attachment: unknown = undefined;

  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #onRequest: (request: DecodedCommand, connection: Connection) => void;
  readonly #decoder: FrameDecoder;
  readonly #pending: PendingRequests;
  readonly #silenceLimitMs: number;
  readonly #pauseAtBytes: number;
  readonly #maxBufferedBytes: number;
  readonly #hooks: RpcHooks | undefined;
  #firstLook: ConnectionOptions['firstLook'];
  readonly #onHungUp: ConnectionOptions['onHungUp'];
  #heard = false;
  readonly #closeListeners: ((reason?: Error) => void)[] = [];
  readonly #chunks: ChunkPool;
  readonly #outgoing: Outgoing;
  #paused = false;
  /** Requests that arrived in the chunk during which the peer became too slow: at most one chunk of them. */
  #held: DecodedCommand[] = [];
  #draining = false;
  #inFlight = 0;
  #lastReadAt = performance.now();
  #closed = false;
  #closeReason: Error | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.id = options.id;
    this.#socket = socket;
    this.#logger = options.logger;
    this.#onRequest = options.onRequest;
    this.#decoder = new FrameDecoder(
      options.maxFrameBytes === undefined ? {} : { maxFrameBytes: options.maxFrameBytes },
    );
    this.#pauseAtBytes = options.pauseAtBytes ?? Number.POSITIVE_INFINITY;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES;
    this.#hooks = options.hooks;
    this.#chunks = options.chunks ?? new ChunkPool(1);
    this.#outgoing = new Outgoing(this.#chunks);
    this.#firstLook = options.firstLook;
    this.#onHungUp = options.onHungUp;
    this.#silenceLimitMs = options.silenceLimitMs ?? Number.POSITIVE_INFINITY;
    this.#pending = new PendingRequests((timeoutMs, sentAt) => this.#timedOut(timeoutMs, sentAt));
    // A dual-stack listener sees IPv4 peers as ::ffff:10.0.0.1; the wire has 4-byte hosts for those.
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    this.remoteHost = Object.freeze({ address, port: socket.remotePort ?? 0 });
    this.remoteAddress = formatAddress(this.remoteHost);
    this.localAddress = formatAddress({
      address: (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, ''),
      port: socket.localPort ?? 0,
    });

    const idleTimeoutMs = options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS;
    socket.setNoDelay(true);
    socket.setTimeout(idleTimeoutMs, () =>
      this.close(
        // `idle` tells it from a connection that broke.
        new ConnectionError(`no byte from or to ${this.remoteAddress} for ${idleTimeoutMs} ms`, {
          context: { address: this.remoteAddress, idleTimeoutMs, idle: true },
        }),
      ),
    );
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', () => this.#shutdown(undefined, 'flush', true));
    socket.on('error', (cause) =>
      this.close(
        new ConnectionError(`connection to ${this.remoteAddress} broke: ${cause.message}`, {
          cause,
          context: { address: this.remoteAddress },
        }),
      ),
    );
    socket.on('close', () => this.#shutdown(undefined, 'now', true));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Why the connection closed, when it did not close in the ordinary way. */
  get closeReason(): Error | undefined {
    return this.#closeReason;
  }

  /** Bytes handed to this connection that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#outgoing.bytes + this.#socket.writableLength;
  }

  /** False while the peer reads too slowly, or when closed: a good moment to hold back what can wait. */
  get writable(): boolean {
    return !this.#closed && this.bufferedBytes < this.#pauseAtBytes && !this.#socket.writableNeedDrain;
  }

  /** Requests sent that wait for a response. */
  get pendingRequests(): number {
    return this.#pending.size;
  }

  /** Requests of the peer that have no response yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** True while a request of the peer has no response yet or bytes wait to be sent. */
  get busy(): boolean {
    return !this.#closed && (this.#inFlight > 0 || this.bufferedBytes > 0);
  }

  /**
   * Sends a request and resolves with its response, whatever the response code. Assigns `opaque`.
   *
   * Rejects with TimeoutError after `timeoutMs`, ConnectionError when the connection breaks or too many bytes wait already,
   * ClosedError when it is or gets closed.
   */
  request(command: RemotingCommand, { timeoutMs }: { timeoutMs: number }): Promise<DecodedCommand> {
    return new Promise((resolve, reject) => {
      this.requestCallback(command, timeoutMs, (error, response) => (error ? reject(error) : resolve(response!)));
    });
  }

  /** {@link request} without a promise. The callback is called exactly once, never before this returns. */
  requestCallback(command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    const refusal = this.#refusal(command);
    if (refusal !== null) {
      process.nextTick(callback, refusal);
      return;
    }
    if (this.#hooks === undefined) this.#send(command, timeoutMs, callback);
    else this.#sendHooked(this.#hooks, command, timeoutMs, callback);
  }

  #send(command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    command.opaque = this.#pending.nextOpaque();
    this.#write(command);
    this.#pending.add(command.opaque, timeoutMs, callback);
  }

  #sendHooked(hooks: RpcHooks, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    try {
      hooks.before(command);
    } catch (error) {
      process.nextTick(callback, error as Error);
      return;
    }
    this.#send(command, timeoutMs, hooks.watch(command, callback));
  }

  /**
   * Sends a request that gets no response: sets the ONEWAY flag, assigns `opaque`.
   *
   * @throws ClosedError when closed, ConnectionError when too many bytes wait for the peer already, or what a hook throws.
   */
  sendOneway(command: RemotingCommand): void {
    const refusal = this.#refusal(command);
    if (refusal !== null) throw refusal;
    command.opaque = this.#pending.nextOpaque();
    command.flag |= CommandFlag.ONEWAY;
    this.#hooks?.before(command);
    this.#write(command);
  }

  /** Answers a request of the peer. On a closed connection it does nothing: there is nobody to tell. */
  respond(response: RemotingCommand): void {
    if (this.#closed) return;
    this.#write(response);
    this.#answered();
  }

  /** {@link respond} with a frame encoded already, length field included. The buffers must not change until they are sent. */
  writeFrame(buffers: Buffer[]): void {
    if (this.#closed) return;
    this.#scheduleFlush();
    this.#outgoing.addEncoded(buffers);
    this.#answered();
  }

  #answered(): void {
    if (this.#inFlight > 0) this.#inFlight--;
    if (this.bufferedBytes <= this.#maxBufferedBytes) return;
    this.#shutdown(
      new ConnectionError(
        `${this.remoteAddress} does not read: ${this.bufferedBytes} bytes wait for it, the limit is ${this.#maxBufferedBytes}`,
        { context: { address: this.remoteAddress, maxBufferedBytes: this.#maxBufferedBytes } },
      ),
      'now',
    );
  }

  /** Calls `listener` once when the connection closes; at once if it is closed. */
  onClose(listener: (reason?: Error) => void): void {
    if (this.#closed) listener(this.#closeReason);
    else this.#closeListeners.push(listener);
  }

  /** Takes no further bytes from the peer, so that what is under way can finish before {@link close}. */
  stopReading(): void {
    this.#draining = true;
    this.#socket.pause();
  }

  /** Sends what is buffered, closes, fails the waiting requests and tells the listeners. A `reason` is logged. Idempotent. */
  close(reason?: Error): void {
    this.#shutdown(reason, 'flush');
  }

  /** Resolves when the socket is gone: soon after close, for the last bytes may be on their way. */
  gone(): Promise<void> {
    return this.#socket.closed
      ? Promise.resolve()
      : new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  #shutdown(reason: Error | undefined, how: 'flush' | 'now', byPeer = false): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#closeReason = reason;
    const socket = this.#socket;
    if (how === 'now') socket.destroy();
    else if (!socket.destroyed) {
      socket.destroySoon();
      const linger = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => clearTimeout(linger));
    }
    if (reason) this.#logger.warn(`connection closed: ${reason.message}`, { connection: this.id });
    this.#pending.failAll(reason ?? this.#closedError(byPeer));
    for (const listener of this.#closeListeners.splice(0)) listener(reason);
  }

  #closedError(byPeer: boolean): Error {
    const address = this.remoteAddress;
    const options = { context: { address } };
    if (!byPeer) return new ClosedError(`connection to ${address} is closed`, options);
    if (!this.#heard && this.#onHungUp !== undefined) return this.#onHungUp();
    return new ConnectionError(`${address} closed the connection`, options);
  }

  #timedOut(givenMs: number, sentAt: number): TimeoutError {
    const address = this.remoteAddress;
    const timeoutMs = Math.round(givenMs);
    const silentMs = Math.round(performance.now() - this.#lastReadAt);
    if (this.#lastReadAt < sentAt && silentMs >= this.#silenceLimitMs) {
      const message = `${address} answered nothing within ${timeoutMs} ms and sent nothing for ${silentMs} ms`;
      this.close(new ConnectionError(message, { context: { address, timeoutMs, silentMs } }));
    }
    return new TimeoutError(`no response from ${address} within ${timeoutMs} ms`, { context: { address, timeoutMs } });
  }

  #refusal(command: RemotingCommand): Error | null {
    if (!this.#closed && this.bufferedBytes <= this.#maxBufferedBytes) return null;
    const what = `${requestCodeName(command.code)} to ${this.remoteAddress}`;
    const context = { address: this.remoteAddress, code: command.code };
    if (this.#closed) return new ClosedError(`${what} not sent: the connection is closed`, { context });
    return new ConnectionError(
      `${what} not sent: ${this.bufferedBytes} bytes already wait for the peer, the limit is ${this.#maxBufferedBytes}`,
      { context },
    );
  }

  #write(command: RemotingCommand): void {
    this.#scheduleFlush();
    this.#outgoing.add(command);
  }

  #scheduleFlush(): void {
    // Not `setImmediate`: that is another turn of the loop when the answers come out of one, as those of stored messages do.
    if (this.#outgoing.bytes === 0) process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    if (this.#outgoing.bytes === 0) return;
    const socket = this.#socket;
    const { parts, chunks } = this.#outgoing.take(socket.writableLength > 0);
    if (socket.destroyed) return;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(parts[i]!);
    // What is sent last comes after all the rest.
    socket.write(parts[last]!, (error) => {
      if (!error) this.#chunks.give(chunks);
    });
    if (last > 0) socket.uncork();
    if (this.bufferedBytes > this.#pauseAtBytes) this.#pause();
    // Small writes may be taken at once and then nothing drains.
    if (this.#paused && !this.#socket.writableNeedDrain) setImmediate(this.#onDrain);
  };

  #pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  readonly #onDrain = (): void => {
    if (!this.#paused || this.#closed) return;
    const held = this.#held;
    this.#held = [];
    let next = 0;
    while (next < held.length && !this.#closed && this.bufferedBytes <= this.#pauseAtBytes) {
      this.#onRequest(held[next++]!, this);
    }
    this.#held = held.slice(next);
    if (this.#held.length > 0 || this.bufferedBytes > this.#pauseAtBytes) return;
    this.#paused = false;
    if (!this.#draining) this.#socket.resume();
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#lastReadAt = performance.now();
    this.#heard = true;
    try {
      if (this.#firstLook !== undefined) {
        const wrong = this.#firstLook(chunk);
        this.#firstLook = undefined;
        if (wrong !== undefined) throw wrong;
      }
      this.#decoder.push(chunk, this.#onFrame);
    } catch (error) {
      this.close(error as Error);
    }
  };

  readonly #onFrame = (frame: Buffer): void => {
    if (this.#closed) return;
    const command = decodeCommand(frame);
    if (!isResponse(command)) {
      if ((command.flag & CommandFlag.ONEWAY) === 0) this.#inFlight++;
      if (!this.#paused && this.bufferedBytes > this.#pauseAtBytes) this.#pause();
      if (this.#paused) this.#held.push(command);
      else this.#onRequest(command, this);
    } else if (!this.#pending.settle(command)) {
      this.#logger.debug('response dropped: its request timed out or never was', {
        address: this.remoteAddress,
        opaque: command.opaque,
      });
    }
  };
}
