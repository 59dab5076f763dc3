import { createServer, type Server, type Socket } from 'node:net';
import { ConfigurationError, ConnectionError } from '@rocketnest/protocol';
import { formatAddress } from './address.js';
import { Connection, DEFAULT_IDLE_TIMEOUT_MS, DEFAULT_MAX_BUFFERED_BYTES } from './connection.js';
import { Dispatcher, type Processor, type ProcessorTable } from './dispatcher.js';
import { DEFAULT_MAX_FRAME_BYTES } from './frame-decoder.js';
import { type Logger, silentLogger } from './logger.js';
import { ChunkPool } from './outgoing.js';
import { TlsGate } from './tls/gate.js';
import type { TlsServerOptions } from './tls/options.js';

export interface RemotingServerOptions {
  /** Address to listen on. Default 0.0.0.0 (Java: `bindAddress`). */
  host?: string;
  /** TCP port; 0 picks a free one, readable as `server.port` after `start()`. */
  port: number;
  processors: ProcessorTable;
  /** Takes the request codes `processors` does not have. Default: answered with REQUEST_CODE_NOT_SUPPORTED. */
  defaultProcessor?: Processor;
  /** Largest frame accepted, in bytes, its length field included. Default 16 MiB; a larger one closes its connection. */
  maxFrameBytes?: number;
  /** Closes a connection on which no byte moved for this long. Default 120 000 ms. A function is asked for every new connection. */
  idleTimeoutMs?: number | (() => number);
  /** Connections accepted at a time; further ones are closed at once. Default: no limit. */
  maxConnections?: number;
  /** Unanswered requests a connection may have; further ones are answered SYSTEM_BUSY, which clients retry. Default 65 535. */
  maxInFlightPerConnection?: number;
  /** Stops reading from a peer while this many bytes wait for it to read. Default 4 MiB. */
  pauseAtBytes?: number;
  /** Closes a peer for which this many bytes wait. Default 64 MiB. */
  maxBufferedBytes?: number;
  /** Default: plain and TLS clients on the same port, with a self-signed certificate. A function is called at start. */
  tls?: TlsServerOptions | (() => TlsServerOptions);
  logger?: Logger;
  /** A client has said its first bytes, or finished its TLS handshake. */
  onConnect?: (connection: Connection) => void;
  onDisconnect?: (connection: Connection, reason?: Error) => void;
}

const DEFAULT_PAUSE_AT_BYTES = 4 * 1024 * 1024;
const DRAIN_POLL_MS = 5;

/** Listens for RocketMQ connections and dispatches their requests to a processor table (Java: `NettyRemotingServer`). */
export class RemotingServer {
  readonly #options: Readonly<RemotingServerOptions>;
  readonly #logger: Logger;
  readonly #dispatcher: Dispatcher;
  readonly #connections = new Set<Connection>();
  readonly #chunks = new ChunkPool();
  #server: Server | null = null;
  #gate: TlsGate | null = null;
  #nextId = 1;

  constructor(options: RemotingServerOptions) {
    this.#options = Object.freeze({ ...options });
    this.#logger = options.logger ?? silentLogger;
    this.#dispatcher = new Dispatcher(
      options.processors,
      options.defaultProcessor,
      this.#logger,
      options.maxInFlightPerConnection,
    );
  }

  /** The port listened on. @throws ConfigurationError before `start()` and after `close()`. */
  get port(): number {
    const address = this.#server?.address();
    if (address === null || address === undefined || typeof address === 'string') {
      throw new ConfigurationError('the server has no port: it is not started');
    }
    return address.port;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /**
   * Listens. Rejects with ConnectionError when the port is taken or the address is not ours, with ConfigurationError when the TLS
   * files cannot be used.
   */
  async start(): Promise<void> {
    if (this.#server) throw new ConfigurationError('the server is already started');
    const { host = '0.0.0.0', port, maxConnections, tls = {} } = this.#options;
    const gate = new TlsGate(typeof tls === 'function' ? tls() : tls, {
      logger: this.#logger,
      idleTimeoutMs: this.#idleTimeoutMs,
      onReady: (socket) => this.#adopt(socket),
    });
    await gate.check();
    this.#gate = gate;
    const server = createServer({ noDelay: true }, (socket) => gate.accept(socket));
    if (maxConnections !== undefined) {
      server.maxConnections = maxConnections;
      server.on('drop', (peer) =>
        this.#logger.warn(`connection refused: ${maxConnections} connections are open, which is the limit`, {
          ...peer,
        }),
      );
    }
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        this.#server = null;
        const where = formatAddress({ address: host, port });
        reject(
          new ConnectionError(`cannot listen on ${where}: ${LISTEN_ADVICE[cause.code ?? ''] ?? cause.message}`, {
            cause,
            context: { host, port },
          }),
        );
      });
      server.listen({ host, port }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => this.#logger.error(`listener failed: ${error.message}`));
  }

  /**
   * Stops listening and reading, waits up to `drainMs` (default 1000) for requests under way and buffered bytes, then closes
   * every connection. Idempotent.
   */
  async close({ drainMs = 1_000 }: { drainMs?: number } = {}): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#gate?.close();
    for (const connection of this.#connections) connection.stopReading();
    const deadline = performance.now() + drainMs;
    while (performance.now() < deadline && [...this.#connections].some((connection) => connection.busy)) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    for (const connection of this.#connections) connection.close();
    await closed;
  }

  get #idleTimeoutMs(): number {
    const { idleTimeoutMs = DEFAULT_IDLE_TIMEOUT_MS } = this.#options;
    return typeof idleTimeoutMs === 'function' ? idleTimeoutMs() : idleTimeoutMs;
  }

  #adopt(socket: Socket): void {
    const { onConnect, onDisconnect } = this.#options;
    const connection = new Connection(socket, {
      id: this.#nextId++,
      logger: this.#logger,
      onRequest: this.#dispatcher.dispatch,
      maxFrameBytes: this.#options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
      idleTimeoutMs: this.#idleTimeoutMs,
      pauseAtBytes: this.#options.pauseAtBytes ?? DEFAULT_PAUSE_AT_BYTES,
      maxBufferedBytes: this.#options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED_BYTES,
      chunks: this.#chunks,
    });
    this.#connections.add(connection);
    connection.onClose((reason) => {
      this.#connections.delete(connection);
      onDisconnect?.(connection, reason);
    });
    onConnect?.(connection);
  }
}

/** What to do about the usual reasons a port cannot be opened, by errno name. */
const LISTEN_ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use by another process; stop that process or choose another port',
  EACCES: 'no permission for this port; choose one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address',
};
