import {
  ExpressionType,
  parseConsumerRunningInfo,
  Requests,
  retryTopic,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { Subscriptions } from './subscriptions.js';

/** Members that join together have settled, and said what they subscribe to, after this time. ms */
const SETTLE_MS = 2_000;

/**
 * Warns when members of a group subscribe to different things. Brokers know one subscription per group, the last that a heartbeat
 * told, and every topic's queues are shared among all members: what one of them wants is filtered as another wants it, or lies in
 * queues that nobody reads. No implementation says so to its users, who see messages disappear.
 *
 * Each member compares itself with the one after it in the sorted group, the last with the first, when that is another one than
 * before: if any two differ, some neighbours do.
 */
export class SubscriptionCheck {
  private neighbour: string | undefined;
  private topic = '';
  private timer: NodeJS.Timeout | undefined;
  private lastWarning = '';

  constructor(
    private readonly instance: ClientInstance,
    private readonly group: string,
    private readonly subscriptions: Subscriptions,
    private readonly settleMs = SETTLE_MS,
  ) {}

  /** The group's members as a broker of `topic` knows them, sorted. */
  membersAre(members: readonly string[], topic: string): void {
    const self = this.instance.clientId;
    const next = members[(members.indexOf(self) + 1) % members.length];
    this.topic = topic;
    if (next === this.neighbour) return;
    this.neighbour = next;
    this.again();
  }

  /** Compares soon, for instance because this member has changed its subscriptions. */
  again(): void {
    clearTimeout(this.timer);
    if (this.neighbour === undefined || this.neighbour === this.instance.clientId) return;
    this.timer = setTimeout(() => void this.compare(this.neighbour!), this.settleMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async compare(member: string): Promise<void> {
    const { group, instance } = this;
    let theirs: readonly SubscriptionData[];
    try {
      const address = instance.routes.anyBrokerOf(this.topic);
      if (address === undefined) return;
      const fields = { consumerGroup: group, clientId: member, jstackEnable: false };
      const { body } = await instance.api.call(address, Requests.getConsumerRunningInfo, fields);
      theirs = parseConsumerRunningInfo(body).subscriptionSet;
    } catch (error) {
      // It left meanwhile, or is of a kind that does not answer; or this client may not ask.
      instance.logger.debug(`member ${member} of group ${group} did not tell what it subscribes to`, { error });
      return;
    }
    const ours = this.described(this.subscriptions.forHeartbeat());
    const other = this.described(theirs);
    const warning = `members of group ${instance.namespace.unwrapGroup(group)} subscribe to different things: this one (${instance.clientId}) to ${ours}, ${member} to ${other}. Messages get lost that way: subscribe to the same topics with the same filters in all members, or use a group of its own for each.`;
    if (ours === other || warning === this.lastWarning) return;
    this.lastWarning = warning;
    instance.logger.warn(warning, { group, clientId: instance.clientId, ours, member, theirs: other });
  }

  /** `orders (paid || shipped), returns (*)`: alike for all spellings of one subscription. */
  private described(subscriptions: readonly SubscriptionData[]): string {
    return subscriptions
      .filter(({ topic }) => topic !== retryTopic(this.group))
      .map((subscription) => `${this.instance.namespace.unwrapTopic(subscription.topic)} (${filterOf(subscription)})`)
      .sort()
      .join(', ');
  }
}

function filterOf({ expressionType, subString, tagsSet }: SubscriptionData): string {
  if (expressionType !== ExpressionType.TAG) return `${expressionType} ${subString.trim()}`;
  return tagsSet.length === 0 ? '*' : [...new Set(tagsSet)].sort().join(' || ');
}
