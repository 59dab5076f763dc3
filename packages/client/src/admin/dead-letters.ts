import {
  CLIENT_INNER_PRODUCER_GROUP,
  ConfigurationError,
  dlqTopic,
  encodeProperties,
  isDlqTopic,
  type MessageExt,
  NoRouteError,
  PropertyName,
  Requests,
  ReservedPropertyNames,
  retryTopic,
  SystemTopic,
  validateGroup,
} from '@rocketnest/protocol';
import { DEAD_LETTER_REASON } from '../consumer/send-back.js';
import type { BrokersOf } from './brokers-of.js';
import type { Gathered } from './gathered.js';
import type { PageOptions } from './message-pages.js';
import type { MessageAdmin, ScanOptions } from './messages.js';
import type { TopicAdmin } from './topics.js';

/** A message a group gave up after too many attempts. */
export interface DeadLetter {
  readonly message: MessageExt;
  /** Where it was sent to first; undefined when the broker did not keep it. */
  readonly originTopic: string | undefined;
  /** Id of the first message (SendResult.msgId); consumers saw it with this id. */
  readonly originMsgId: string;
  /** Why it was given up, when its consumer said so (RocketNest's do). */
  readonly reason?: string;
}

/** The dead letters of one group. */
export interface DeadLetterCount {
  readonly group: string;
  readonly topic: string;
  /** Messages in the dead letter topic: those sent again are still there, those retention deleted are not. */
  readonly count: number;
  /** When the newest came, ms since 1970; 0: never. */
  readonly lastTimestamp: number;
}

/** Who gets a dead letter again: only the group that gave it up, or all groups that read the topic. */
export type ResendTarget = 'group' | 'topic';

export interface ResendResult {
  readonly sent: number;
  /** Ids of those that could not be sent, and why. */
  readonly failures: readonly { readonly msgId: string; readonly error: Error }[];
}

/** A line of an export. */
export interface ExportedDeadLetter {
  readonly msgId: string;
  readonly topic: string | null;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly properties: Readonly<Record<string, string>>;
  readonly reconsumeTimes: number;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  /** Base64. */
  readonly body: string;
}

/** Properties of the system that a message keeps when it is sent again: they are part of what the user sent. */
const KEPT: ReadonlySet<string> = new Set([
  PropertyName.TAGS,
  PropertyName.KEYS,
  PropertyName.SHARDING_KEY,
  PropertyName.UNIQ_KEY,
  PropertyName.ORIGIN_MESSAGE_ID,
]);

const SENDS_AT_ONCE = 32;

/** Dead letters: the messages groups gave up. */
export class DeadLetterAdmin {
  constructor(
    private readonly brokers: BrokersOf,
    private readonly topics: TopicAdmin,
    private readonly messages: MessageAdmin,
  ) {}

  /** Groups that have a dead letter topic, the most letters first. */
  async overview(): Promise<Gathered<DeadLetterCount>> {
    const topics = (await this.topics.list()).filter(isDlqTopic);
    const counts = await Promise.all(
      topics.map(async (topic) => {
        const { items, failures } = await this.topics.stats(topic);
        const count = items.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
        const lastTimestamp = items.reduce((latest, queue) => Math.max(latest, queue.lastUpdateTimestamp), 0);
        return { count: { group: topic.slice(dlqTopic('').length), topic, count, lastTimestamp }, failures };
      }),
    );
    return {
      items: counts.map(({ count }) => count).sort((a, b) => b.count - a.count),
      failures: counts.flatMap(({ failures }) => failures),
    };
  }

  /** A page of a group's dead letters, by the time they were given up. No page of a group without any is an error: it is empty. */
  async list(
    group: string,
    options?: PageOptions,
  ): Promise<Gathered<DeadLetter> & { readonly cursor: string | undefined }> {
    validateGroup(group);
    try {
      const { items, failures, cursor } = await this.messages.byTime(dlqTopic(group), options);
      return { items: items.map(deadLetter), failures, cursor };
    } catch (error) {
      if (error instanceof NoRouteError) return { items: [], failures: [], cursor: undefined };
      throw error;
    }
  }

  /**
   * Sends dead letters of a group again, with all their attempts before them. To the `group` (the default) only: through its retry
   * topic, so that other groups do not see them twice. To the `topic`: to everybody who reads it. They keep id, keys, tags and
   * properties; the dead letters stay where they are, until retention deletes them.
   * @param letters those of `list`, messages, or their ids (the original ones or those in the dead letter topic)
   * @throws ConfigurationError when there is no such dead letter
   */
  async resend(
    group: string,
    letters: readonly (DeadLetter | MessageExt | string)[],
    to: ResendTarget = 'group',
  ): Promise<ResendResult> {
    validateGroup(group);
    const found = await Promise.all(letters.map((letter) => this.find(group, letter)));
    return this.sendAll(group, found, to);
  }

  /** Sends all dead letters of a group again that were given up in a time, or all there are now. */
  async resendAll(group: string, range: ScanOptions = {}, to: ResendTarget = 'group'): Promise<ResendResult> {
    validateGroup(group);
    return this.sendAll(group, this.scan(group, range), to);
  }

  /** One JSON text per dead letter, without line end, in the order they were given up: see ExportedDeadLetter. */
  async *export(group: string, range: ScanOptions = {}): AsyncGenerator<string, void, undefined> {
    validateGroup(group);
    for await (const message of this.scan(group, range)) {
      const { originTopic, originMsgId } = deadLetter(message);
      const { properties, reconsumeTimes, bornTimestamp, storeTimestamp, body } = message;
      const line: ExportedDeadLetter = {
        msgId: originMsgId,
        topic: originTopic ?? null,
        tags: properties[PropertyName.TAGS] ?? null,
        keys: properties[PropertyName.KEYS] ?? null,
        properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !ReservedPropertyNames.has(name))),
        reconsumeTimes,
        bornTimestamp,
        storeTimestamp,
        body: body.toString('base64'),
      };
      yield JSON.stringify(line);
    }
  }

  private async *scan(group: string, range: ScanOptions): AsyncGenerator<MessageExt, void, undefined> {
    try {
      yield* this.messages.scan(dlqTopic(group), range);
    } catch (error) {
      if (!(error instanceof NoRouteError)) throw error;
    }
  }

  private async find(group: string, letter: DeadLetter | MessageExt | string): Promise<MessageExt> {
    if (typeof letter !== 'string') return 'message' in letter ? letter.message : letter;
    const topic = dlqTopic(group);
    const found = await this.messages.view(topic, letter);
    if (found !== undefined) return found;
    throw new ConfigurationError(
      `Group ${group} has no dead letter ${letter}. See deadLetters.list for those it has; retention may have deleted it.`,
      { context: { group, id: letter } },
    );
  }

  private async sendAll(
    group: string,
    letters: Iterable<MessageExt> | AsyncIterable<MessageExt>,
    to: ResendTarget,
  ): Promise<ResendResult> {
    let sent = 0;
    const failures: { msgId: string; error: Error }[] = [];
    const attempt = async (message: MessageExt): Promise<void> => {
      try {
        await this.send(group, message, to);
        sent++;
      } catch (error) {
        failures.push({ msgId: message.msgId, error: error as Error });
      }
    };
    let underWay: Promise<void>[] = [];
    for await (const message of letters) {
      if (underWay.push(attempt(message)) < SENDS_AT_ONCE) continue;
      await Promise.all(underWay);
      underWay = [];
    }
    await Promise.all(underWay);
    return { sent, failures };
  }

  private async send(group: string, message: MessageExt, to: ResendTarget): Promise<void> {
    const { originTopic, originMsgId } = deadLetter(message);
    if (originTopic === undefined) {
      throw new ConfigurationError(
        `Dead letter ${message.msgId} of group ${group} does not say where it came from. Send its body with a Producer.`,
        { context: { group, msgId: message.msgId } },
      );
    }
    const properties = Object.fromEntries(
      Object.entries(message.properties).filter(([name]) => KEPT.has(name) || !ReservedPropertyNames.has(name)),
    );
    delete properties[PropertyName.DLQ_ORIGIN_TOPIC];
    delete properties[PropertyName.DLQ_ORIGIN_MESSAGE_ID];
    delete properties[DEAD_LETTER_REASON];
    if (to === 'group') {
      properties[PropertyName.RETRY_TOPIC] = originTopic;
      properties[PropertyName.ORIGIN_MESSAGE_ID] ??= originMsgId;
    }
    const topic = to === 'group' ? retryTopic(group) : originTopic;
    const queue = await this.queueFor(topic, message.brokerName, group);
    await this.brokers.instance.api.call(
      await this.brokers.masterOf(queue),
      Requests.sendMessageV2,
      {
        producerGroup: CLIENT_INNER_PRODUCER_GROUP,
        topic,
        defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
        defaultTopicQueueNums: 4,
        queueId: queue.queueId,
        // The body is not compressed any more.
        sysFlag: 0,
        bornTimestamp: message.bornTimestamp,
        flag: message.flag,
        properties: encodeProperties(properties),
        reconsumeTimes: 0,
        unitMode: false,
        batch: false,
        bname: queue.brokerName,
      },
      { body: message.body },
    );
  }

  /** Any queue, on the broker that has the dead letter if it has one. */
  private async queueFor(topic: string, brokerName: string | undefined, group: string) {
    const { routes } = this.brokers.instance;
    const queues = (routes.get(topic) ?? (await routes.refresh(topic)))?.publishQueues ?? [];
    if (queues.length === 0) {
      throw new NoRouteError(
        `Topic ${topic} does not exist or is not writable, so dead letters of group ${group} cannot be sent there. Start a consumer of the group once: its brokers then create it.`,
        { context: { topic, group } },
      );
    }
    const near = queues.filter((queue) => queue.brokerName === brokerName);
    const from = near.length > 0 ? near : queues;
    return from[Math.floor(Math.random() * from.length)]!;
  }
}

function deadLetter(message: MessageExt): DeadLetter {
  const { properties } = message;
  const reason = properties[DEAD_LETTER_REASON];
  return {
    ...(reason === undefined ? {} : { reason }),
    message,
    originTopic: properties[PropertyName.DLQ_ORIGIN_TOPIC] ?? properties[PropertyName.RETRY_TOPIC],
    originMsgId: properties[PropertyName.DLQ_ORIGIN_MESSAGE_ID] ?? properties[PropertyName.UNIQ_KEY] ?? message.msgId,
  };
}
