/** Client presence, and what brokers ask of clients. */

import { field } from '../field.js';
import { request, rpcFields, topicFields } from './define.js';

const { string, int, long, bool } = field;

export const clientRequests = {
  heartBeat: request('HEART_BEAT', { ...rpcFields }),
  unregisterClient: request('UNREGISTER_CLIENT', {
    clientID: string(),
    producerGroup: string().optional(),
    consumerGroup: string().optional(),
    ...rpcFields,
  }),
  checkClientConfig: request('CHECK_CLIENT_CONFIG'),
  getConsumerListByGroup: request('GET_CONSUMER_LIST_BY_GROUP', { consumerGroup: string(), ...rpcFields }),
  notifyConsumerIdsChanged: request('NOTIFY_CONSUMER_IDS_CHANGED', { consumerGroup: string(), ...rpcFields }),
  resetConsumerClientOffset: request('RESET_CONSUMER_CLIENT_OFFSET', {
    group: string(),
    topic: string(),
    queueId: int().default(-1),
    offset: long().optional(),
    timestamp: long(),
    isForce: bool(),
    ...topicFields,
  }),
  getConsumerStatusFromClient: request('GET_CONSUMER_STATUS_FROM_CLIENT', {
    topic: string(),
    group: string(),
    clientAddr: string().optional(),
    ...topicFields,
  }),
  getConsumerRunningInfo: request('GET_CONSUMER_RUNNING_INFO', {
    consumerGroup: string(),
    clientId: string(),
    jstackEnable: bool().default(false),
    ...rpcFields,
  }),
  consumeMessageDirectly: request('CONSUME_MESSAGE_DIRECTLY', {
    consumerGroup: string(),
    clientId: string().optional(),
    msgId: string().optional(),
    brokerName: string().optional(),
    topic: string().optional(),
    topicSysFlag: int().optional(),
    groupSysFlag: int().optional(),
    ...topicFields,
  }),
} as const;
