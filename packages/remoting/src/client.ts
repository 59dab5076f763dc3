import { connect as connectSocket, type Socket } from 'node:net';
import {
  ClosedError,
  ConnectionError,
  type DecodedCommand,
  type RemotingCommand,
  TimeoutError,
} from '@rocketnest/protocol';
import { parseAddress } from './address.js';
import { Connection, DEFAULT_IDLE_TIMEOUT_MS, DEFAULT_MAX_BUFFERED_BYTES } from './connection.js';
import { Dispatcher, type ProcessorTable } from './dispatcher.js';
import { DEFAULT_MAX_FRAME_BYTES } from './frame-decoder.js';
import { type Logger, silentLogger } from './logger.js';
import { ChunkPool } from './outgoing.js';
import type { ResponseCallback } from './pending-requests.js';
import { type RpcHook, RpcHooks } from './rpc-hook.js';
import { encryptedOnly, type TlsClientOptions } from './tls/options.js';
import { connectFailure, hungUp, wrongPeer } from './wrong-peer.js';

type ClientTls = boolean | TlsClientOptions;

export interface RemotingClientOptions {
  /** Takes requests the servers send (the broker asks clients over the client's own connection). Default: none. */
  processors?: ProcessorTable;
  /** Default 3000 ms (Java: `connectTimeoutMillis`). */
  connectTimeoutMs?: number;
  /** Timeout of requests that name none, connecting included. Default 3000 ms. */
  requestTimeoutMs?: number;
  /** Closes a connection on which no byte moved for this long; the next request opens a new one. Default 120 000 ms. */
  idleTimeoutMs?: number;
  /** A request that times out closes its connection when the server has sent nothing for this long: the next one connects anew. Default 10 000 ms. */
  silenceLimitMs?: number;
  /** Largest frame accepted, in bytes. Default 16 MiB. */
  maxFrameBytes?: number;
  /** Requests are refused while this many bytes wait for a server to read. Default 64 MiB. */
  maxBufferedBytes?: number;
  /** Translates an address before connecting, for example one that only resolves inside a container network. Default: as it is. */
  addressMap?: (address: string) => string;
  /**
   * Speak TLS. `true`: encrypted, without looking at the server's certificate, as Apache's client does by default; options: in the
   * words of node:tls, the certificate is verified. Default false: plain. A function is called for every connection.
   */
  tls?: ClientTls | (() => ClientTls);
  /** See every request sent and its response, in this order. Default: none. */
  hooks?: readonly RpcHook[];
  /** What else to say of an address that cannot be reached: empty, or a sentence. */
  connectHint?: (address: string) => string;
  logger?: Logger;
  onConnect?: (address: string, connection: Connection) => void;
  onDisconnect?: (address: string, reason?: Error) => void;
  /** An attempt to connect failed; not called for attempts that `close` ends. */
  onConnectFailed?: (address: string, reason: Error) => void;
}

/**
 * Shared connections by address: the first request to an address connects, later ones reuse the connection, and a broken one is
 * replaced by the next request (Java: `NettyRemotingClient`).
 */
export class RemotingClient {
  readonly #options: Readonly<RemotingClientOptions>;
  readonly #logger: Logger;
  readonly #dispatcher: Dispatcher;
  readonly #requestTimeoutMs: number;
  readonly #open = new Map<string, Connection>();
  readonly #chunks = new ChunkPool();
  readonly #connecting = new Map<string, { promise: Promise<Connection>; cancel: (error: Error) => void }>();
  #nextId = 1;
  #closed = false;

  constructor(options: RemotingClientOptions = {}) {
    this.#options = Object.freeze({ ...options });
    this.#logger = options.logger ?? silentLogger;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 3_000;
    this.#dispatcher = new Dispatcher(options.processors ?? new Map(), undefined, this.#logger);
  }

  /**
   * Sends a request, connecting first if needed, and resolves with the response, whatever its code. `timeoutMs` covers both.
   *
   * Rejects with ConfigurationError for an address that is none, WrongPeerError when something else than a RocketMQ server answers,
   * ConnectionError, TimeoutError or ClosedError.
   */
  request(address: string, command: RemotingCommand, options: { timeoutMs?: number } = {}): Promise<DecodedCommand> {
    return new Promise((resolve, reject) => {
      const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
      this.requestCallback(address, command, timeoutMs, (error, response) => {
        if (error) reject(error);
        else resolve(response!);
      });
    });
  }

  /** {@link request} without a promise once connected. The callback is called exactly once, never before this returns. */
  requestCallback(address: string, command: RemotingCommand, timeoutMs: number, callback: ResponseCallback): void {
    const open = this.#open.get(address);
    if (open !== undefined) {
      open.requestCallback(command, timeoutMs, callback);
      return;
    }
    const startedAt = performance.now();
    this.#connect(address, timeoutMs).then((connection) => {
      const leftMs = timeoutMs - (performance.now() - startedAt);
      connection.requestCallback(command, Math.max(1, leftMs), callback);
    }, callback);
  }

  /** Sends a request that gets no response. Rejects when it cannot be handed to a connection; arrival is not known. */
  async sendOneway(address: string, command: RemotingCommand): Promise<void> {
    const connection = this.#open.get(address) ?? (await this.#connect(address));
    connection.sendOneway(command);
  }

  /** The shared connection to an address, opened if needed. A failed attempt is forgotten: the next call tries again. */
  connection(address: string): Promise<Connection> {
    const open = this.#open.get(address);
    return open !== undefined ? Promise.resolve(open) : this.#connect(address);
  }

  /** Closes the connection to an address, if there is one. */
  closeConnection(address: string): void {
    this.#open.get(address)?.close();
  }

  /** Closes all connections, waits for them and refuses further use. Requests under way fail with ClosedError. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { cancel } of this.#connecting.values()) cancel(new ClosedError('the remoting client is closed'));
    const connections = [...this.#open.values()];
    for (const connection of connections) connection.close();
    await Promise.all(connections.map((connection) => connection.gone()));
  }

  /** Joins the connection attempt under way or starts one; gives up waiting after `withinMs`. */
  #connect(address: string, withinMs = Number.POSITIVE_INFINITY): Promise<Connection> {
    if (this.#closed) return Promise.reject(new ClosedError(`not connecting to ${address}: the client is closed`));
    let attempt = this.#connecting.get(address);
    if (attempt === undefined) {
      attempt = this.#dial(address);
      this.#connecting.set(address, attempt);
      const done = (): unknown => this.#connecting.delete(address);
      attempt.promise.then(done, (reason: Error) => {
        done();
        if (!this.#closed) this.#options.onConnectFailed?.(address, reason);
      });
    }
    const { promise } = attempt;
    if (withinMs >= (this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS)) return promise;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new TimeoutError(`not connected to ${address} within ${Math.round(withinMs)} ms`, { context: { address } }),
          ),
        withinMs,
      );
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #dial(address: string): { promise: Promise<Connection>; cancel: (error: Error) => void } {
    let cancel: (error: Error) => void = () => {};
    const promise = new Promise<Connection>((resolve, reject) => {
      const timeoutMs = this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
      const { address: host, port } = parseAddress(this.#options.addressMap?.(address) ?? address);
      const tls = tlsOptionsOf(this.#options.tls);
      // Loaded here: node:tls takes 2 MiB, which servers and clients without TLS do not need.
      const socket: Socket = tls
        ? process.getBuiltinModule('node:tls').connect({ ...tls, host, port })
        : connectSocket({ host, port });
      const hint = (): string => {
        const said = this.#options.connectHint?.(address);
        return said ? `. ${said}` : '';
      };
      const fail = (error: Error): void => {
        clearTimeout(timer);
        // A destroyed socket may still report an error; somebody has to listen.
        socket.removeAllListeners().on('error', () => {});
        socket.destroy();
        reject(error);
      };
      cancel = fail;
      const timer = setTimeout(
        () =>
          fail(
            new ConnectionError(`cannot connect to ${address} within ${timeoutMs} ms${hint()}`, {
              context: { address },
            }),
          ),
        timeoutMs,
      );
      socket.once('error', (cause) => fail(connectFailure(address, cause, tls !== undefined, hint())));
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners();
        resolve(this.#adopt(address, socket, tls !== undefined));
      });
    });
    return { promise, cancel };
  }

  #adopt(address: string, socket: Socket, encrypted: boolean): Connection {
    const { maxFrameBytes, idleTimeoutMs, silenceLimitMs, maxBufferedBytes, hooks, onConnect, onDisconnect } =
      this.#options;
    const connection = new Connection(socket, {
      id: this.#nextId++,
      logger: this.#logger,
      onRequest: this.#dispatcher.dispatch,
      maxFrameBytes: maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
      idleTimeoutMs: idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      silenceLimitMs: silenceLimitMs ?? DEFAULT_SILENCE_LIMIT_MS,
      maxBufferedBytes: maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES,
      hooks: RpcHooks.of(address, hooks),
      firstLook: (bytes) => wrongPeer(address, bytes),
      onHungUp: () => hungUp(address, encrypted),
      chunks: this.#chunks,
    });
    this.#open.set(address, connection);
    connection.onClose((reason) => {
      if (this.#open.get(address) === connection) this.#open.delete(address);
      onDisconnect?.(address, reason);
    });
    onConnect?.(address, connection);
    return connection;
  }
}

function tlsOptionsOf(given: RemotingClientOptions['tls']): TlsClientOptions | undefined {
  const value = typeof given === 'function' ? given() : given;
  return value === true ? encryptedOnly : value || undefined;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 3_000;
const DEFAULT_SILENCE_LIMIT_MS = 10_000;
