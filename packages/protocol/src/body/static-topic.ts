/** Static topics: logic queues whose messages lie in queues of several brokers, one after the other. */

import { dataVersion } from './route.js';
import {
  bodyCodec,
  bool,
  byNumber,
  int,
  list,
  long,
  object,
  optional,
  orEmpty,
  type Parsed,
  record,
  str,
  withDefault,
} from './shape.js';
import { topicConfigFields } from './topic-config.js';

/** Scope of every mapping so far. Java: `MixAll.METADATA_SCOPE_GLOBAL`. */
export const GLOBAL_SCOPE = '__global__';

const itemFields = {
  /** Generation: one more with every remapping. */
  gen: withDefault(int, 0),
  /** The physical queue that holds this part … */
  queueId: withDefault(int, 0),
  /** … and its broker. */
  bname: str,
  /** Logic offset of `startOffset`; −1 while a remapping has not decided it. */
  logicOffset: withDefault(long, 0),
  /** First offset in the physical queue. So far always 0. */
  startOffset: withDefault(long, 0),
  /** One past its last offset in the physical queue; −1: not decided. */
  endOffset: withDefault(long, -1),
  timeOfStart: withDefault(long, -1),
  timeOfEnd: withDefault(long, -1),
};

/** One part of a logic queue. Java: `LogicQueueMappingItem`. */
export type LogicQueueItem = Parsed<typeof itemFields>;

const infoFields = {
  topic: str,
  scope: withDefault(str, GLOBAL_SCOPE),
  /** Logic queues of the topic, over all brokers. */
  totalQueues: withDefault(int, 0),
  /** The broker that has this mapping. */
  bname: str,
  /** Fences off older mappings. */
  epoch: withDefault(long, 0),
  dirty: withDefault(bool, false),
  /** Logic queue → physical queue, of the logic queues that are written here. */
  currIdMap: orEmpty(byNumber(int)),
};

/** What name servers and clients get to know. Java: `TopicQueueMappingInfo`. */
export type TopicQueueMappingInfo = Parsed<typeof infoFields>;

const detailFields = {
  ...infoFields,
  /** Logic queue → its parts, oldest first. The last one is where it is written. */
  hostedQueues: orEmpty(byNumber(list(object(itemFields)))),
};

/** What one broker knows of a static topic; body of UPDATE_AND_CREATE_STATIC_TOPIC. Java: `TopicQueueMappingDetail`. */
export type TopicQueueMapping = Parsed<typeof detailFields>;
export const { encode: encodeTopicQueueMapping, parse: parseTopicQueueMapping } = bodyCodec(
  'TopicQueueMappingDetail',
  detailFields,
);

const tableFields = {
  topicQueueMappingInfoMap: orEmpty(record(object(detailFields))),
  dataVersion: optional(dataVersion),
};

/** `config/topicQueueMapping.json`. Java: `TopicQueueMappingSerializeWrapper`. */
export type TopicQueueMappings = Parsed<typeof tableFields>;
export const { encode: encodeTopicQueueMappings, parse: parseTopicQueueMappings } = bodyCodec(
  'TopicQueueMappingSerializeWrapper',
  tableFields,
);

const configAndMappingFields = { ...topicConfigFields, mappingDetail: optional(object(detailFields)) };

/** GET_TOPIC_CONFIG. Java: `TopicConfigAndQueueMapping`. */
export type TopicConfigAndQueueMapping = Parsed<typeof configAndMappingFields>;
export const { encode: encodeTopicConfigAndQueueMapping, parse: parseTopicConfigAndQueueMapping } = bodyCodec(
  'TopicConfigAndQueueMapping',
  configAndMappingFields,
);
