import {
  createRequest,
  decodeMessage,
  decodeMessages,
  decodeOffsetMsgId,
  IndexType,
  KEY_SEPARATOR,
  type MessageExt,
  PropertyName,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { formatAddress } from '@rocketnest/remoting';
import { bodyOf, responseError } from '../broker-api.js';
import { decompressBody } from '../compression.js';
import type { BrokersOf } from './brokers-of.js';
import { type Gathered, gather, requireComplete } from './gathered.js';

export interface QueryOptions {
  /** At most this many messages per broker. Default 32. */
  readonly max?: number;
  /** Stored at or after, ms since 1970. Default 0. */
  readonly begin?: number;
  /** Stored before, ms since 1970. Default: no limit. */
  readonly end?: number;
}

/** QUERY_MESSAGE's extra field: the key is a unique id. Java: MixAll.UNIQUE_MSG_QUERY_FLAG. */
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY';

export class MessageAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** A message by the broker's id (SendResult.offsetMsgId). The id names the broker, which must be reachable by that address. */
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

  private async query(
    topic: string,
    key: string,
    indexType: string,
    options: QueryOptions,
  ): Promise<Gathered<MessageExt>> {
    const request = (): ReturnType<typeof createRequest> => {
      const command = createRequest(Requests.queryMessage, {
        topic,
        key,
        maxNum: options.max ?? 32,
        beginTimestamp: options.begin ?? 0,
        endTimestamp: options.end ?? Number.MAX_SAFE_INTEGER,
        indexType,
      });
      command.extFields[UNIQUE_KEY_QUERY] = String(indexType === IndexType.UNIQUE);
      return command;
    };
    return gather(await this.brokers.ofTopic(topic), async ({ address }) => {
      const response = await this.brokers.instance.remoting.request(address, request());
      if (response.code === ResponseCode.QUERY_NOT_FOUND) return [];
      if (response.code !== ResponseCode.SUCCESS) throw responseError('QUERY_MESSAGE', address, response);
      return decodeMessages(bodyOf(response), { decompress: decompressBody });
    });
  }
}
