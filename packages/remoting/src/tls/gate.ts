import type { Socket } from 'node:net';
import type { Logger } from '../logger.js';
import { TlsAcceptor } from './acceptor.js';
import type { TlsMode, TlsServerOptions } from './options.js';

/** First byte of a TLS client hello. A frame begins with 0x00, since none is as long as 16 MiB. */
const TLS_HANDSHAKE = 0x16;

export interface GateParts {
  readonly logger: Logger;
  /** A client that says nothing for this long is dropped. */
  readonly idleTimeoutMs: number;
  /** Takes a socket that is ready for frames, plain or through TLS, and attaches its listeners before it returns. */
  readonly onReady: (socket: Socket) => void;
}

/**
 * Stands between new sockets and connections: the first byte tells whether a client speaks TLS, so that one port serves both kinds
 * (Java: `NettyRemotingServer.TlsModeHandler`).
 */
export class TlsGate {
  readonly #mode: TlsMode;
  readonly #parts: GateParts;
  readonly #acceptor: TlsAcceptor;
  /** Sockets that have not got through, by peer: a TLS socket has the peer of the socket below it. */
  readonly #waiting = new Map<string, Socket>();
  #closed = false;

  /** @throws ConfigurationError when the options contradict themselves. */
  constructor(options: TlsServerOptions, parts: GateParts) {
    this.#mode = options.mode ?? 'permissive';
    this.#parts = parts;
    this.#acceptor = new TlsAcceptor(options, {
      onSecure: this.#pass,
      onRefused: (reason, socket) => this.#warn(`TLS client refused: ${reason.message.trim()}`, socket),
    });
  }

  /** Rejects with ConfigurationError when the certificate files cannot be used. */
  async check(): Promise<void> {
    if (this.#mode !== 'disabled') await this.#acceptor.check();
  }

  accept(socket: Socket): void {
    const peer = peerOf(socket);
    this.#waiting.set(peer, socket);
    socket.once('close', () => {
      if (this.#waiting.get(peer) === socket) this.#waiting.delete(peer);
    });
    // A client that goes away before it has said anything is no news.
    socket.on('error', nothing);
    const giveUp = (): unknown => socket.destroy();
    socket.setTimeout(this.#parts.idleTimeoutMs, giveUp);
    socket.once('data', (chunk) => {
      socket.pause();
      socket.unshift(chunk);
      socket.setTimeout(0);
      socket.off('timeout', giveUp);
      const isTls = chunk[0] === TLS_HANDSHAKE;
      const refusal = this.#refusal(isTls);
      if (refusal !== null) {
        this.#warn(`client refused: ${refusal}`, socket);
        socket.destroy();
      } else if (isTls) {
        this.#acceptor.accept(socket);
      } else {
        this.#pass(socket);
        socket.resume();
      }
    });
  }

  /** Drops everybody who waits, and everybody who comes. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#waiting.values()) socket.destroy();
  }

  readonly #pass = (socket: Socket): void => {
    this.#waiting.delete(peerOf(socket));
    if (this.#closed) socket.destroy();
    else this.#parts.onReady(socket);
  };

  #refusal(isTls: boolean): string | null {
    if (isTls && this.#mode === 'disabled') return 'it speaks TLS, and tls.server.mode is disabled';
    if (!isTls && this.#mode === 'enforcing') return 'it does not speak TLS, and tls.server.mode is enforcing';
    return null;
  }

  #warn(message: string, { remoteAddress, remotePort }: Socket): void {
    this.#parts.logger.warn(message, { remoteAddress, remotePort });
  }
}

const nothing = (): void => {};

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
