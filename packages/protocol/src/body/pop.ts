/** Bodies of server-side assignment and pop consumption. */

import { messageModel } from './heartbeat.js';
import {
  bodyCodec,
  int,
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
  messageQueueAssignments: listOrEmpty(
    object({ messageQueue, mode: withDefault(requestMode, 'PULL'), attachments: optional(record(str)) }),
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
