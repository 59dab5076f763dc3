import { ConnectionError, WrongPeerError } from '@rocketnest/protocol';

const NAME_SERVER = "RocketMQ's name server listens on 9876 by default";

/** What a peer's first bytes give away. A remoting frame begins with its length, at most 16 MiB: with a zero byte. */
const SIGNS: readonly { readonly is: (bytes: Buffer) => boolean; readonly what: string; readonly next: string }[] = [
  {
    // A SETTINGS frame on stream 0, with which every HTTP/2 server opens. Of a remoting frame it would be a header of no bytes.
    is: (bytes) =>
      bytes.length >= 9 && bytes[0] === 0 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0 && bytes[4] === 0,
    what: 'speaks HTTP/2, as the gRPC port (8081) of a RocketMQ Proxy does',
    next: `This client speaks remoting: give the address of a name server (${NAME_SERVER}), or the remoting port (8080) of the proxy`,
  },
  {
    is: (bytes) => bytes.toString('latin1', 0, 5) === 'HTTP/',
    what: 'speaks HTTP, as a dashboard or a web server does',
    next: `Give the address of a name server: ${NAME_SERVER}`,
  },
  {
    // An alert, or a handshake, of TLS 1.x.
    is: (bytes) => (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3,
    what: 'speaks TLS',
    next: 'Set the option tls',
  },
  {
    is: (bytes) => bytes.toString('latin1', 0, 4) === 'SSH-',
    what: 'speaks SSH',
    next: `Check the port: ${NAME_SERVER}`,
  },
];

/** The error for a peer whose first bytes show that it speaks something else; undefined when they do not. */
export function wrongPeer(address: string, bytes: Buffer): WrongPeerError | undefined {
  const sign = SIGNS.find(({ is }) => is(bytes));
  if (sign === undefined) return undefined;
  return new WrongPeerError(`${address} ${sign.what}. ${sign.next}.`, { context: { address } });
}

/** The error for a peer that hangs up on the first request. */
export function hungUp(address: string, encrypted: boolean): ConnectionError {
  const hint = encrypted
    ? 'it may be stopping, or not accept the certificate of this client'
    : 'it may be stopping, or take TLS only (set the option tls), or not be a RocketMQ server';
  return new ConnectionError(`${address} closed the connection without an answer: ${hint}.`, { context: { address } });
}

/** OpenSSL's and Node's words for a peer that does not answer a TLS hello with one of its own. */
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE|HTTP_REQUEST/;
/** Node's and OpenSSL's words for a certificate that is not trusted. */
const NO_TRUST = /SELF_SIGNED|UNABLE_TO_|CERT_|ALTNAME|_ISSUER/;

/** The error for a connection attempt that failed. @param hint appended when nothing better is known: empty, or " Do …" */
export function connectFailure(
  address: string,
  cause: NodeJS.ErrnoException,
  encrypted: boolean,
  hint: string,
): ConnectionError | WrongPeerError {
  const { code = '' } = cause;
  const message = `cannot connect to ${address}: ${cause.message || code}`;
  const options = { cause, context: { address } };
  // Also what a server does that is just stopping.
  if (encrypted && /before secure TLS connection/.test(cause.message)) {
    const hint = 'it may be stopping, or not take TLS (leave out the option tls)';
    return new ConnectionError(`${address} closed the connection in place of a TLS handshake: ${hint}.`, options);
  }
  if (encrypted && NO_TLS.test(code)) {
    return new WrongPeerError(
      `${address} does not speak TLS. Leave out the option tls, or have the server take TLS (tls.server.mode).`,
      options,
    );
  }
  if (encrypted && NO_TRUST.test(code)) {
    return new WrongPeerError(
      `${message}. Its certificate is not trusted: give its authority as tls: { ca }, or tls: true to accept any certificate.`,
      options,
    );
  }
  return new ConnectionError(message + hint, options);
}
