export { formatAddress, parseAddress, parseAddressList } from './address.js';
export { RemotingClient, type RemotingClientOptions } from './client.js';
export { Connection, type ConnectionOptions } from './connection.js';
export type { Processor, ProcessorTable } from './dispatcher.js';
export { DEFAULT_MAX_FRAME_BYTES, FrameDecoder, type FrameDecoderOptions } from './frame-decoder.js';
export { type Logger, silentLogger } from './logger.js';
export type { ResponseCallback } from './pending-requests.js';
export type { RpcHook } from './rpc-hook.js';
export { RemotingServer, type RemotingServerOptions } from './server.js';
export { type TlsKeys, tlsOf } from './tls/lazy.js';
export type {
  ClientAuth,
  TlsClientOptions,
  TlsMode,
  TlsProtocol,
  TlsServerOptions,
} from './tls/options.js';
export { DEFAULT_TLS_CONFIG_FILE, tlsPropertyTable } from './tls/properties.js';
