import { type HeartbeatData, ResponseError } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { BrokerApi } from './broker-api.js';
import { isRefusal } from './credentials.js';
import { MASTER_ID, type RouteTable } from './routes.js';

export interface HeartbeatsOptions {
  readonly api: BrokerApi;
  readonly routes: RouteTable;
  readonly logger: Logger;
  readonly clientId: string;
  /** The groups that live here now. */
  readonly groups: () => Pick<HeartbeatData, 'producerDataSet' | 'consumerDataSet'>;
  /** A broker answered the first heartbeat of a connection: it knows the groups now. */
  readonly onGreeted: (address: string) => void;
}

/**
 * Tells brokers which groups live here. A broker can call a group back (transaction checks, rebalance) only after a heartbeat
 * over the connection it has now. Java: the heartbeat half of MQClientInstance.
 */
export class Heartbeats {
  /** broker address → version (ordinal of Java's MQVersion) it answered the last heartbeat of its connection with */
  private readonly versions = new Map<string, number>();
  /** Brokers that answered that this client may not do what it wants to. */
  private readonly refusals = new Map<string, ResponseError>();
  /** Addresses with a heartbeat under way. */
  private readonly sending = new Map<string, Promise<boolean>>();

  constructor(private readonly options: HeartbeatsOptions) {}

  /** 0 when the broker has not answered a heartbeat over its present connection. */
  version(address: string): number {
    return this.versions.get(address) ?? 0;
  }

  /** Sends a heartbeat, or waits for the one under way, unless the version is known. Never rejects; 0 when nobody answered. */
  async askVersion(address: string): Promise<number> {
    if (!this.versions.has(address)) await (this.sending.get(address) ?? this.send(new Set([address])));
    return this.version(address);
  }

  /** Why this client is not let in, when no broker lets it in and one said why. */
  get refusal(): ResponseError | undefined {
    return this.versions.size > 0 ? undefined : this.refusals.values().next().value;
  }

  /** The connection is gone, and with it what the broker knew. */
  forget(address: string): void {
    this.versions.delete(address);
  }

  /**
   * To all brokers of known routes, or to those of `only`; with only producers here, masters suffice. Failures are logged.
   * Resolves to whether every broker answered.
   */
  async send(only?: ReadonlySet<string>): Promise<boolean> {
    const data: HeartbeatData = { clientID: this.options.clientId, ...this.options.groups() };
    const consumers = data.consumerDataSet.length > 0;
    if (!consumers && data.producerDataSet.length === 0) return true;
    const brokers = [...this.options.routes.brokerAddresses()].filter(
      ({ address, brokerId }) => (consumers || brokerId === MASTER_ID) && (only?.has(address) ?? true),
    );
    const answered = await Promise.all(brokers.map(({ address }) => this.sendTo(address, data)));
    return answered.every(Boolean);
  }

  /** True while a heartbeat to the broker is under way: its own connecting needs no second one. */
  isSending(address: string): boolean {
    return this.sending.has(address);
  }

  private async sendTo(address: string, data: HeartbeatData): Promise<boolean> {
    const sent = this.attempt(address, data);
    this.sending.set(address, sent);
    try {
      return await sent;
    } finally {
      if (this.sending.get(address) === sent) this.sending.delete(address);
    }
  }

  private async attempt(address: string, data: HeartbeatData): Promise<boolean> {
    try {
      const version = await this.options.api.heartbeat(address, data);
      this.refusals.delete(address);
      const first = !this.versions.has(address);
      this.versions.set(address, version);
      if (first) this.options.onGreeted(address);
      return true;
    } catch (error) {
      if (error instanceof ResponseError && isRefusal(error)) this.refusals.set(address, error);
      this.options.logger.warn(`heartbeat to broker ${address} failed`, { error });
      return false;
    }
  }

  /** Tells the brokers that know this client that a group leaves, so that others take over at once. Failures are logged. */
  async unregister(group: { readonly producerGroup?: string; readonly consumerGroup?: string }): Promise<void> {
    const { api, clientId, logger } = this.options;
    await Promise.all(
      [...this.versions.keys()].map(async (address) => {
        try {
          await api.unregisterClient(address, { clientID: clientId, ...group });
        } catch (error) {
          logger.warn(`broker ${address} was not told that a group left`, { ...group, error });
        }
      }),
    );
  }
}
