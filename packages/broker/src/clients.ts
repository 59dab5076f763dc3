import type { Connection } from '@rocketnest/remoting';

/** One client on one connection, as its heartbeats describe it (`ClientChannelInfo`). */
export interface ClientInfo {
  readonly connection: Connection;
  readonly clientId: string;
  readonly language: string;
  readonly version: number;
  /** Time of the last heartbeat. */
  lastSeen: number;
}
