import type { ConnectionOptions } from 'node:tls';

/** Whether one port takes plain connections, TLS connections, or both (Java: `TlsMode`, `tls.server.mode`). */
export type TlsMode = 'disabled' | 'permissive' | 'enforcing';

/** Whether clients show a certificate (Java: netty's `ClientAuth`, `tls.server.need.client.auth`). */
export type ClientAuth = 'none' | 'optional' | 'require';

/** TLS of a server. Files are PEM; a file that changes is read again at the next handshake. */
export interface TlsServerOptions {
  /** Default: permissive, each client chooses. */
  readonly mode?: TlsMode;
  /** The server's certificate, followed by those between it and its authority. Default: a self-signed one, made at the first handshake. */
  readonly certPath?: string;
  /** The private key of `certPath`. */
  readonly keyPath?: string;
  readonly keyPassword?: string;
  /** Default: none. */
  readonly clientAuth?: ClientAuth;
  /** Whether a client's certificate must come from an authority of `trustCertPath`; otherwise any will do. Default: false. */
  readonly verifyClient?: boolean;
  /** Authorities of client certificates. Default: those that Node trusts. */
  readonly trustCertPath?: string;
  /** OpenSSL cipher list. Default: Node's. */
  readonly ciphers?: string;
  /** From TLSv1.2 to TLSv1.3; the oldest and the newest count. Default: Node's. */
  readonly protocols?: readonly TlsProtocol[];
  /** A client that has not finished its handshake after this long is dropped. Default 10 000 ms. */
  readonly handshakeTimeoutMs?: number;
}

export const tlsProtocols = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsProtocol = (typeof tlsProtocols)[number];

/**
 * TLS of a client, in the words of node:tls. The server's certificate is verified unless `rejectUnauthorized` is false; add `ca` for an
 * authority of your own.
 */
export interface TlsClientOptions
  extends Pick<
    ConnectionOptions,
    | 'ca'
    | 'cert'
    | 'key'
    | 'pfx'
    | 'passphrase'
    | 'servername'
    | 'rejectUnauthorized'
    | 'checkServerIdentity'
    | 'ciphers'
    | 'minVersion'
    | 'maxVersion'
  > {}

/**
 * What {@link TlsClientOptions} `true` stands for: encrypted, but with whoever answers. It is what Apache's client does with
 * `tls.enable` alone, since Apache's servers have self-signed certificates until they are given others.
 */
export const encryptedOnly: TlsClientOptions = Object.freeze({ rejectUnauthorized: false });

/** The oldest and the newest of a list of protocols. */
export function versionRange(protocols: readonly TlsProtocol[] | undefined): {
  minVersion?: TlsProtocol;
  maxVersion?: TlsProtocol;
} {
  if (protocols === undefined || protocols.length === 0) return {};
  const [oldest, newest] = [tlsProtocols.find(has), [...tlsProtocols].reverse().find(has)];
  function has(protocol: TlsProtocol): boolean {
    return protocols!.includes(protocol);
  }
  return { minVersion: oldest!, maxVersion: newest! };
}
