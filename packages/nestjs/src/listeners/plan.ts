import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { Subscription } from '../destination.js';
import { formatSubscription } from '../destination.js';
import type { ClientSettings, ConsumerSettings, ListenerSettings } from './listener-options.js';

/** One subscription and what runs for it. */
export interface Listener {
  /** `Class.method`. */
  readonly label: string;
  readonly connection: string;
  readonly settings: ListenerSettings;
}

/** The one consumer of a group: everything its listeners ask for. */
export interface ConsumerPlan<L extends Listener> {
  readonly connection: string;
  readonly group: string;
  readonly listeners: readonly L[];
  readonly settings: ConsumerSettings;
  /** Empty: the group uses the connection's. */
  readonly client: ClientSettings;
  /** One per topic: the union of the listeners' tags. */
  readonly subscriptions: readonly Subscription[];
}

/**
 * Puts the listeners of one group into one consumer. RocketMQ takes all members of a group to subscribe to the same: two
 * consumers of one group with different subscriptions lose messages without an error.
 *
 * @throws ConfigurationError naming both listeners when their subscriptions overlap or their settings differ
 */
export function planConsumers<L extends Listener>(listeners: readonly L[]): ConsumerPlan<L>[] {
  const groups = new Map<string, L[]>();
  for (const listener of listeners) {
    const key = `${listener.connection}\n${listener.settings.group}`;
    groups.set(key, [...(groups.get(key) ?? []), listener]);
  }
  return [...groups.values()].map((members) => {
    const { connection, settings } = members[0]!;
    const { group } = settings;
    members.forEach((listener, index) => {
      for (const other of members.slice(0, index)) refuseOverlap(other, listener);
    });
    return {
      connection,
      group,
      listeners: members,
      settings: agree<ConsumerSettings>(members, ({ consumer }) => consumer),
      client: agree<ClientSettings>(members, ({ client }) => client ?? {}),
      subscriptions: union(members),
    };
  });
}

/** The listener responsible for a message. */
export function route<L extends Listener>(
  listeners: readonly L[],
  topic: string,
  tag: string | undefined,
): L | undefined {
  return listeners.find(
    ({ settings: { subscription } }) =>
      subscription.topic === topic &&
      (subscription.tags === undefined || (tag !== undefined && subscription.tags.has(tag))),
  );
}

function refuseOverlap(a: Listener, b: Listener): void {
  const [left, right] = [a.settings.subscription, b.settings.subscription];
  if (left.topic !== right.topic) return;
  if (left.tags !== undefined && right.tags !== undefined && ![...left.tags].some((tag) => right.tags?.has(tag)))
    return;
  throw new ConfigurationError(
    `${a.label} (${formatSubscription(left)}) and ${b.label} (${formatSubscription(right)}) are in the same consumer group ` +
      `'${a.settings.group}', and a message may belong to both. Within a group every message goes to one listener: use ` +
      'different tags, or another consumerGroup if both shall get it.',
    { context: { group: a.settings.group, topic: left.topic } },
  );
}

function agree<S extends object>(members: readonly Listener[], settingsOf: (listener: ListenerSettings) => S): S {
  const settings: Record<string, unknown> = {};
  const setBy = new Map<string, string>();
  for (const { label, settings: listener } of members) {
    for (const [key, value] of Object.entries(settingsOf(listener))) {
      const other = setBy.get(key);
      if (other !== undefined && !same(settings[key], value)) {
        throw new ConfigurationError(
          `${other} has ${key} ${showSetting(key, settings[key])} and ${label} has ${showSetting(key, value)}, but both are in consumer group ` +
            `'${listener.group}' and share its consumer. Give them the same value, set it on one only, or use two groups.`,
          { context: { group: listener.group, key } },
        );
      }
      settings[key] = value;
      setBy.set(key, label);
    }
  }
  return settings as S;
}

const showSetting = (key: string, value: unknown): string => (key === 'secretKey' ? '(not shown)' : show(value));

const same = (a: unknown, b: unknown): boolean =>
  a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : a === b;

function union(members: readonly Listener[]): Subscription[] {
  const byTopic = new Map<string, Subscription>();
  for (const { settings } of members) {
    const { topic, tags } = settings.subscription;
    const known = byTopic.get(topic)?.tags;
    // Only tag sets share a topic: everything else overlaps, and was refused.
    const merged = tags === undefined || known === undefined ? tags : new Set([...known, ...tags]);
    byTopic.set(topic, { ...settings.subscription, tags: merged });
  }
  return [...byTopic.values()];
}
