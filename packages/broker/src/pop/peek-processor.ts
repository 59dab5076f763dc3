import {
  createResponse,
  encodeFields,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { GetStatus } from '@rocketnest/store';
import { type ProcessorRow, row } from '../processors/row.js';
import { accessOf, isRefusal } from './access.js';
import { MAX_ANSWER_BYTES, MAX_POP_MESSAGES, queueKey, retryTopicOf } from './names.js';
import type { PopParts } from './parts.js';

type Fields = RequestFields<typeof Requests.peekMessage>;

/** One look in so many begins at the retry topic. */
const RETRY_FIRST_EVERY = 5;

/** PEEK_MESSAGE (`PeekMessageProcessor`): what a pop would get, without popping it. */
export const peekProcessors = (parts: PopParts): readonly ProcessorRow[] => [
  row(Requests.peekMessage, (fields, request, connection) => peek(parts, fields, request, connection)),
];

async function peek(
  parts: PopParts,
  fields: Fields,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const { context } = parts;
  const access = accessOf(context, fields, request, connection);
  if (isRefusal(access)) return access;
  const random = Math.floor(Math.random() * 100);
  const retryFirst = random % RETRY_FIRST_EVERY === 0;
  const retryTopic = retryTopicOf(context.options, fields.topic, fields.consumerGroup);
  const look = new Look(parts, fields.consumerGroup, Math.min(fields.maxMsgNums, MAX_POP_MESSAGES));
  if (retryFirst) await look.intoTopic(retryTopic, random);
  if (fields.queueId < 0) await look.intoTopic(fields.topic, random);
  else await look.intoQueue(fields.topic, fields.queueId);
  if (!retryFirst && !look.isFull) await look.intoTopic(retryTopic, random);

  const found = look.buffers.length > 0;
  if (found) context.stats.got(fields.consumerGroup, fields.topic, look.buffers.length, look.bytes);
  return createResponse(
    request,
    found ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND,
    found ? GetStatus.FOUND : GetStatus.NO_MESSAGE_IN_QUEUE,
    encodeFields(Requests.popMessage.response, { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: look.rest }),
    found ? look.buffers : null,
  );
}

class Look {
  readonly buffers: Buffer[] = [];
  rest = 0;
  bytes = 0;

  constructor(
    private readonly parts: PopParts,
    private readonly group: string,
    private readonly maxMessages: number,
  ) {}

  get isFull(): boolean {
    return this.buffers.length >= this.maxMessages || this.bytes >= MAX_ANSWER_BYTES;
  }

  async intoTopic(topic: string, first: number): Promise<void> {
    const queues = this.parts.context.topics.get(topic)?.readQueueNums ?? 0;
    for (let step = 0; step < queues; step++) await this.intoQueue(topic, (first + step) % queues);
  }

  async intoQueue(topic: string, queueId: number): Promise<void> {
    const { store } = this.parts.context;
    const offset = nextOffset(this.parts, topic, this.group, queueId);
    this.rest += store.maxOffset(topic, queueId) - offset;
    if (this.isFull) return;
    const read = (from: number) =>
      store.get(topic, queueId, from, this.maxMessages - this.buffers.length, MAX_ANSWER_BYTES);
    let result = await read(offset);
    if (result.status === GetStatus.OFFSET_TOO_SMALL || result.status === GetStatus.OFFSET_OVERFLOW_BADLY) {
      result = await read(result.nextBeginOffset);
    }
    this.buffers.push(...result.buffers);
    this.bytes += result.bytes;
  }
}

/** Where the next pop of a group goes on; a group without offset at the beginning. */
export function nextOffset({ context, checkPoints }: PopParts, topic: string, group: string, queueId: number): number {
  const committed = context.offsets.query(group, topic, queueId);
  const offset = committed < 0 ? context.store.minOffset(topic, queueId) : committed;
  return Math.max(offset, checkPoints.latestOffset(queueKey(topic, group, queueId)));
}
