import type { MessageExt } from '@rocketnest/protocol';
import { NoRouteError, PropertyName } from '@rocketnest/protocol';
import { formatAddress } from '@rocketnest/remoting';
import type { BrokersOf } from './brokers-of.js';
import type { ClientAdmin } from './clients.js';
import type { OffsetAdmin } from './offsets.js';

/** What one group did with one message. */
export interface MessageTrack {
  readonly group: string;
  /**
   * CONSUMED; CONSUMED_BUT_FILTERED: passed, since its tag is not subscribed; NOT_CONSUME_YET; NOT_ONLINE: no member is connected;
   * PULL: the group's members pull by themselves; CONSUME_BROADCASTING: members keep their offsets for themselves; UNKNOWN: see
   * `error`. Java: TrackType.
   */
  readonly status:
    | 'CONSUMED'
    | 'CONSUMED_BUT_FILTERED'
    | 'NOT_CONSUME_YET'
    | 'NOT_ONLINE'
    | 'PULL'
    | 'CONSUME_BROADCASTING'
    | 'UNKNOWN';
  /** Whether the group's offset is behind the message, connected or not; undefined when brokers do not know. */
  readonly passed: boolean | undefined;
  readonly error?: Error;
}

/** Finds out which groups consumed a message. Java: DefaultMQAdminExtImpl.messageTrackDetail. */
export class MessageTracker {
  constructor(
    private readonly brokers: BrokersOf,
    private readonly offsets: OffsetAdmin,
    private readonly clients: ClientAdmin,
  ) {}

  async track(message: MessageExt, groups: readonly string[]): Promise<MessageTrack[]> {
    const brokerName = await this.brokerOf(message);
    return Promise.all(groups.map((group) => this.trackGroup(message, brokerName, group)));
  }

  private async trackGroup(message: MessageExt, brokerName: string | undefined, group: string): Promise<MessageTrack> {
    let passed: boolean | undefined;
    try {
      passed = await this.passed(message, brokerName, group);
      const { members, consumeType, messageModel, subscriptionTable } = await this.clients.consumers(group);
      const track = (status: MessageTrack['status']): MessageTrack => ({ group, status, passed });
      if (members.length === 0) return track('NOT_ONLINE');
      if (messageModel === 'BROADCASTING') return track('CONSUME_BROADCASTING');
      if (consumeType === 'CONSUME_ACTIVELY') return track('PULL');
      if (passed === undefined) {
        const error = new NoRouteError(
          `No broker tells where group ${group} is in the queue of message ${message.msgId}.`,
        );
        return { ...track('UNKNOWN'), error };
      }
      if (!passed) return track('NOT_CONSUME_YET');
      const tags = subscriptionTable[message.topic]?.tagsSet ?? [];
      const wanted =
        tags.length === 0 || tags.includes('*') || tags.includes(message.properties[PropertyName.TAGS] ?? '');
      return track(wanted ? 'CONSUMED' : 'CONSUMED_BUT_FILTERED');
    } catch (error) {
      if (error instanceof NoRouteError) return { group, status: 'NOT_ONLINE', passed };
      return { group, status: 'UNKNOWN', passed, error: error as Error };
    }
  }

  private async passed({ topic, queueId, queueOffset }: MessageExt, brokerName: string | undefined, group: string) {
    const { items } = await this.offsets.progress(group, topic);
    const row = items.find(
      ({ queue }) => queue.topic === topic && queue.queueId === queueId && queue.brokerName === brokerName,
    );
    return row === undefined ? undefined : row.consumerOffset > queueOffset;
  }

  /** The broker that stores the message: who has its store host as an address. */
  private async brokerOf(message: MessageExt): Promise<string | undefined> {
    if (message.brokerName !== undefined) return message.brokerName;
    const host = formatAddress(message.storeHost);
    return (await this.brokers.members()).find(({ address }) => address === host)?.brokerName;
  }
}
