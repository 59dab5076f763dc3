/** Bodies of the name server: routes, cluster, topic lists, key-value tables. */

import {
  bodyCodec,
  bool,
  byNumber,
  int,
  list,
  listOrEmpty,
  long,
  object,
  optional,
  orEmpty,
  type Parsed,
  raw,
  record,
  str,
  withDefault,
} from './shape.js';

const queueDataFields = {
  brokerName: str,
  readQueueNums: int,
  writeQueueNums: int,
  /** Bits of `PermName`. */
  perm: int,
  /** Bits of `TopicSysFlag`. */
  topicSysFlag: withDefault(int, 0),
};

/** A topic's queues on one broker. Java: `QueueData`. */
export type QueueData = Parsed<typeof queueDataFields>;

const brokerDataFields = {
  cluster: optional(str),
  brokerName: str,
  /** Broker id (0: master) → `ip:port`. */
  brokerAddrs: orEmpty(byNumber(str)),
  enableActingMaster: optional(bool),
  zoneName: optional(str),
};

/** The members of one broker group. Java: `BrokerData`. */
export type BrokerData = Parsed<typeof brokerDataFields>;

const topicRouteFields = {
  /** `brokerName:queues;brokerName:queues` of strictly ordered topics. */
  orderTopicConf: optional(str),
  queueDatas: listOrEmpty(object(queueDataFields)),
  brokerDatas: listOrEmpty(object(brokerDataFields)),
  filterServerTable: orEmpty(record(list(str))),
  /** Static topics; carried along. */
  topicQueueMappingByBroker: optional(record(raw)),
};

/** GET_ROUTEINFO_BY_TOPIC: where a topic's queues are. Java: `TopicRouteData`. */
export type TopicRouteData = Parsed<typeof topicRouteFields>;
export const { encode: encodeTopicRoute, parse: parseTopicRoute } = bodyCodec('TopicRouteData', topicRouteFields);

const clusterInfoFields = {
  /** Broker name → its members. */
  brokerAddrTable: orEmpty(record(object(brokerDataFields))),
  /** Cluster name → broker names. */
  clusterAddrTable: orEmpty(record(list(str))),
};

/** GET_BROKER_CLUSTER_INFO. Java: `ClusterInfo`. */
export type ClusterInfo = Parsed<typeof clusterInfoFields>;
export const { encode: encodeClusterInfo, parse: parseClusterInfo } = bodyCodec('ClusterInfo', clusterInfoFields);

const topicListFields = {
  topicList: listOrEmpty(str),
  brokerAddr: optional(str),
};

/** Java: `TopicList`. */
export type TopicList = Parsed<typeof topicListFields>;
export const { encode: encodeTopicList, parse: parseTopicList } = bodyCodec('TopicList', topicListFields);

const kvTableFields = { table: orEmpty(record(str)) };

/** Key-value lists of name server and broker, also REGISTER_BROKER's response. Java: `KVTable`. */
export type KVTable = Parsed<typeof kvTableFields>;
export const { encode: encodeKVTable, parse: parseKVTable } = bodyCodec('KVTable', kvTableFields);

const brokerMemberGroupFields = {
  cluster: optional(str),
  brokerName: optional(str),
  brokerAddrs: orEmpty(byNumber(str)),
};

/** Java: `BrokerMemberGroup`. */
export type BrokerMemberGroup = Parsed<typeof brokerMemberGroupFields>;

const getBrokerMemberGroupFields = { brokerMemberGroup: optional(object(brokerMemberGroupFields)) };
/** GET_BROKER_MEMBER_GROUP. Java: `GetBrokerMemberGroupResponseBody`. */
export type GetBrokerMemberGroupResponse = Parsed<typeof getBrokerMemberGroupFields>;
export const { encode: encodeGetBrokerMemberGroupResponse, parse: parseGetBrokerMemberGroupResponse } = bodyCodec(
  'GetBrokerMemberGroupResponseBody',
  getBrokerMemberGroupFields,
);

const dataVersionFields = {
  stateVersion: withDefault(long, 0),
  /** Milliseconds since 1970. */
  timestamp: withDefault(long, 0),
  counter: withDefault(long, 0),
};

/** Versions of tables: equal versions mean equal tables. Java: `DataVersion`. */
export type DataVersion = Parsed<typeof dataVersionFields>;
export const dataVersion = object(dataVersionFields);
export const { encode: encodeDataVersion, parse: parseDataVersion } = bodyCodec('DataVersion', dataVersionFields);
