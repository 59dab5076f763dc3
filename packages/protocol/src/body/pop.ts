/** Bodies of server-side assignment and pop consumption. */

import { messageModel } from './heartbeat.js';
import {
  bodyCodec,
  bool,
  byNumber,
  int,
  list,
  listOrEmpty,
  long,
  messageQueue,
  object,
  oneOf,
  optional,
  orEmpty,
  type Parsed,
  record,
  str,
  withDefault,
} from './shape.js';

/** Java: `MessageRequestMode`. */
const requestMode = oneOf(['PULL', 'POP']);

const queryAssignmentFields = {
  topic: str,
  consumerGroup: str,
  clientId: str,
  strategyName: optional(str),
  messageModel: withDefault(messageModel, 'CLUSTERING'),
};
/** QUERY_ASSIGNMENT. Java: `QueryAssignmentRequestBody`. */
export type QueryAssignmentRequest = Parsed<typeof queryAssignmentFields>;
export const { encode: encodeQueryAssignmentRequest, parse: parseQueryAssignmentRequest } = bodyCodec(
  'QueryAssignmentRequestBody',
  queryAssignmentFields,
);

const assignmentsFields = {
  /** Missing: the broker cannot say, the member keeps what it has. Empty: the member gets nothing. */
  messageQueueAssignments: optional(
    list(object({ messageQueue, mode: withDefault(requestMode, 'PULL'), attachments: optional(record(str)) })),
  ),
};
/** QUERY_ASSIGNMENT. Java: `QueryAssignmentResponseBody`. */
export type QueryAssignmentResponse = Parsed<typeof assignmentsFields>;
export const { encode: encodeQueryAssignmentResponse, parse: parseQueryAssignmentResponse } = bodyCodec(
  'QueryAssignmentResponseBody',
  assignmentsFields,
);

const requestModeFields = {
  topic: str,
  consumerGroup: str,
  mode: withDefault(requestMode, 'PULL'),
  popShareQueueNum: withDefault(int, 0),
};
/** SET_MESSAGE_REQUEST_MODE. Java: `SetMessageRequestModeRequestBody`. */
export type SetMessageRequestModeRequest = Parsed<typeof requestModeFields>;
export const { encode: encodeSetMessageRequestModeRequest, parse: parseSetMessageRequestModeRequest } = bodyCodec(
  'SetMessageRequestModeRequestBody',
  requestModeFields,
);

const requestModesFields = {
  /** Topic → group → mode. */
  messageRequestModeMap: orEmpty(record(record(object(requestModeFields)))),
};
/** `config/messageRequestMode.json` and GET_ALL_MESSAGE_REQUEST_MODE. Java: `MessageRequestModeSerializeWrapper`. */
export type MessageRequestModes = Parsed<typeof requestModesFields>;
export const { encode: encodeMessageRequestModes, parse: parseMessageRequestModes } = bodyCodec(
  'MessageRequestModeSerializeWrapper',
  requestModesFields,
);

const batchAckFields = {
  brokerName: optional(str),
  acks: listOrEmpty(
    object({
      /** Consumer group. */
      c: str,
      /** Topic. */
      t: str,
      /** Retry flag. */
      r: optional(str),
      /** Start offset. */
      so: long,
      /** Queue id. */
      q: int,
      /** Revive queue id. */
      rq: int,
      /** Pop time, milliseconds since 1970. */
      pt: long,
      /** Invisible time, milliseconds. */
      it: long,
      /** Which messages: a bit set from the lowest bit of the first byte on, base64. */
      b: str,
    }),
  ),
};
/** BATCH_ACK_MESSAGE. Java: `BatchAckMessageRequestBody`. */
export type BatchAckRequest = Parsed<typeof batchAckFields>;
export const { encode: encodeBatchAckRequest, parse: parseBatchAckRequest } = bodyCodec(
  'BatchAckMessageRequestBody',
  batchAckFields,
);

/**
 * The offsets that the bits of a {@link BatchAckRequest} name, in ascending order, as far as they lie in `[min, max]`.
 * Java: `BitSet.toByteArray`, base64.
 */
export function offsetsOfBits(
  bits: string,
  startOffset: number,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): number[] {
  const offsets: number[] = [];
  const bytes = Buffer.from(bits, 'base64');
  // Bytes that say nothing in range are not looked at: a request may bring millions.
  const first = Math.max(0, Math.floor((min - startOffset) / 8));
  const last = Math.min(bytes.length - 1, Math.floor((max - startOffset) / 8));
  for (let index = first; index <= last; index++) {
    for (let bit = 0, offset = startOffset + index * 8; bit < 8; bit++, offset++) {
      if ((bytes[index]! & (1 << bit)) !== 0 && offset >= min && offset <= max) offsets.push(offset);
    }
  }
  return offsets;
}

/** The bits that name these offsets, each from `startOffset` on. */
export function bitsOfOffsets(offsets: readonly number[], startOffset: number): string {
  const bytes = Buffer.alloc(offsets.length === 0 ? 0 : ((Math.max(...offsets) - startOffset) >> 3) + 1);
  for (const offset of offsets) bytes[(offset - startOffset) >> 3]! |= 1 << ((offset - startOffset) & 7);
  return bytes.toString('base64');
}

const checkPointFields = {
  /** Queue offset of the first message. */
  so: long,
  /** Pop time, milliseconds since 1970. */
  pt: long,
  /** Invisible time, milliseconds. */
  it: long,
  /** Acknowledged messages, by index; always 0 on disk. */
  bm: withDefault(int, 0),
  /** Number of messages. */
  n: int,
  /** Queue id. */
  q: int,
  /** Topic. Java skips check points without topic or group. */
  t: str,
  /** Consumer group. */
  c: str,
  /** Where in the revive topic it was found; always 0 on disk. */
  ro: withDefault(long, 0),
  /** Distance of each message from the first. Old check points lack it: their messages follow each other. */
  d: listOrEmpty(int),
  /** Broker name. */
  bn: optional(str),
  /** How often it was written again because reviving failed. */
  rp: optional(str),
  /** The message returns without counting the attempt. */
  sp: withDefault(bool, false),
  /** `pt + it`; a getter in Java, written and never read. */
  reviveTime: optional(long),
};
/** A message of the revive topic with tag `ck`: messages that were popped together. Java: `PopCheckPoint`. */
export type PopCheckPoint = Parsed<typeof checkPointFields>;
export const { encode: encodePopCheckPoint, parse: parsePopCheckPoint } = bodyCodec('PopCheckPoint', checkPointFields);

const ackFields = {
  /** Queue offset of the acknowledged message; -1 in a batch. */
  ao: withDefault(long, 0),
  /** Queue offsets of a batch. */
  aol: optional(list(long)),
  /** First queue offset of the check point. */
  so: long,
  /** Consumer group. */
  c: str,
  /** Topic. */
  t: str,
  /** Queue id. */
  q: int,
  /** Pop time, milliseconds since 1970. */
  pt: long,
  /** Broker name; batch acknowledgements of the merge buffer lack it. */
  bn: optional(str),
};
/** A message of the revive topic with tag `ack` or `bAck`. Java: `AckMsg`, `BatchAckMsg`. */
export type PopAck = Parsed<typeof ackFields>;
export const { encode: encodePopAck, parse: parsePopAck } = bodyCodec('AckMsg', ackFields);

const orderInfoFields = {
  /** When the messages were popped, milliseconds since 1970. */
  popTime: long,
  /** Invisible time, milliseconds. */
  i: optional(long),
  /** The first queue offset, then the distance of each further message from it. */
  o: listOrEmpty(long),
  /** Queue offset → when the message is visible again. */
  ot: optional(byNumber(long)),
  /** Queue offset → how often the message was popped before. */
  oc: optional(byNumber(int)),
  /** Last pop, milliseconds since 1970. */
  l: withDefault(long, 0),
  /** Acknowledged messages, a bit each by index. */
  cm: withDefault(long, 0),
  /** Attempt id. */
  a: optional(str),
};
/** What is popped from one queue in order and not acknowledged. Java: `QueueLevelConsumerManager.OrderInfo`. */
export type PopOrderInfo = Parsed<typeof orderInfoFields>;

const orderTableFields = {
  /** `topic@group` → queue id → what is popped. */
  table: orEmpty(record(byNumber(object(orderInfoFields)))),
};
/** `config/consumerOrderInfo.json`. Java: `QueueLevelConsumerManager`. */
export type PopOrderTable = Parsed<typeof orderTableFields>;
export const { encode: encodePopOrderTable, parse: parsePopOrderTable } = bodyCodec(
  'QueueLevelConsumerManager',
  orderTableFields,
);
