/** Pulling, offsets, queue locks, reading single messages. */

import { field } from '../field.js';
import { request, rpcFields, topicFields } from './define.js';
import { pullCodec, pullFields, pullResponseFields } from './pull-header.js';

const { string, int, long, bool } = field;

export const consumeRequests = {
  pullMessage: request('PULL_MESSAGE', pullFields, pullResponseFields, {}, pullCodec),
  litePullMessage: request('LITE_PULL_MESSAGE', pullFields, pullResponseFields, {}, pullCodec),
  queryConsumerOffset: request(
    'QUERY_CONSUMER_OFFSET',
    { consumerGroup: string(), topic: string(), queueId: int(), setZeroIfNotFound: bool().optional(), ...topicFields },
    { offset: long() },
  ),
  updateConsumerOffset: request('UPDATE_CONSUMER_OFFSET', {
    consumerGroup: string(),
    topic: string(),
    queueId: int(),
    commitOffset: long(),
    ...topicFields,
  }),
  searchOffsetByTimestamp: request(
    'SEARCH_OFFSET_BY_TIMESTAMP',
    {
      topic: string(),
      liteTopic: string().optional(),
      queueId: int(),
      timestamp: long(),
      boundaryType: string().optional(),
      ...topicFields,
    },
    { offset: long() },
  ),
  getMaxOffset: request(
    'GET_MAX_OFFSET',
    { topic: string(), queueId: int(), committed: bool().default(true), ...topicFields },
    { offset: long() },
  ),
  getMinOffset: request('GET_MIN_OFFSET', { topic: string(), queueId: int(), ...topicFields }, { offset: long() }),
  getEarliestMsgStoretime: request(
    'GET_EARLIEST_MSG_STORETIME',
    { topic: string(), queueId: int(), ...topicFields },
    { timestamp: long() },
  ),
  lockBatchMq: request('LOCK_BATCH_MQ', { ...rpcFields }),
  unlockBatchMq: request('UNLOCK_BATCH_MQ', { ...rpcFields }),
  queryMessage: request(
    'QUERY_MESSAGE',
    {
      topic: string(),
      key: string(),
      maxNum: int(),
      beginTimestamp: long(),
      endTimestamp: long(),
      indexType: string().optional(),
      lastKey: string().optional(),
      ...topicFields,
    },
    { indexLastUpdateTimestamp: long(), indexLastUpdatePhyoffset: long() },
  ),
  viewMessageById: request('VIEW_MESSAGE_BY_ID', { topic: string().optional(), offset: long() }),
} as const;
