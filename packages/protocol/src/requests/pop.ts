/** Server-side assignment and pop consumption. */

import { field } from '../field.js';
import { request, topicFields } from './define.js';

const { string, int, long, bool } = field;

export const popRequests = {
  queryAssignment: request('QUERY_ASSIGNMENT'),
  setMessageRequestMode: request('SET_MESSAGE_REQUEST_MODE'),
  getAllMessageRequestMode: request('GET_ALL_MESSAGE_REQUEST_MODE'),
  popMessage: request(
    'POP_MESSAGE',
    {
      consumerGroup: string(),
      topic: string(),
      queueId: int(),
      maxMsgNums: int(),
      invisibleTime: long(),
      pollTime: long(),
      bornTime: long(),
      initMode: int(),
      expType: string().optional(),
      exp: string().optional(),
      order: bool().optional(),
      attemptId: string().optional(),
      ...topicFields,
    },
    {
      popTime: long(),
      invisibleTime: long(),
      reviveQid: int(),
      restNum: long(),
      startOffsetInfo: string().optional(),
      msgOffsetInfo: string().optional(),
      orderCountInfo: string().optional(),
    },
  ),
  ackMessage: request('ACK_MESSAGE', {
    consumerGroup: string(),
    topic: string(),
    queueId: int(),
    extraInfo: string(),
    offset: long(),
    liteTopic: string().optional(),
    ...topicFields,
  }),
  batchAckMessage: request('BATCH_ACK_MESSAGE'),
  peekMessage: request('PEEK_MESSAGE', {
    topic: string(),
    queueId: int(),
    maxMsgNums: int(),
    consumerGroup: string(),
    ...topicFields,
  }),
  changeMessageInvisibletime: request(
    'CHANGE_MESSAGE_INVISIBLETIME',
    {
      consumerGroup: string(),
      topic: string(),
      queueId: int(),
      extraInfo: string(),
      offset: long(),
      invisibleTime: long(),
      liteTopic: string().optional(),
      suspend: bool().default(false),
      ...topicFields,
    },
    { popTime: long(), invisibleTime: long(), reviveQid: int() },
  ),
  notification: request(
    'NOTIFICATION',
    {
      consumerGroup: string(),
      topic: string(),
      queueId: int(),
      pollTime: long(),
      bornTime: long(),
      order: bool().optional(),
      attemptId: string().optional(),
      expType: string().optional(),
      exp: string().optional(),
      ...topicFields,
    },
    { hasMsg: bool(), pollingFull: bool().default(false) },
  ),
  pollingInfo: request(
    'POLLING_INFO',
    { consumerGroup: string(), topic: string(), queueId: int(), ...topicFields },
    { pollingNum: int() },
  ),
  popRollback: request('POP_ROLLBACK'),
} as const;
