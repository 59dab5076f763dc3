import { readFile, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { ConfigurationError } from '@rocketnest/protocol';
import { type TlsServerOptions, versionRange } from './options.js';
import { selfSignedCertificate } from './self-signed.js';

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

export interface AcceptorEvents {
  /** A handshake succeeded; `socket` speaks plain text from here on. */
  readonly onSecure: (socket: TLSSocket) => void;
  /** A handshake failed or the client is not welcome; its socket is about to be destroyed. */
  readonly onRefused: (reason: Error, socket: Socket) => void;
}

/**
 * The TLS side of a server. Its certificate is loaded (or made) for the first handshake, and again when one of its files has changed,
 * so that certificates are renewed without a restart (Java: `TlsHelper.buildSslContext`, `FileWatchService`).
 */
export class TlsAcceptor {
  readonly #options: TlsServerOptions;
  readonly #events: AcceptorEvents;
  readonly #files: readonly string[];
  #loaded: { readonly version: string; readonly server: Promise<Server> } | null = null;

  /** @throws ConfigurationError when there is a certificate without key, or the reverse. */
  constructor(options: TlsServerOptions, events: AcceptorEvents) {
    const { certPath, keyPath, trustCertPath } = options;
    if ((certPath === undefined) !== (keyPath === undefined)) {
      const [given, missing] = certPath === undefined ? ['keyPath', 'certPath'] : ['certPath', 'keyPath'];
      throw new ConfigurationError(`tls.server.${given} is set but tls.server.${missing} is not: set both or neither`);
    }
    this.#options = options;
    this.#events = events;
    this.#files = [certPath, keyPath, trustCertPath].filter((path) => path !== undefined);
  }

  /** Reads the files, so that a mistake shows at the start and not with the first client. Rejects with ConfigurationError naming it. */
  async check(): Promise<void> {
    if (this.#files.length > 0) await this.#current();
  }

  /** Takes over a socket whose first bytes, a client hello, are in its read buffer. */
  accept(socket: Socket): void {
    this.#current().then(
      // The server listens nowhere: it only serves what it is handed.
      (server) => {
        if (!socket.destroyed) server.emit('connection', socket);
      },
      (error) => this.#refuse(error as Error, socket),
    );
  }

  /** While changed files are broken, the last good ones stay. */
  async #current(): Promise<Server> {
    const version = (await Promise.all(this.#files.map(versionOf))).join();
    if (this.#loaded?.version === version) return this.#loaded.server;
    const previous = this.#loaded;
    const loading = { version, server: this.#load() };
    this.#loaded = loading;
    try {
      return await loading.server;
    } catch (error) {
      if (this.#loaded === loading) this.#loaded = previous;
      if (previous === null) throw error;
      return previous.server;
    }
  }

  async #load(): Promise<Server> {
    const { certPath, keyPath, keyPassword, trustCertPath, ciphers, protocols } = this.#options;
    const identity =
      certPath === undefined || keyPath === undefined
        ? await selfSignedCertificate()
        : { cert: await read(certPath), key: await read(keyPath) };
    const authorities = trustCertPath === undefined ? {} : { ca: await read(trustCertPath) };
    try {
      // Loaded for the first client that speaks TLS, as in client.ts.
      const { createServer } = process.getBuiltinModule('node:tls');
      return createServer({
        ...identity,
        ...authorities,
        ...(keyPassword !== undefined && { passphrase: keyPassword }),
        ...(ciphers !== undefined && { ciphers }),
        ...versionRange(protocols),
        requestCert: (this.#options.clientAuth ?? 'none') !== 'none',
        // Who is welcome is decided in #greet: Node knows no certificate that is asked for but not verified.
        rejectUnauthorized: false,
        handshakeTimeout: this.#options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
      })
        .on('secureConnection', this.#greet)
        .on('tlsClientError', this.#refuse);
    } catch (cause) {
      const files = this.#files.join(', ') || 'the self-signed certificate';
      throw new ConfigurationError(`TLS cannot use ${files}: ${(cause as Error).message}`, { cause });
    }
  }

  readonly #greet = (socket: TLSSocket): void => {
    const unwelcome = this.#unwelcome(socket);
    if (unwelcome === null) this.#events.onSecure(socket);
    else this.#refuse(new Error(unwelcome), socket);
  };

  #unwelcome(socket: TLSSocket): string | null {
    const { clientAuth = 'none', verifyClient = false } = this.#options;
    if (clientAuth === 'none') return null;
    const presented = Object.keys(socket.getPeerCertificate()).length > 0;
    if (!presented) return clientAuth === 'require' ? 'it has no certificate' : null;
    return verifyClient && !socket.authorized
      ? `its certificate is not trusted: ${String(socket.authorizationError)}`
      : null;
  }

  /** Node tells of failed handshakes, and leaves those that take too long open. */
  readonly #refuse = (reason: Error, socket: Socket): void => {
    this.#events.onRefused(reason, socket);
    socket.destroy();
  };
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ConfigurationError(`TLS cannot read ${path}: ${(cause as Error).message}`, { cause, context: { path } });
  }
}

/** Differs when the file does; a missing file is its own version. */
async function versionOf(path: string): Promise<string> {
  return stat(path).then(
    ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
    () => 'missing',
  );
}
