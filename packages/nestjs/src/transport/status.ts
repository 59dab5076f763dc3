import type { ClientState, ClientStatus, StatusListener } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';

/**
 * - `connecting`: started in the background, and nothing has answered yet.
 * - `running`: messages come and go.
 * - `reconnecting`: no name server answers, or a broker was lost; it is tried again until it is back.
 * - `stopped`
 */
export type RocketMQTransportStatus = 'connecting' | 'running' | 'reconnecting' | 'stopped';

/** What `on` of the transport's server and client takes. */
export type RocketMQTransportEvents = {
  /** Every change of the connection: which name servers and brokers are up, what was lost and why. */
  status: (status: ClientStatus, previous: ClientStatus) => void;
};

const STATUS_OF: Readonly<Record<ClientState, RocketMQTransportStatus>> = {
  created: 'connecting',
  connecting: 'connecting',
  connected: 'running',
  reconnecting: 'reconnecting',
  closed: 'stopped',
};

/** Tells Nest how a connection stands. */
export class StatusReporter {
  readonly #listeners = new Set<StatusListener>();
  #unsubscribe: (() => void) | undefined;

  constructor(private readonly report: (status: RocketMQTransportStatus) => void) {}

  /** For `on`, also before there is a connection. */
  add(event: string, listener: StatusListener): void {
    if (event !== 'status') throw new Error(`RocketMQ's transport has no event '${event}'. It has 'status'.`);
    this.#listeners.add(listener);
  }

  /** From now on reports what becomes of a connection, which has been started. Idempotent. */
  follow(connection: Pick<RocketMQConnection, 'enabled' | 'instance'>): void {
    if (this.#unsubscribe !== undefined || !connection.enabled) return;
    const { instance } = connection;
    this.report(STATUS_OF[instance.status.state]);
    this.#unsubscribe = instance.onStatus((status, previous) => {
      this.report(STATUS_OF[status.state]);
      for (const listener of this.#listeners) listener(status, previous);
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.report('stopped');
  }
}
