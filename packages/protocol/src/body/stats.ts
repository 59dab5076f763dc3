/** Bodies that tell how things are: offsets and lag, connections, consumers' inner state. */

import { consumeFromWhere, consumeType, messageModel, subscriptionData } from './heartbeat.js';
import {
  bodyCodec,
  bool,
  byQueue,
  double,
  int,
  list,
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

const offsetWrapperFields = {
  brokerOffset: withDefault(long, 0),
  consumerOffset: withDefault(long, 0),
  pullOffset: withDefault(long, 0),
  /** When the newest consumed message was stored, milliseconds since 1970. */
  lastTimestamp: withDefault(long, 0),
};

const consumeStatsFields = {
  offsetTable: orEmpty(byQueue(offsetWrapperFields)),
  consumeTps: withDefault(double, 0),
};
/** GET_CONSUME_STATS: a group's lag. Java: `ConsumeStats`. */
export type ConsumeStats = Parsed<typeof consumeStatsFields>;
export const { encode: encodeConsumeStats, parse: parseConsumeStats } = bodyCodec('ConsumeStats', consumeStatsFields);

const consumeStatsListFields = {
  consumeStatsList: listOrEmpty(record(list(object(consumeStatsFields)))),
  brokerAddr: optional(str),
  totalDiff: withDefault(long, 0),
  totalInflightDiff: withDefault(long, 0),
};
/** GET_BROKER_CONSUME_STATS. Java: `ConsumeStatsList`. */
export type ConsumeStatsList = Parsed<typeof consumeStatsListFields>;
export const { encode: encodeConsumeStatsList, parse: parseConsumeStatsList } = bodyCodec(
  'ConsumeStatsList',
  consumeStatsListFields,
);

const topicStatsFields = {
  offsetTable: orEmpty(
    byQueue({
      minOffset: withDefault(long, 0),
      maxOffset: withDefault(long, 0),
      lastUpdateTimestamp: withDefault(long, 0),
    }),
  ),
  topicPutTps: withDefault(double, 0),
};
/** GET_TOPIC_STATS_INFO. Java: `TopicStatsTable`. */
export type TopicStatsTable = Parsed<typeof topicStatsFields>;
export const { encode: encodeTopicStatsTable, parse: parseTopicStatsTable } = bodyCodec(
  'TopicStatsTable',
  topicStatsFields,
);

const connectionFields = {
  clientId: optional(str),
  /** `ip:port`. */
  clientAddr: optional(str),
  /** Java: `LanguageCode`. */
  language: optional(str),
  /** Ordinal of `MQVersion`. */
  version: withDefault(int, 0),
};
/** One connected client. Java: `Connection` (remoting.protocol.body). */
export type ClientConnection = Parsed<typeof connectionFields>;

const consumerConnectionFields = {
  connectionSet: listOrEmpty(object(connectionFields)),
  subscriptionTable: orEmpty(record(subscriptionData)),
  consumeType: optional(consumeType),
  messageModel: optional(messageModel),
  consumeFromWhere: optional(consumeFromWhere),
};
/** GET_CONSUMER_CONNECTION_LIST. Java: `ConsumerConnection`. */
export type ConsumerConnection = Parsed<typeof consumerConnectionFields>;
export const { encode: encodeConsumerConnection, parse: parseConsumerConnection } = bodyCodec(
  'ConsumerConnection',
  consumerConnectionFields,
);

const producerConnectionFields = { connectionSet: listOrEmpty(object(connectionFields)) };
/** GET_PRODUCER_CONNECTION_LIST. Java: `ProducerConnection`. */
export type ProducerConnection = Parsed<typeof producerConnectionFields>;
export const { encode: encodeProducerConnection, parse: parseProducerConnection } = bodyCodec(
  'ProducerConnection',
  producerConnectionFields,
);

const producerTableFields = {
  /** Producer group → its clients. */
  data: orEmpty(
    record(
      list(
        object({
          clientId: optional(str),
          remoteIP: optional(str),
          language: optional(str),
          version: withDefault(int, 0),
          lastUpdateTimestamp: withDefault(long, 0),
        }),
      ),
    ),
  ),
};
/** GET_ALL_PRODUCER_INFO. Java: `ProducerTableInfo`. */
export type ProducerTableInfo = Parsed<typeof producerTableFields>;
export const { encode: encodeProducerTableInfo, parse: parseProducerTableInfo } = bodyCodec(
  'ProducerTableInfo',
  producerTableFields,
);

const processQueueFields = {
  commitOffset: withDefault(long, 0),
  cachedMsgMinOffset: withDefault(long, 0),
  cachedMsgMaxOffset: withDefault(long, 0),
  cachedMsgCount: withDefault(int, 0),
  cachedMsgSizeInMiB: withDefault(int, 0),
  transactionMsgMinOffset: withDefault(long, 0),
  transactionMsgMaxOffset: withDefault(long, 0),
  transactionMsgCount: withDefault(int, 0),
  locked: withDefault(bool, false),
  tryUnlockTimes: withDefault(long, 0),
  lastLockTimestamp: withDefault(long, 0),
  droped: withDefault(bool, false),
  lastPullTimestamp: withDefault(long, 0),
  lastConsumeTimestamp: withDefault(long, 0),
};

const consumeStatusFields = {
  /** Milliseconds. */
  pullRT: withDefault(double, 0),
  /** Messages per second. */
  pullTPS: withDefault(double, 0),
  consumeRT: withDefault(double, 0),
  consumeOKTPS: withDefault(double, 0),
  consumeFailedTPS: withDefault(double, 0),
  /** Of the last hour. */
  consumeFailedMsgs: withDefault(long, 0),
};

const consumerRunningInfoFields = {
  properties: orEmpty(record(str)),
  subscriptionSet: listOrEmpty(subscriptionData),
  mqTable: orEmpty(byQueue(processQueueFields)),
  mqPopTable: orEmpty(
    byQueue({
      waitAckCount: withDefault(int, 0),
      droped: withDefault(bool, false),
      lastPopTimestamp: withDefault(long, 0),
    }),
  ),
  statusTable: orEmpty(record(object(consumeStatusFields))),
  userConsumerInfo: orEmpty(record(str)),
  jstack: optional(str),
};
/** GET_CONSUMER_RUNNING_INFO. Java: `ConsumerRunningInfo`. */
export type ConsumerRunningInfo = Parsed<typeof consumerRunningInfoFields>;
export const { encode: encodeConsumerRunningInfo, parse: parseConsumerRunningInfo } = bodyCodec(
  'ConsumerRunningInfo',
  consumerRunningInfoFields,
);

const consumeDirectlyFields = {
  order: withDefault(bool, false),
  autoCommit: withDefault(bool, true),
  /** Java: `CMResult`. */
  consumeResult: oneOf(['CR_SUCCESS', 'CR_LATER', 'CR_ROLLBACK', 'CR_COMMIT', 'CR_THROW_EXCEPTION', 'CR_RETURN_NULL']),
  remark: optional(str),
  /** Milliseconds. */
  spentTimeMills: withDefault(long, 0),
};
/** CONSUME_MESSAGE_DIRECTLY. Java: `ConsumeMessageDirectlyResult`. */
export type ConsumeMessageDirectlyResult = Parsed<typeof consumeDirectlyFields>;
export const { encode: encodeConsumeMessageDirectlyResult, parse: parseConsumeMessageDirectlyResult } = bodyCodec(
  'ConsumeMessageDirectlyResult',
  consumeDirectlyFields,
);

const consumeQueueFields = {
  subscriptionData: optional(subscriptionData),
  filterData: optional(str),
  queueData: listOrEmpty(
    object({
      physicOffset: withDefault(long, 0),
      physicSize: withDefault(int, 0),
      tagsCode: withDefault(long, 0),
      extendDataJson: optional(str),
      bitMap: optional(str),
      eval: withDefault(bool, false),
      msg: optional(str),
    }),
  ),
  maxQueueIndex: withDefault(long, 0),
  minQueueIndex: withDefault(long, 0),
};
/** QUERY_CONSUME_QUEUE. Java: `QueryConsumeQueueResponseBody`. */
export type QueryConsumeQueueResponse = Parsed<typeof consumeQueueFields>;
export const { encode: encodeQueryConsumeQueueResponse, parse: parseQueryConsumeQueueResponse } = bodyCodec(
  'QueryConsumeQueueResponseBody',
  consumeQueueFields,
);

const timeSpanFields = {
  consumeTimeSpanSet: listOrEmpty(
    object({
      messageQueue,
      minTimeStamp: withDefault(long, 0),
      maxTimeStamp: withDefault(long, 0),
      consumeTimeStamp: withDefault(long, 0),
      delayTime: withDefault(long, 0),
    }),
  ),
};
/** QUERY_CONSUME_TIME_SPAN. Java: `QueryConsumeTimeSpanBody`. */
export type QueryConsumeTimeSpanBody = Parsed<typeof timeSpanFields>;
export const { encode: encodeQueryConsumeTimeSpanBody, parse: parseQueryConsumeTimeSpanBody } = bodyCodec(
  'QueryConsumeTimeSpanBody',
  timeSpanFields,
);

const statsItem = object({ sum: withDefault(long, 0), tps: withDefault(double, 0), avgpt: withDefault(double, 0) });
const brokerStatsFields = {
  statsMinute: optional(statsItem),
  statsHour: optional(statsItem),
  statsDay: optional(statsItem),
};
/** VIEW_BROKER_STATS_DATA. Java: `BrokerStatsData`. */
export type BrokerStatsData = Parsed<typeof brokerStatsFields>;
export const { encode: encodeBrokerStatsData, parse: parseBrokerStatsData } = bodyCodec(
  'BrokerStatsData',
  brokerStatsFields,
);

const haRuntimeFields = {
  master: withDefault(bool, false),
  masterCommitLogMaxOffset: withDefault(long, 0),
  inSyncSlaveNums: withDefault(int, 0),
  haConnectionInfo: listOrEmpty(
    object({
      addr: optional(str),
      slaveAckOffset: withDefault(long, 0),
      diff: withDefault(long, 0),
      inSync: withDefault(bool, false),
      transferredByteInSecond: withDefault(long, 0),
      transferFromWhere: withDefault(long, 0),
    }),
  ),
  haClientRuntimeInfo: optional(
    object({
      masterAddr: optional(str),
      transferredByteInSecond: withDefault(long, 0),
      maxOffset: withDefault(long, 0),
      lastReadTimestamp: withDefault(long, 0),
      lastWriteTimestamp: withDefault(long, 0),
      masterFlushOffset: withDefault(long, 0),
    }),
  ),
};
/** GET_BROKER_HA_STATUS. Java: `HARuntimeInfo`. */
export type HARuntimeInfo = Parsed<typeof haRuntimeFields>;
export const { encode: encodeHARuntimeInfo, parse: parseHARuntimeInfo } = bodyCodec('HARuntimeInfo', haRuntimeFields);
