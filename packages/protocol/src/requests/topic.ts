/** Topics of a broker. */

import { field } from '../field.js';
import { request, rpcFields, topicFields } from './define.js';

const { string, int, long, bool } = field;

export const topicRequests = {
  updateAndCreateTopic: request('UPDATE_AND_CREATE_TOPIC', {
    topic: string(),
    defaultTopic: string(),
    readQueueNums: int(),
    writeQueueNums: int(),
    perm: int(),
    topicFilterType: string(),
    topicSysFlag: int().optional(),
    order: bool(),
    attributes: string().optional(),
    force: bool().optional(),
    ...topicFields,
  }),
  updateAndCreateTopicList: request('UPDATE_AND_CREATE_TOPIC_LIST', { ...rpcFields }),
  updateAndCreateStaticTopic: request('UPDATE_AND_CREATE_STATIC_TOPIC', {
    topic: string(),
    defaultTopic: string(),
    readQueueNums: int(),
    writeQueueNums: int(),
    perm: int(),
    topicFilterType: string(),
    topicSysFlag: int().optional(),
    order: bool(),
    attributes: string().optional(),
    force: bool().optional(),
    ...topicFields,
  }),
  deleteTopicInBroker: request('DELETE_TOPIC_IN_BROKER', { topic: string(), ...topicFields }),
  getTopicConfig: request('GET_TOPIC_CONFIG', { topic: string(), ...topicFields }),
  getAllTopicConfig: request(
    'GET_ALL_TOPIC_CONFIG',
    { topicSeq: int().optional(), dataVersion: string().optional(), maxTopicNum: int().optional() },
    { totalTopicNum: int().optional() },
  ),
  getTopicStatsInfo: request('GET_TOPIC_STATS_INFO', { topic: string(), ...topicFields }),
  getSystemTopicListFromBroker: request('GET_SYSTEM_TOPIC_LIST_FROM_BROKER'),
  queryTopicConsumeByWho: request('QUERY_TOPIC_CONSUME_BY_WHO', { topic: string(), ...topicFields }),
  queryConsumeQueue: request('QUERY_CONSUME_QUEUE', {
    topic: string().optional(),
    queueId: int().default(0),
    index: long().default(0),
    count: int().default(0),
    consumerGroup: string().optional(),
    ...topicFields,
  }),
  cleanExpiredConsumequeue: request('CLEAN_EXPIRED_CONSUMEQUEUE'),
  cleanUnusedTopic: request('CLEAN_UNUSED_TOPIC'),
  deleteExpiredCommitlog: request('DELETE_EXPIRED_COMMITLOG'),
} as const;
