import {
  decodeFields,
  decodeMessages,
  type MessageExt,
  PropertyName,
  PullSysFlag,
  type RemotingCommand,
  Requests,
  ResponseCode,
  TOOLS_CONSUMER_GROUP,
} from '@rocketnest/protocol';
import { bodyOf, responseError } from '../broker-api.js';
import { decompressBody } from '../compression.js';
import type { MessageQueue } from '../message-queue.js';
import type { BrokersOf } from './brokers-of.js';

/** Messages asked for at once; brokers give at most 32 anyway. */
export const READ_BATCH = 32;

export interface QueueSlice {
  readonly messages: readonly MessageExt[];
  /** Where to go on; the same offset when there is nothing more. */
  readonly next: number;
}

/** Which messages: tags as consumers write them. */
export interface TagFilter {
  readonly expression: string;
  matches(message: MessageExt): boolean;
}

/** "a || b", "*" for all. Brokers compare hashes of tags: what they let through is compared again. */
export function tagFilter(expression = '*'): TagFilter {
  const tags = new Set(expression.split('||').map((tag) => tag.trim()));
  const all = tags.has('*') || tags.has('');
  return {
    expression: all ? '*' : [...tags].join('||'),
    matches: ({ properties }) => all || tags.has(properties[PropertyName.TAGS] ?? ''),
  };
}

/** Reads queues as a consumer would, without a group: nothing is committed. Java: PrintMessageSubCommand. */
export class QueueReader {
  constructor(private readonly brokers: BrokersOf) {}

  /** One pull. Skips what retention has deleted. @throws ResponseError when the broker refuses, for example since the topic is not readable */
  async read(queue: MessageQueue, from: number, filter: TagFilter = ALL): Promise<QueueSlice> {
    const { instance } = this.brokers;
    const address = await this.brokers.serving(queue);
    const response = await new Promise<RemotingCommand>((resolve, reject) => {
      instance.api.pullMessage(
        address,
        {
          consumerGroup: TOOLS_CONSUMER_GROUP,
          topic: queue.topic,
          queueId: queue.queueId,
          queueOffset: from,
          maxMsgNums: READ_BATCH,
          sysFlag: PullSysFlag.SUBSCRIPTION,
          commitOffset: 0,
          suspendTimeoutMillis: 0,
          subscription: filter.expression,
          subVersion: 0,
          bname: queue.brokerName,
        },
        instance.options.requestTimeoutMs,
        (error, answer) => (error ? reject(error) : resolve(answer!)),
      );
    });
    const { nextBeginOffset } = response.extFields;
    if (!ANSWERS.has(response.code) || nextBeginOffset === undefined)
      throw responseError('PULL_MESSAGE', address, response);
    const { nextBeginOffset: next } = decodeFields(Requests.pullMessage.response, response.extFields, 'PULL_MESSAGE');
    if (response.code !== ResponseCode.SUCCESS) return { messages: [], next };
    const messages = decodeMessages(bodyOf(response), { decompress: decompressBody }).filter(filter.matches);
    for (const message of messages) message.brokerName = queue.brokerName;
    return { messages, next };
  }

  /** All messages of [from, to). */
  async readRange(queue: MessageQueue, from: number, to: number, filter?: TagFilter): Promise<MessageExt[]> {
    const found: MessageExt[] = [];
    for (let at = from; at < to; ) {
      const { messages, next } = await this.read(queue, at, filter);
      found.push(...messages.filter(({ queueOffset }) => queueOffset >= from && queueOffset < to));
      if (next <= at) break;
      at = next;
    }
    return found;
  }
}

const ALL = tagFilter();

/** Each of these says where to go on. */
const ANSWERS: ReadonlySet<number> = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);
