/** Bodies about consumer groups: configuration, offsets, resets. */

import { subscriptionData } from './heartbeat.js';
import { dataVersion } from './route.js';
import {
  bodyCodec,
  bool,
  byNumber,
  int,
  list,
  listOrEmpty,
  long,
  object,
  oneOf,
  optional,
  orEmpty,
  type Parsed,
  queueOffsets,
  record,
  str,
  withDefault,
} from './shape.js';

const zeroVersion = {
  ...dataVersion,
  presence: 'default',
  absent: () => ({ stateVersion: 0, timestamp: 0, counter: 0 }),
} as const;

const retryPolicyFields = {
  type: withDefault(oneOf(['EXPONENTIAL', 'CUSTOMIZED']), 'CUSTOMIZED'),
  exponentialRetryPolicy: optional(object({ initial: long, max: long, multiplier: long })),
  /** Milliseconds before each attempt. */
  customizedRetryPolicy: optional(object({ next: listOrEmpty(long) })),
};

/** Java: `GroupRetryPolicy`. */
export type GroupRetryPolicy = Parsed<typeof retryPolicyFields>;

const simpleSubscription = object({
  topic: optional(str),
  expressionType: optional(str),
  expression: optional(str),
  version: withDefault(long, 0),
});

const subscriptionGroupFields = {
  groupName: str,
  consumeEnable: withDefault(bool, true),
  consumeFromMinEnable: withDefault(bool, true),
  consumeBroadcastEnable: withDefault(bool, true),
  consumeMessageOrderly: withDefault(bool, false),
  retryQueueNums: withDefault(int, 1),
  retryMaxTimes: withDefault(int, 16),
  groupRetryPolicy: optional(object(retryPolicyFields)),
  brokerId: withDefault(long, 0),
  whichBrokerWhenConsumeSlowly: withDefault(long, 1),
  notifyConsumerIdsChangedEnable: withDefault(bool, true),
  groupSysFlag: withDefault(int, 0),
  /** Minutes. */
  consumeTimeoutMinute: withDefault(int, 15),
  subscriptionDataSet: optional(list(simpleSubscription)),
  attributes: orEmpty(record(str)),
};

/** Java: `SubscriptionGroupConfig`. */
export type SubscriptionGroupConfig = Parsed<typeof subscriptionGroupFields>;
export const { encode: encodeSubscriptionGroupConfig, parse: parseSubscriptionGroupConfig } = bodyCodec(
  'SubscriptionGroupConfig',
  subscriptionGroupFields,
);

const subscriptionGroupListFields = { groupConfigList: listOrEmpty(object(subscriptionGroupFields)) };
/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. Java: `SubscriptionGroupList`. */
export type SubscriptionGroupList = Parsed<typeof subscriptionGroupListFields>;
export const { encode: encodeSubscriptionGroupList, parse: parseSubscriptionGroupList } = bodyCodec(
  'SubscriptionGroupList',
  subscriptionGroupListFields,
);

const subscriptionGroupWrapperFields = {
  subscriptionGroupTable: orEmpty(record(object(subscriptionGroupFields))),
  /** Group → topic → bits of what is forbidden. */
  forbiddenTable: orEmpty(record(record(int))),
  dataVersion: zeroVersion,
};

/** `config/subscriptionGroup.json` and GET_ALL_SUBSCRIPTIONGROUP_CONFIG. Java: `SubscriptionGroupWrapper`. */
export type SubscriptionGroupWrapper = Parsed<typeof subscriptionGroupWrapperFields>;
export const { encode: encodeSubscriptionGroupWrapper, parse: parseSubscriptionGroupWrapper } = bodyCodec(
  'SubscriptionGroupWrapper',
  subscriptionGroupWrapperFields,
);

const consumerOffsetFields = {
  /** `topic@group` → queue id → offset. */
  offsetTable: orEmpty(record(byNumber(long))),
  dataVersion: zeroVersion,
};

/** `config/consumerOffset.json` and GET_ALL_CONSUMER_OFFSET. Java: `ConsumerOffsetSerializeWrapper`. */
export type ConsumerOffsets = Parsed<typeof consumerOffsetFields>;
export const { encode: encodeConsumerOffsets, parse: parseConsumerOffsets } = bodyCodec(
  'ConsumerOffsetSerializeWrapper',
  consumerOffsetFields,
);

const resetOffsetFields = { offsetTable: orEmpty(queueOffsets) };
/** RESET_CONSUMER_CLIENT_OFFSET, INVOKE_BROKER_TO_RESET_OFFSET. Java: `ResetOffsetBody`. */
export type ResetOffsetBody = Parsed<typeof resetOffsetFields>;
export const { encode: encodeResetOffsetBody, parse: parseResetOffsetBody } = bodyCodec(
  'ResetOffsetBody',
  resetOffsetFields,
);

const resetOffsetForCFields = {
  offsetTable: listOrEmpty(object({ topic: str, brokerName: str, queueId: int, offset: long })),
};
/** The same for C++ clients. Java: `ResetOffsetBodyForC`. */
export type ResetOffsetBodyForC = Parsed<typeof resetOffsetForCFields>;
export const { encode: encodeResetOffsetBodyForC, parse: parseResetOffsetBodyForC } = bodyCodec(
  'ResetOffsetBodyForC',
  resetOffsetForCFields,
);

const consumerStatusFields = {
  messageQueueTable: orEmpty(queueOffsets),
  /** Client id → its offsets. */
  consumerTable: orEmpty(record(queueOffsets)),
};
/** GET_CONSUMER_STATUS_FROM_CLIENT, INVOKE_BROKER_TO_GET_CONSUMER_STATUS. Java: `GetConsumerStatusBody`. */
export type GetConsumerStatusBody = Parsed<typeof consumerStatusFields>;
export const { encode: encodeGetConsumerStatusBody, parse: parseGetConsumerStatusBody } = bodyCodec(
  'GetConsumerStatusBody',
  consumerStatusFields,
);

const groupListFields = { groupList: listOrEmpty(str) };
/** QUERY_TOPIC_CONSUME_BY_WHO. Java: `GroupList`. */
export type GroupList = Parsed<typeof groupListFields>;
export const { encode: encodeGroupList, parse: parseGroupList } = bodyCodec('GroupList', groupListFields);

const correctionOffsetFields = { correctionOffsets: orEmpty(byNumber(long)) };
/** QUERY_CORRECTION_OFFSET. Java: `QueryCorrectionOffsetBody`. */
export type QueryCorrectionOffsetBody = Parsed<typeof correctionOffsetFields>;
export const { encode: encodeQueryCorrectionOffsetBody, parse: parseQueryCorrectionOffsetBody } = bodyCodec(
  'QueryCorrectionOffsetBody',
  correctionOffsetFields,
);

const querySubscriptionFields = {
  subscriptionData: optional(subscriptionData),
  group: optional(str),
  topic: optional(str),
};
/** QUERY_SUBSCRIPTION_BY_CONSUMER. Java: `QuerySubscriptionResponseBody`. */
export type QuerySubscriptionResponse = Parsed<typeof querySubscriptionFields>;
export const { encode: encodeQuerySubscriptionResponse, parse: parseQuerySubscriptionResponse } = bodyCodec(
  'QuerySubscriptionResponseBody',
  querySubscriptionFields,
);

const groupForbiddenFields = { topic: optional(str), group: optional(str), readable: optional(bool) };
/** UPDATE_AND_GET_GROUP_FORBIDDEN. Java: `GroupForbidden`. */
export type GroupForbidden = Parsed<typeof groupForbiddenFields>;
export const { encode: encodeGroupForbidden, parse: parseGroupForbidden } = bodyCodec(
  'GroupForbidden',
  groupForbiddenFields,
);
