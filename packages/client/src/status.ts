import type { Logger } from '@rocketnest/remoting';

/**
 * - `created`: not started.
 * - `connecting`: nothing has answered yet. Connections are opened when they are needed: a producer's with its first send.
 * - `connected`: a name server and every broker that was connected can be used.
 * - `reconnecting`: no name server answers, or a broker was lost; `lost` names them. What can work without them goes on, and they are
 *   tried again without being asked to.
 * - `closed`
 */
export type ClientState = 'created' | 'connecting' | 'connected' | 'reconnecting' | 'closed';

/**
 * - `up`: connected.
 * - `down`: the connection broke, or could not be made.
 * - `idle`: not connected, because nothing has been asked of it yet, or for so long that the connection was closed.
 */
export type PeerState = 'up' | 'down' | 'idle';

export interface PeerStatus {
  /** `host:port` as registered or configured. */
  readonly address: string;
  readonly state: PeerState;
  /** Of the last change of its state, in ms since 1970; absent when it was never asked. */
  readonly since?: number;
  /** Why it is down. */
  readonly reason?: string;
}

export interface BrokerStatus extends PeerStatus {
  readonly brokerName: string;
  /** 0 is the master. */
  readonly brokerId: number;
}

/** How a client stands with its servers. A snapshot: it does not change. */
export interface ClientStatus {
  readonly state: ClientState;
  /** Of the last change of `state`, in ms since 1970. */
  readonly since: number;
  readonly nameServers: readonly PeerStatus[];
  /** The brokers of all topics in use. */
  readonly brokers: readonly BrokerStatus[];
  /** What keeps the client from being connected, in words; empty unless `reconnecting`. */
  readonly lost: readonly string[];
}

/** Called with every new status, and the one before it. */
export type StatusListener = (status: ClientStatus, previous: ClientStatus) => void;

export interface StatusTrackerOptions {
  readonly clientId: string;
  readonly logger: Logger;
  readonly nameServers: () => readonly string[];
  readonly brokers: () => Iterable<{
    readonly address: string;
    readonly brokerName: string;
    readonly brokerId: number;
  }>;
}

type Peer = Pick<PeerStatus, 'since' | 'reason'> & { readonly state: PeerState };

const IDLE: Peer = { state: 'idle' };

/** Follows what happens to connections and makes {@link ClientStatus} of it: one log line per change of state. */
export class StatusTracker {
  private readonly peers = new Map<string, Peer>();
  private readonly reached = new Set<string>();
  private readonly listeners = new Set<StatusListener>();
  private phase: 'created' | 'started' | 'closed' = 'created';
  private answered = false;
  private status: ClientStatus;

  constructor(private readonly options: StatusTrackerOptions) {
    this.status = this.snapshot(Date.now());
  }

  get current(): ClientStatus {
    return this.status;
  }

  /** @returns a function that removes the listener */
  subscribe(listener: StatusListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  started(): void {
    this.phase = 'started';
    this.review();
  }

  /** The last status its listeners hear of. */
  closed(): void {
    this.phase = 'closed';
    this.peers.clear();
    this.review();
    this.listeners.clear();
  }

  up(address: string): void {
    this.answered = true;
    this.reached.add(address);
    this.set(address, { state: 'up', since: Date.now() });
  }

  down(address: string, reason: string): void {
    // A peer that stays down keeps the time since when.
    const since = this.peers.get(address)?.state === 'down' ? this.peers.get(address)!.since! : Date.now();
    this.set(address, { state: 'down', since, reason });
  }

  /** What may be wrong with the address of a broker that could never be reached. */
  hintFor(address: string): string {
    if (this.reached.has(address)) return '';
    const broker = [...this.options.brokers()].find((each) => each.address === address);
    return broker === undefined
      ? ''
      : `Broker ${broker.brokerName} advertises this address: if it is one of another network (NAT, container), set brokerIP1 on the broker, or the option addressMap here.`;
  }

  /** Disconnected, and nobody misses it. */
  idle(address: string): void {
    this.set(address, { state: 'idle', since: Date.now() });
  }

  /** Looks at the lists of servers again. */
  review(): void {
    const previous = this.status;
    const next = this.snapshot(previous.since);
    if (JSON.stringify(next) === JSON.stringify(previous)) return;
    this.status = next;
    if (next.state !== previous.state) this.log(next, previous);
    for (const listener of [...this.listeners]) this.tell(listener, next, previous);
  }

  private set(address: string, peer: Peer): void {
    if (this.phase === 'closed') return;
    this.peers.set(address, peer);
    this.review();
  }

  private snapshot(since: number): ClientStatus {
    const { nameServers, brokers } = this.options;
    const servers = nameServers().map((address) => ({ address, ...this.peer(address) }));
    const members = Array.from(brokers(), ({ address, brokerName, brokerId }) => ({
      brokerName,
      brokerId,
      address,
      ...this.peer(address),
    }));
    this.forgetOthers(new Set([...servers, ...members].map(({ address }) => address)));
    const lost = this.phase === 'started' && this.answered ? lostOf(servers, members) : [];
    const state = this.state(lost);
    return Object.freeze({
      state,
      since: state === (this.status as ClientStatus | undefined)?.state ? since : Date.now(),
      nameServers: Object.freeze(servers),
      brokers: Object.freeze(members),
      lost: Object.freeze(lost),
    });
  }

  private state(lost: readonly string[]): ClientState {
    if (this.phase !== 'started') return this.phase;
    if (!this.answered) return 'connecting';
    return lost.length > 0 ? 'reconnecting' : 'connected';
  }

  private peer(address: string): Peer {
    return this.peers.get(address) ?? IDLE;
  }

  /** Servers that are in no list any more; one that is connected may be in the next route. */
  private forgetOthers(known: ReadonlySet<string>): void {
    for (const [address, { state }] of this.peers)
      if (state !== 'up' && !known.has(address)) this.peers.delete(address);
  }

  private log({ state, lost, nameServers, brokers }: ClientStatus, previous: ClientStatus): void {
    const { clientId, logger } = this.options;
    const line = `client ${clientId} is ${state}${lost.length > 0 ? `: ${lost.join('; ')}` : ''}`;
    const fields = {
      before: previous.state,
      nameServers: nameServers.map((server) => `${server.address} ${server.state}`),
      brokers: brokers.map((broker) => `${broker.brokerName}/${broker.brokerId} ${broker.address} ${broker.state}`),
    };
    if (state === 'reconnecting') logger.warn(line, fields);
    else logger.info(line, fields);
  }

  private tell(listener: StatusListener, next: ClientStatus, previous: ClientStatus): void {
    try {
      listener(next, previous);
    } catch (error) {
      this.options.logger.error('a status listener threw', { error });
    }
  }
}

function lostOf(nameServers: readonly PeerStatus[], brokers: readonly BrokerStatus[]): string[] {
  const lost: string[] = [];
  if (nameServers.length > 0 && nameServers.every(({ state }) => state === 'down'))
    lost.push(`no name server answers (${nameServers.map(told).join(', ')})`);
  for (const broker of brokers) {
    if (broker.state === 'down') lost.push(`broker ${broker.brokerName} is lost (${told(broker)})`);
  }
  return lost;
}

const told = ({ address, reason }: PeerStatus): string =>
  reason?.includes(address) ? reason : `${address}: ${reason}`;
