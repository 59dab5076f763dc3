/** Sending, transactions, request and reply. */

import { field } from '../field.js';
import { request, rpcFields, topicFields } from './define.js';
import { sendFields, sendResponse, sendResponseCodec, shortNames, shortNamesCodec } from './send-header.js';

const { string, int, long, bool } = field;

export const sendRequests = {
  sendMessage: request('SEND_MESSAGE', sendFields, sendResponse),
  sendMessageV2: request('SEND_MESSAGE_V2', sendFields, sendResponse, shortNames, shortNamesCodec, sendResponseCodec),
  sendBatchMessage: request(
    'SEND_BATCH_MESSAGE',
    sendFields,
    sendResponse,
    shortNames,
    shortNamesCodec,
    sendResponseCodec,
  ),
  sendReplyMessage: request('SEND_REPLY_MESSAGE', sendFields, sendResponse),
  sendReplyMessageV2: request('SEND_REPLY_MESSAGE_V2', sendFields, sendResponse, shortNames),
  pushReplyMessageToClient: request('PUSH_REPLY_MESSAGE_TO_CLIENT', {
    producerGroup: string(),
    topic: string(),
    defaultTopic: string(),
    defaultTopicQueueNums: int(),
    queueId: int(),
    sysFlag: int(),
    bornTimestamp: long(),
    flag: int(),
    properties: string().optional(),
    reconsumeTimes: int().optional(),
    unitMode: bool().default(false),
    bornHost: string(),
    storeHost: string(),
    storeTimestamp: long(),
    ...topicFields,
  }),
  consumerSendMsgBack: request('CONSUMER_SEND_MSG_BACK', {
    offset: long(),
    group: string(),
    delayLevel: int(),
    originMsgId: string().optional(),
    originTopic: string().optional(),
    unitMode: bool().default(false),
    maxReconsumeTimes: int().optional(),
    ...rpcFields,
  }),
  recallMessage: request(
    'RECALL_MESSAGE',
    { producerGroup: string().optional(), topic: string(), recallHandle: string(), ...topicFields },
    { msgId: string() },
  ),
  endTransaction: request('END_TRANSACTION', {
    topic: string().optional(),
    producerGroup: string(),
    tranStateTableOffset: long(),
    commitLogOffset: long(),
    commitOrRollback: int(),
    fromTransactionCheck: bool().optional(),
    msgId: string(),
    transactionId: string().optional(),
    ...rpcFields,
  }),
  checkTransactionState: request('CHECK_TRANSACTION_STATE', {
    topic: string().optional(),
    tranStateTableOffset: long(),
    commitLogOffset: long(),
    msgId: string().optional(),
    transactionId: string().optional(),
    offsetMsgId: string().optional(),
    ...rpcFields,
  }),
  resumeCheckHalfMessage: request('RESUME_CHECK_HALF_MESSAGE', {
    topic: string().optional(),
    msgId: string().optional(),
  }),
} as const;
