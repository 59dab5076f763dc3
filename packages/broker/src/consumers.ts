import type { ConsumerData, SubscriptionData } from '@rocketnest/protocol';
import type { Connection, Logger } from '@rocketnest/remoting';
import type { ClientInfo } from './clients.js';
import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';
import type { BrokerOptions } from './options.js';

/** What a heartbeat says about a group besides its subscriptions. */
export type GroupMode = Pick<ConsumerData, 'consumeType' | 'messageModel' | 'consumeFromWhere'>;

/** A consumer group with members connected right now (`ConsumerGroupInfo`). */
export class ConsumerGroup {
  readonly subscriptions = new Map<string, SubscriptionData>();
  readonly members = new Map<Connection, ClientInfo>();

  constructor(
    readonly name: string,
    public mode: GroupMode,
  ) {}

  get isBroadcasting(): boolean {
    return this.mode.messageModel === 'BROADCASTING';
  }

  get clientIds(): string[] {
    return [...this.members.values()].map((member) => member.clientId);
  }

  /** @returns true when the connection is new to the group */
  join(client: ClientInfo, mode: GroupMode, now: number): boolean {
    this.mode = mode;
    const known = this.members.get(client.connection);
    if (known === undefined || known.clientId !== client.clientId) this.members.set(client.connection, client);
    else known.lastSeen = now;
    return known === undefined;
  }

  /** @returns true when a topic was added or removed; a newer version of a known one only replaces it */
  subscribe(subscriptions: readonly SubscriptionData[]): boolean {
    let changed = false;
    const topics = new Set<string>();
    for (const subscription of subscriptions) {
      topics.add(subscription.topic);
      const known = this.subscriptions.get(subscription.topic);
      if (known === undefined) changed = true;
      if (known === undefined || subscription.subVersion > known.subVersion) {
        this.subscriptions.set(subscription.topic, subscription);
      }
    }
    for (const topic of this.subscriptions.keys()) {
      if (!topics.has(topic)) changed = this.subscriptions.delete(topic) || changed;
    }
    return changed;
  }
}

export interface ConsumerTableParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The membership of a group changed: tell these members to rebalance. */
  readonly notify: (group: string, members: Iterable<Connection>) => void;
  /** The last member of a group left. */
  readonly onGroupGone?: (group: string) => void;
}

/** Which consumers are connected, by group, and what they subscribe (`ConsumerManager`). */
export class ConsumerTable {
  private readonly groups = new Map<string, ConsumerGroup>();
  /** Subscriptions that pulls brought along without heartbeat (`consumerCompensationTable`). */
  private readonly pulled = new Map<string, Map<string, SubscriptionData>>();

  constructor(private readonly parts: ConsumerTableParts) {}

  group(name: string): ConsumerGroup | undefined {
    return this.groups.get(name);
  }

  /** The connected members of a group; none when it is not connected. */
  members(group: string): ClientInfo[] {
    return [...(this.groups.get(group)?.members.values() ?? [])];
  }

  get groupNames(): string[] {
    return [...this.groups.keys()];
  }

  /** Subscription of a group, from heartbeats or else from its last pull. */
  subscription(group: string, topic: string): SubscriptionData | undefined {
    return this.groups.get(group)?.subscriptions.get(topic) ?? this.pulled.get(group)?.get(topic);
  }

  /** Connected groups that subscribe a topic (`queryTopicConsumeByWho`). */
  groupsOf(topic: string): string[] {
    return [...this.groups.values()].filter((group) => group.subscriptions.has(topic)).map((group) => group.name);
  }

  /** Remembers the subscription that a pull carried (`compensateSubscribeData`). */
  rememberPull(group: string, subscription: SubscriptionData): void {
    getOrCreate(this.pulled, group, () => new Map<string, SubscriptionData>()).set(subscription.topic, subscription);
  }

  /**
   * A heartbeat. Members are told to rebalance when somebody joined or a topic came or went.
   * @param subscriptions null when the heartbeat left them out because they did not change
   * @returns true when something changed
   */
  register(
    name: string,
    client: ClientInfo,
    mode: GroupMode,
    subscriptions: readonly SubscriptionData[] | null,
    notifyMembers: boolean,
  ): boolean {
    const group = getOrCreate(this.groups, name, () => new ConsumerGroup(name, mode));
    const joined = group.join(client, mode, this.parts.clock.now());
    if (joined) this.parts.logger.info('consumer connected', { group: name, clientId: client.clientId });
    const changed = subscriptions !== null && group.subscribe(subscriptions);
    if ((joined || changed) && notifyMembers) this.notify(group);
    return joined || changed;
  }

  unregister(name: string, connection: Connection, notifyMembers: boolean): void {
    const group = this.groups.get(name);
    if (group === undefined) return;
    const left = group.members.delete(connection);
    if (group.members.size === 0) {
      this.groups.delete(name);
      this.parts.onGroupGone?.(name);
    }
    if (left && notifyMembers) this.notify(group);
  }

  /** Forgets everything about a closed connection. */
  connectionClosed(connection: Connection): void {
    for (const group of this.groups.values()) {
      if (group.members.has(connection)) this.unregister(group.name, connection, true);
    }
  }

  /** Closes connections whose consumers were silent for too long and forgets old pulled subscriptions. */
  expire(): void {
    const now = this.parts.clock.now();
    for (const group of this.groups.values()) {
      for (const member of group.members.values()) {
        if (now - member.lastSeen <= this.parts.options.channelExpiredTimeout) continue;
        this.parts.logger.warn('consumer without heartbeat dropped', { group: group.name, clientId: member.clientId });
        this.unregister(group.name, member.connection, true);
        member.connection.close();
      }
    }
    for (const [name, topics] of this.pulled) {
      for (const [topic, subscription] of topics) {
        if (now - subscription.subVersion > this.parts.options.subscriptionExpiredTimeout) topics.delete(topic);
      }
      if (topics.size === 0) this.pulled.delete(name);
    }
  }

  private notify(group: ConsumerGroup): void {
    if (!group.isBroadcasting) this.parts.notify(group.name, group.members.keys());
  }
}
