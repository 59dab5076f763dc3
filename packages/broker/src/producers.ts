import type { Connection, Logger } from '@rocketnest/remoting';
import type { ClientInfo } from './clients.js';
import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';

/** Java: `ProducerManager.CHANNEL_EXPIRED_TIMEOUT`. */
const EXPIRY_MS = 120_000;

/** Which producers are connected, by group: transaction check-backs go to them (`ProducerManager`). */
export class ProducerTable {
  private readonly groups = new Map<string, Map<Connection, ClientInfo>>();
  /** The connection of each client, whatever its groups (`clientChannelTable`). */
  private readonly clients = new Map<string, Connection>();
  private turn = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  register(group: string, client: ClientInfo): void {
    const members = getOrCreate(this.groups, group, () => new Map<Connection, ClientInfo>());
    this.clients.set(client.clientId, client.connection);
    const known = members.get(client.connection);
    if (known !== undefined) {
      known.lastSeen = this.clock.now();
      return;
    }
    members.set(client.connection, client);
    this.logger.info('producer connected', { group, clientId: client.clientId });
  }

  unregister(group: string, connection: Connection): void {
    const members = this.groups.get(group);
    const client = members?.get(connection);
    if (members === undefined || client === undefined) return;
    members.delete(connection);
    if (members.size === 0) this.groups.delete(group);
    const elsewhere = [...this.groups.values()].some((others) => others.has(connection));
    if (!elsewhere && this.clients.get(client.clientId) === connection) this.clients.delete(client.clientId);
  }

  /** Forgets everything about a closed connection. */
  connectionClosed(connection: Connection): void {
    for (const group of this.groups.keys()) this.unregister(group, connection);
  }

  /** Where a client is connected (`findChannel`). */
  connectionOf(clientId: string): Connection | undefined {
    return this.clients.get(clientId);
  }

  /** The members of a group. */
  members(group: string): ClientInfo[] {
    return [...(this.groups.get(group)?.values() ?? [])];
  }

  get groupNames(): string[] {
    return [...this.groups.keys()];
  }

  /** A connection to some member of the group, taking turns; prefers one that accepts writes (`getAvailableChannel`). */
  pick(group: string): Connection | undefined {
    const open = this.members(group).filter((member) => !member.connection.closed);
    if (open.length === 0) return undefined;
    this.turn = (this.turn + 1) % Number.MAX_SAFE_INTEGER;
    const start = this.turn % open.length;
    const ordered = [...open.slice(start), ...open.slice(0, start)];
    return (ordered.find((member) => member.connection.writable) ?? ordered[0])?.connection;
  }

  /** Closes connections whose producers were silent for too long (`scanNotActiveChannel`). */
  expire(): void {
    const now = this.clock.now();
    for (const [group, members] of this.groups) {
      for (const member of members.values()) {
        if (now - member.lastSeen <= EXPIRY_MS) continue;
        this.logger.warn('producer without heartbeat dropped', { group, clientId: member.clientId });
        this.unregister(group, member.connection);
        member.connection.close();
      }
    }
  }
}
