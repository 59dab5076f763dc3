/** Bodies about clients and their groups: heartbeats, queue locks, consumer lists. */

import {
  bodyCodec,
  bool,
  int,
  listOrEmpty,
  long,
  messageQueue,
  object,
  oneOf,
  optional,
  type Parsed,
  str,
  withDefault,
} from './shape.js';

/** Java: `ConsumeType`. */
export const consumeType = oneOf(['CONSUME_ACTIVELY', 'CONSUME_PASSIVELY', 'CONSUME_POP']);
/** Java: `MessageModel`. */
export const messageModel = oneOf(['BROADCASTING', 'CLUSTERING', 'LITE_SELECTIVE']);
/** Java: `ConsumeFromWhere`. */
export const consumeFromWhere = oneOf([
  'CONSUME_FROM_LAST_OFFSET',
  'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  'CONSUME_FROM_MIN_OFFSET',
  'CONSUME_FROM_MAX_OFFSET',
  'CONSUME_FROM_FIRST_OFFSET',
  'CONSUME_FROM_TIMESTAMP',
]);

const subscriptionFields = {
  classFilterMode: withDefault(bool, false),
  topic: str,
  /** `*`, `tagA || tagB`, or an SQL expression. */
  subString: withDefault(str, '*'),
  tagsSet: listOrEmpty(str),
  /** Java hash codes of the tags. */
  codeSet: listOrEmpty(int),
  /** Milliseconds since 1970: the newest subscription of a group wins. */
  subVersion: withDefault(long, 0),
  /** `TAG` or `SQL92`. */
  expressionType: withDefault(str, 'TAG'),
};

/** What a group reads of a topic. Java: `SubscriptionData`. */
export type SubscriptionData = Parsed<typeof subscriptionFields>;
export const subscriptionData = object(subscriptionFields);

const consumerDataFields = {
  groupName: str,
  consumeType: withDefault(consumeType, 'CONSUME_PASSIVELY'),
  messageModel: withDefault(messageModel, 'CLUSTERING'),
  consumeFromWhere: withDefault(consumeFromWhere, 'CONSUME_FROM_LAST_OFFSET'),
  subscriptionDataSet: listOrEmpty(subscriptionData),
  unitMode: withDefault(bool, false),
};

/** One consumer group of a client. Java: `ConsumerData`. */
export type ConsumerData = Parsed<typeof consumerDataFields>;

const producerDataFields = { groupName: str };
/** One producer group of a client. Java: `ProducerData`. */
export type ProducerData = Parsed<typeof producerDataFields>;

const heartbeatFields = {
  clientID: str,
  producerDataSet: listOrEmpty(object(producerDataFields)),
  consumerDataSet: listOrEmpty(object(consumerDataFields)),
  /** 0 or absent: a full heartbeat. */
  heartbeatFingerprint: optional(int),
  withoutSub: optional(bool),
};

/** HEART_BEAT. Java: `HeartbeatData`. */
export type HeartbeatData = Parsed<typeof heartbeatFields>;
export const { encode: encodeHeartbeat, parse: parseHeartbeat } = bodyCodec('HeartbeatData', heartbeatFields);

const checkClientFields = {
  clientId: str,
  group: str,
  namespace: optional(str),
  subscriptionData: subscriptionData,
};

/** CHECK_CLIENT_CONFIG. Java: `CheckClientRequestBody`. */
export type CheckClientRequest = Parsed<typeof checkClientFields>;
export const { encode: encodeCheckClientRequest, parse: parseCheckClientRequest } = bodyCodec(
  'CheckClientRequestBody',
  checkClientFields,
);

const consumerListFields = { consumerIdList: listOrEmpty(str) };
/** GET_CONSUMER_LIST_BY_GROUP. Java: `GetConsumerListByGroupResponseBody`. */
export type ConsumerListBody = Parsed<typeof consumerListFields>;
export const { encode: encodeConsumerListBody, parse: parseConsumerListBody } = bodyCodec(
  'GetConsumerListByGroupResponseBody',
  consumerListFields,
);

const lockRequestFields = {
  consumerGroup: str,
  clientId: str,
  onlyThisBroker: optional(bool),
  mqSet: listOrEmpty(messageQueue),
};

/** LOCK_BATCH_MQ. Java: `LockBatchRequestBody`. */
export type LockBatchRequest = Parsed<typeof lockRequestFields>;
export const { encode: encodeLockBatchRequest, parse: parseLockBatchRequest } = bodyCodec(
  'LockBatchRequestBody',
  lockRequestFields,
);

/** UNLOCK_BATCH_MQ. Java: `UnlockBatchRequestBody`. */
export type UnlockBatchRequest = LockBatchRequest;
export const { encode: encodeUnlockBatchRequest, parse: parseUnlockBatchRequest } = bodyCodec(
  'UnlockBatchRequestBody',
  lockRequestFields,
);

const lockResponseFields = { lockOKMQSet: listOrEmpty(messageQueue) };
/** LOCK_BATCH_MQ. Java: `LockBatchResponseBody`. */
export type LockBatchResponse = Parsed<typeof lockResponseFields>;
export const { encode: encodeLockBatchResponse, parse: parseLockBatchResponse } = bodyCodec(
  'LockBatchResponseBody',
  lockResponseFields,
);

export type ConsumeType = ConsumerData['consumeType'];
export type MessageModel = ConsumerData['messageModel'];
export type ConsumeFromWhere = ConsumerData['consumeFromWhere'];
