import type { TlsClientOptions, TlsMode, TlsServerOptions } from './options.js';
import { readTlsFile, type TlsSettings } from './properties.js';

/** The options of a server that say how it does TLS, under Apache's names. */
export interface TlsKeys {
  readonly 'tls.server.mode': string;
  readonly 'tls.enable': string;
  readonly 'tls.config.file': string;
}

/**
 * TLS of a server with such options, for its {@link RemotingServer} and {@link RemotingClient}: the file is read when the first of them
 * asks, since constructors touch no files.
 */
export function tlsOf(keys: TlsKeys): { server(): TlsServerOptions; client(): TlsClientOptions | false } {
  const mode = keys['tls.server.mode'] as TlsMode;
  const useTls = keys['tls.enable'] === '' ? mode === 'enforcing' : keys['tls.enable'] === 'true';
  let settings: TlsSettings | undefined;
  const read = (): TlsSettings => {
    settings ??= readTlsFile(keys['tls.config.file']);
    return settings;
  };
  return {
    server: () => ({ mode, ...(mode === 'disabled' ? {} : read().server) }),
    client: () => useTls && read().client,
  };
}
