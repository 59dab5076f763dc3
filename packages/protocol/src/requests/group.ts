/** Consumer groups and producers of a broker. */

import { field } from '../field.js';
import { request, rpcFields, topicFields } from './define.js';

const { string, int, long, bool } = field;

export const groupRequests = {
  updateAndCreateSubscriptiongroup: request('UPDATE_AND_CREATE_SUBSCRIPTIONGROUP'),
  updateAndCreateSubscriptiongroupList: request('UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST'),
  deleteSubscriptiongroup: request('DELETE_SUBSCRIPTIONGROUP', {
    groupName: string(),
    cleanOffset: bool().default(false),
    ...rpcFields,
  }),
  getSubscriptiongroupConfig: request('GET_SUBSCRIPTIONGROUP_CONFIG', { group: string(), ...rpcFields }),
  getAllSubscriptiongroupConfig: request(
    'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
    { groupSeq: int().optional(), dataVersion: string().optional(), maxGroupNum: int().optional() },
    { totalGroupNum: int().optional() },
  ),
  getConsumerConnectionList: request('GET_CONSUMER_CONNECTION_LIST', { consumerGroup: string(), ...rpcFields }),
  getProducerConnectionList: request('GET_PRODUCER_CONNECTION_LIST', { producerGroup: string(), ...rpcFields }),
  getAllProducerInfo: request('GET_ALL_PRODUCER_INFO'),
  getConsumeStats: request('GET_CONSUME_STATS', {
    consumerGroup: string(),
    topic: string().optional(),
    topicList: string().optional(),
    ...topicFields,
  }),
  getBrokerConsumeStats: request('GET_BROKER_CONSUME_STATS', { isOrder: bool() }),
  queryConsumeTimeSpan: request('QUERY_CONSUME_TIME_SPAN', { topic: string(), group: string(), ...topicFields }),
  queryCorrectionOffset: request('QUERY_CORRECTION_OFFSET', {
    filterGroups: string().optional(),
    compareGroup: string(),
    topic: string(),
    ...topicFields,
  }),
  queryTopicsByConsumer: request('QUERY_TOPICS_BY_CONSUMER', { group: string(), ...rpcFields }),
  querySubscriptionByConsumer: request('QUERY_SUBSCRIPTION_BY_CONSUMER', {
    group: string(),
    topic: string().optional(),
    ...topicFields,
  }),
  getAllConsumerOffset: request('GET_ALL_CONSUMER_OFFSET'),
  cloneGroupOffset: request('CLONE_GROUP_OFFSET', {
    srcGroup: string(),
    destGroup: string(),
    topic: string().optional(),
    offline: bool().default(false),
    ...rpcFields,
  }),
  invokeBrokerToResetOffset: request('INVOKE_BROKER_TO_RESET_OFFSET', {
    group: string(),
    topic: string(),
    queueId: int().default(-1),
    offset: long().optional(),
    timestamp: long(),
    isForce: bool(),
    ...topicFields,
  }),
  invokeBrokerToGetConsumerStatus: request('INVOKE_BROKER_TO_GET_CONSUMER_STATUS', {
    topic: string(),
    group: string(),
    clientAddr: string().optional(),
    ...topicFields,
  }),
  updateAndGetGroupForbidden: request('UPDATE_AND_GET_GROUP_FORBIDDEN', {
    group: string(),
    topic: string(),
    readable: bool().optional(),
    ...topicFields,
  }),
} as const;
