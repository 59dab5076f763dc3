import {
  ConfigurationError,
  type ConsumeMessageDirectlyResult,
  createRequest,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  IndexType,
  KEY_SEPARATOR,
  type MessageExt,
  PropertyName,
  parseConsumeMessageDirectlyResult,
  parseQueryConsumeQueueResponse,
  type QueryConsumeQueueResponse,
  Requests,
  ResponseCode,
  validateGroup,
} from '@rocketnest/protocol';
import { formatAddress } from '@rocketnest/remoting';
import { bodyOf, responseError } from '../broker-api.js';
import { decompressBody } from '../compression.js';
import type { MessageQueue } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';
import type { ClientAdmin } from './clients.js';
import { type Gathered, gather, requireComplete } from './gathered.js';
import { type MessagePage, MessagePages, type PageOptions } from './message-pages.js';
import { type MessageTrack, MessageTracker } from './message-track.js';
import type { OffsetAdmin } from './offsets.js';
import { QueueReader } from './queue-reader.js';
import type { TopicAdmin } from './topics.js';

export interface QueryOptions {
  /** At most this many messages per broker. Default 32. */
  readonly max?: number;
  /** Stored at or after, ms since 1970. Default 0. */
  readonly begin?: number;
  /** Stored before, ms since 1970. Default: no limit. */
  readonly end?: number;
}

/** A message of a topic by its id: the client's (SendResult.msgId) or the broker's (SendResult.offsetMsgId). */
export interface MessageRef {
  readonly topic: string;
  readonly id: string;
}

export type ScanOptions = Omit<PageOptions, 'cursor' | 'limit'> & {
  /** Stop after this many. Default: no limit. */
  readonly max?: number;
};

/** The index keeps times in whole seconds after its file's first one: what it says is up to that much too early. */
const INDEX_RESOLUTION_MS = 1_000;
/** QUERY_MESSAGE's extra field: the key is a unique id. Java: MixAll.UNIQUE_MSG_QUERY_FLAG. */
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY';
const SCAN_PAGE = 256;
/** A consumer has 10 s to answer its broker; the broker's word on that should arrive. */
const CONSUME_TIMEOUT_MS = 12_000;

/** The areas a message's history is put together from. */
export interface MessageContext {
  readonly topics: TopicAdmin;
  readonly offsets: OffsetAdmin;
  readonly clients: ClientAdmin;
}

/** Stored messages: finding, reading, consuming them again. */
export class MessageAdmin {
  private readonly pages: MessagePages;
  private readonly reader: QueueReader;
  private readonly tracker: MessageTracker;

  constructor(
    private readonly brokers: BrokersOf,
    private readonly context: MessageContext,
  ) {
    this.pages = new MessagePages(brokers);
    this.reader = new QueueReader(brokers);
    this.tracker = new MessageTracker(brokers, context.offsets, context.clients);
  }

  /** A message by either id; undefined when there is none. */
  async view(topic: string, id: string): Promise<MessageExt | undefined> {
    const found = await this.byId(topic, id);
    if (found !== undefined || !isOffsetMsgId(id)) return found;
    return this.byOffsetId(topic, id);
  }

  /**
   * A message by the broker's id (SendResult.offsetMsgId). The id names the broker, which must be reachable by that address.
   * @throws ProtocolError when it is no such id, ResponseError when the broker has no such message
   */
  async byOffsetId(topic: string, offsetMsgId: string): Promise<MessageExt> {
    const { host, commitLogOffset } = decodeOffsetMsgId(offsetMsgId);
    const { body } = await this.brokers.instance.api.call(formatAddress(host), Requests.viewMessageById, {
      topic,
      offset: commitLogOffset,
    });
    return decodeMessage(body, 0, { decompress: decompressBody });
  }

  /** Messages of a topic with a key, over all its brokers; empty when there is none. */
  async byKey(topic: string, key: string, options: QueryOptions = {}): Promise<Gathered<MessageExt>> {
    const { items, failures } = await this.query(topic, key, IndexType.KEY, options);
    // The index knows hashes of keys only.
    const hit = (message: MessageExt): boolean =>
      message.topic === topic && message.properties[PropertyName.KEYS]?.split(KEY_SEPARATOR).includes(key) === true;
    return { items: items.filter(hit), failures };
  }

  /** A message by the client's id (SendResult.msgId); undefined when there is none. */
  async byId(topic: string, msgId: string, options: QueryOptions = {}): Promise<MessageExt | undefined> {
    const answers = await this.query(topic, msgId, IndexType.UNIQUE, options);
    const found = answers.items.find((message) => message.msgId === msgId);
    // "There is none" is only true when everybody said so.
    if (found === undefined) requireComplete(answers);
    return found;
  }

  /** The message at a place of a queue; undefined when there is none (any more). */
  async byOffset(queue: MessageQueue, offset: number): Promise<MessageExt | undefined> {
    checkOffset('offset', offset);
    return (await this.reader.readRange(queue, offset, offset + 1))[0];
  }

  /** Messages of a topic by the time they were stored, over all its queues, a page at a time. */
  byTime(topic: string, options?: PageOptions): Promise<MessagePage> {
    return this.pages.page(topic, options);
  }

  /**
   * All messages of a topic by the time they were stored: `for await (const message of admin.messages.scan(topic, { tags: 'a' }))`.
   * Reads 32 per queue ahead. Also of system topics: RMQ_SYS_TRANS_HALF_TOPIC has the undecided transactions.
   * @throws what a broker that fails failed with
   */
  async *scan(topic: string, options: ScanOptions = {}): AsyncGenerator<MessageExt, void, undefined> {
    const { max = Number.POSITIVE_INFINITY, ...range } = options;
    let left = max;
    let cursor: string | undefined;
    do {
      const limit = Math.min(SCAN_PAGE, left);
      if (limit <= 0) return;
      const page = await this.pages.page(topic, { ...range, limit, cursor });
      requireComplete(page);
      yield* page.items;
      left -= page.items.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** What each group that reads the topic did with a message, or only these groups. @throws ConfigurationError when there is no such message */
  async track(message: MessageExt | MessageRef, groups?: readonly string[]): Promise<MessageTrack[]> {
    const found = await this.resolve(message);
    const asked = groups ?? (await this.context.topics.groups(found.topic)).items;
    return this.tracker.track(found, asked);
  }

  /**
   * Hands a message to a consumer of a group once more, now, past all filters and offsets, and tells what its handler did.
   * @param clientId which member. Default: one of those connected
   * @throws ConfigurationError when there is no such message or no member is connected
   * @throws ResponseError when the consumer does not answer within 10 s
   */
  async consumeDirectly(
    group: string,
    message: MessageExt | MessageRef,
    clientId?: string,
  ): Promise<ConsumeMessageDirectlyResult> {
    validateGroup(group);
    const found = await this.resolve(message);
    const member = clientId ?? (await this.context.clients.consumers(group)).members[0]?.clientId;
    if (member === undefined) {
      throw new ConfigurationError(
        `Group ${group} has no connected consumer that could consume message ${found.msgId}. Start one.`,
        { context: { group, msgId: found.msgId } },
      );
    }
    const { body } = await this.brokers.instance.api.call(
      formatAddress(found.storeHost),
      Requests.consumeMessageDirectly,
      { consumerGroup: group, clientId: member, topic: found.topic, msgId: found.offsetMsgId },
      { timeoutMs: CONSUME_TIMEOUT_MS },
    );
    return parseConsumeMessageDirectlyResult(body);
  }

  /**
   * Starts the checks of a half message again that was given up after too many (it lies in TRANS_CHECK_MAX_TIME_TOPIC), or of one that
   * is still being checked.
   */
  async resumeHalf(message: MessageExt | MessageRef): Promise<void> {
    const { topic, offsetMsgId: msgId, storeHost } = await this.resolve(message);
    await this.brokers.instance.api.call(formatAddress(storeHost), Requests.resumeCheckHalfMessage, { topic, msgId });
  }

  /**
   * Entries of a consume queue: where messages lie in the commit log, and the hashes of their tags. With a group also whether its
   * subscription takes each. Java: mqadmin queryCq.
   * @param index the first queue offset
   * @param count how many. Default 10
   */
  async consumeQueue(
    queue: MessageQueue,
    index: number,
    count = 10,
    group?: string,
  ): Promise<QueryConsumeQueueResponse> {
    checkOffset('index', index);
    const { topic, queueId } = queue;
    const { body } = await this.brokers.instance.api.call(
      await this.brokers.masterOf(queue),
      Requests.queryConsumeQueue,
      { topic, queueId, index, count, ...(group === undefined ? {} : { consumerGroup: group }) },
    );
    return parseQueryConsumeQueueResponse(body);
  }

  private async resolve(message: MessageExt | MessageRef): Promise<MessageExt> {
    if (!('id' in message)) return message;
    const { topic, id } = message;
    const found = await this.view(topic, id);
    if (found !== undefined) return found;
    throw new ConfigurationError(
      `Topic ${topic} has no message ${id}. Check both; the message may be older than the brokers keep messages (fileReservedTime).`,
      { context: { topic, id } },
    );
  }

  private async query(
    topic: string,
    key: string,
    indexType: string,
    options: QueryOptions,
  ): Promise<Gathered<MessageExt>> {
    const { begin = 0, end = Number.MAX_SAFE_INTEGER } = options;
    const request = (): ReturnType<typeof createRequest> => {
      const command = createRequest(Requests.queryMessage, {
        topic,
        key,
        maxNum: options.max ?? 32,
        beginTimestamp: Math.max(0, begin - INDEX_RESOLUTION_MS),
        endTimestamp: end,
        indexType,
      });
      command.extFields[UNIQUE_KEY_QUERY] = String(indexType === IndexType.UNIQUE);
      return command;
    };
    return gather(await this.brokers.ofTopic(topic), async ({ address, brokerName }) => {
      const response = await this.brokers.instance.remoting.request(address, request());
      if (response.code === ResponseCode.QUERY_NOT_FOUND) return [];
      if (response.code !== ResponseCode.SUCCESS) throw responseError('QUERY_MESSAGE', address, response);
      const messages = decodeMessages(bodyOf(response), { decompress: decompressBody });
      for (const message of messages) message.brokerName = brokerName;
      return messages.filter(({ storeTimestamp }) => storeTimestamp >= begin && storeTimestamp < end);
    });
  }
}

/** The broker's ids have a host that is an address: 4 bytes or 16, port, commit log offset. */
function isOffsetMsgId(id: string): boolean {
  if (!/^(?:[0-9A-F]{32}|[0-9A-F]{56})$/i.test(id)) return false;
  const { host, commitLogOffset } = decodeOffsetMsgId(id);
  return host.port > 0 && host.port <= 65_535 && Number.isSafeInteger(commitLogOffset) && commitLogOffset >= 0;
}

function checkOffset(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new ConfigurationError(`${name} is ${value}; give a whole number from 0.`, { context: { [name]: value } });
}
