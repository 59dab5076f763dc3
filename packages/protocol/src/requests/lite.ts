/** Lite topics. */

import { field } from '../field.js';
import { request, rpcFields } from './define.js';

const { string, int, long } = field;

export const liteRequests = {
  popLiteMessage: request(
    'POP_LITE_MESSAGE',
    {
      clientId: string(),
      consumerGroup: string(),
      topic: string(),
      maxMsgNum: int(),
      invisibleTime: long(),
      pollTime: long(),
      bornTime: long(),
      attemptId: string().optional(),
      ...rpcFields,
    },
    {
      popTime: long(),
      invisibleTime: long(),
      reviveQid: int(),
      startOffsetInfo: string().optional(),
      msgOffsetInfo: string().optional(),
      orderCountInfo: string().optional(),
    },
  ),
  liteSubscriptionCtl: request('LITE_SUBSCRIPTION_CTL', { ...rpcFields }),
  notifyUnsubscribeLite: request('NOTIFY_UNSUBSCRIBE_LITE', {
    liteTopic: string(),
    consumerGroup: string(),
    clientId: string(),
    ...rpcFields,
  }),
  getBrokerLiteInfo: request('GET_BROKER_LITE_INFO'),
  getParentTopicInfo: request('GET_PARENT_TOPIC_INFO', { topic: string() }),
  getLiteTopicInfo: request('GET_LITE_TOPIC_INFO', {
    parentTopic: string().optional(),
    liteTopic: string().optional(),
  }),
  getLiteClientInfo: request('GET_LITE_CLIENT_INFO', {
    parentTopic: string().optional(),
    group: string().optional(),
    clientId: string().optional(),
    maxCount: int().default(1000),
  }),
  getLiteGroupInfo: request('GET_LITE_GROUP_INFO', {
    group: string(),
    liteTopic: string().optional(),
    topK: int().default(0),
  }),
  triggerLiteDispatch: request('TRIGGER_LITE_DISPATCH', { group: string(), clientId: string().optional() }),
} as const;
