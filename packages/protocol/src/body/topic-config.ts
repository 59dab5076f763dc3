/** Topic configurations, and how a broker registers them with the name server. */

import { ProtocolError } from '../errors.js';
import { parseFastjson } from '../json.js';
import { V5_0_0 } from '../version.js';
import { type DataVersion, dataVersion, encodeDataVersion, parseDataVersion } from './route.js';
import {
  bodyCodec,
  bool,
  int,
  list,
  listOrEmpty,
  object,
  oneOf,
  optional,
  orEmpty,
  type Parsed,
  raw,
  record,
  str,
  withDefault,
} from './shape.js';

export const topicConfigFields = {
  topicName: str,
  readQueueNums: withDefault(int, 16),
  writeQueueNums: withDefault(int, 16),
  /** Bits of `PermName`. */
  perm: withDefault(int, 6),
  topicFilterType: withDefault(oneOf(['SINGLE_TAG', 'MULTI_TAG']), 'SINGLE_TAG'),
  /** Bits of `TopicSysFlag`. */
  topicSysFlag: withDefault(int, 0),
  order: withDefault(bool, false),
  /** For example `message.type` → `NORMAL`. Neither names nor values may contain a space. */
  attributes: orEmpty(record(str)),
};

/** Java: `TopicConfig`. */
export type TopicConfig = Parsed<typeof topicConfigFields>;
export const topicConfig = object(topicConfigFields);
export const { encode: encodeTopicConfig, parse: parseTopicConfig } = bodyCodec('TopicConfig', topicConfigFields);

const noVersion = (): DataVersion => ({ stateVersion: 0, timestamp: 0, counter: 0 });
const dataVersionOrZero = { ...dataVersion, presence: 'default', absent: noVersion } as const;

const wrapperFields = {
  topicConfigTable: orEmpty(record(topicConfig)),
  dataVersion: dataVersionOrZero,
  /** Static topics; carried along. */
  mappingDataVersion: optional(dataVersion),
  topicQueueMappingInfoMap: optional(record(raw)),
  topicQueueMappingDetailMap: optional(record(raw)),
};

/** `config/topics.json` and GET_ALL_TOPIC_CONFIG. Java: `TopicConfigSerializeWrapper`, `TopicConfigAndMappingSerializeWrapper`. */
export type TopicConfigSerializeWrapper = Parsed<typeof wrapperFields>;
export const { encode: encodeTopicConfigSerializeWrapper, parse: parseTopicConfigSerializeWrapper } = bodyCodec(
  'TopicConfigSerializeWrapper',
  wrapperFields,
);

const registerBrokerFields = {
  topicConfigSerializeWrapper: object(wrapperFields),
  filterServerList: listOrEmpty(str),
};

/** REGISTER_BROKER. Java: `RegisterBrokerBody`. */
export type RegisterBrokerBody = Parsed<typeof registerBrokerFields>;
export const { encode: encodeRegisterBrokerBody, parse: parseRegisterBrokerBody } = bodyCodec(
  'RegisterBrokerBody',
  registerBrokerFields,
);

const createTopicListFields = { topicConfigList: listOrEmpty(topicConfig) };
/** UPDATE_AND_CREATE_TOPIC_LIST. Java: `CreateTopicListRequestBody`. */
export type CreateTopicListRequest = Parsed<typeof createTopicListFields>;
export const { encode: encodeCreateTopicListRequest, parse: parseCreateTopicListRequest } = bodyCodec(
  'CreateTopicListRequestBody',
  createTopicListFields,
);

const stringList = list(str);
const mappingRecord = record(raw);

/**
 * The other spelling of `RegisterBrokerBody`: what a broker with `compressedRegister` deflates (zlib format) after this function.
 * Every part is preceded by its length or count as int32:
 * ```
 *  data version JSON │ count, topic configs as text │ filter server list JSON │ count, queue mappings JSON (since 5.0.0)
 * ```
 * A topic config as text: `name read write perm filterType attributesJSON`; it has neither `order` nor `topicSysFlag`.
 */
export function encodeRegisterBrokerParts(body: RegisterBrokerBody): Buffer {
  const { topicConfigSerializeWrapper: wrapper, filterServerList } = body;
  const topics = Object.values(wrapper.topicConfigTable);
  const mappings = Object.values(wrapper.topicQueueMappingInfoMap ?? {});
  const parts: Buffer[] = [];
  const count = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    parts.push(bytes);
  };
  const part = (data: Buffer): void => {
    count(data.length);
    parts.push(data);
  };
  part(encodeDataVersion(wrapper.dataVersion));
  count(topics.length);
  for (const topic of topics) part(Buffer.from(topicConfigText(topic)));
  part(Buffer.from(stringList.write(filterServerList)));
  count(mappings.length);
  for (const mapping of mappings) part(Buffer.from(JSON.stringify(mapping)));
  return Buffer.concat(parts);
}

/**
 * Reads what `encodeRegisterBrokerParts` wrote, after inflating.
 * @param brokerVersion the `version` of the request: brokers before 5.0.0 send no queue mappings
 * @throws ProtocolError naming the part that is malformed
 */
export function parseRegisterBrokerParts(data: Buffer, brokerVersion: number): RegisterBrokerBody {
  let at = 0;
  const count = (what: string): number => {
    const value = data.length - at < 4 ? -1 : data.readInt32BE(at);
    at += 4;
    // Every item takes at least its length field.
    if (value < 0 || value > data.length - at) {
      throw new ProtocolError(
        `RegisterBrokerBody (compressed): no length of ${what} at byte ${at - 4} of ${data.length}`,
      );
    }
    return value;
  };
  const part = (what: string): Buffer => {
    const length = count(what);
    at += length;
    return data.subarray(at - length, at);
  };
  const version = parseDataVersion(part('data version'));
  const topicConfigTable: [string, TopicConfig][] = [];
  for (let left = count('topic configs'); left > 0; left--) {
    const topic = parseTopicConfigText(part('topic config').toString('utf8'));
    topicConfigTable.push([topic.topicName, topic]);
  }
  const filterServerList = stringList.read(parseFastjson(part('filter servers').toString('utf8')), 'filterServerList');
  const mappings: [string, unknown][] = [];
  if (brokerVersion >= V5_0_0) {
    for (let left = count('queue mappings'); left > 0; left--) {
      const mapping = mappingRecord.read(parseFastjson(part('queue mapping').toString('utf8')), 'queueMapping');
      mappings.push([String(mapping['topic']), mapping]);
    }
  }
  return {
    topicConfigSerializeWrapper: {
      topicConfigTable: Object.fromEntries(topicConfigTable),
      dataVersion: version,
      topicQueueMappingInfoMap: Object.fromEntries(mappings),
    },
    filterServerList,
  };
}

/** Java: `TopicConfig.encode`. */
function topicConfigText(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes } = topic;
  return [topicName, readQueueNums, writeQueueNums, perm, topicFilterType, JSON.stringify(attributes)].join(' ');
}

/** Java: `TopicConfig.decode`; attributes that cannot be read are dropped as there. */
function parseTopicConfigText(text: string): TopicConfig {
  const [topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes] = text.split(' ');
  return topicConfig.read(
    { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes: parseAttributes(attributes) },
    'TopicConfig',
  );
}

function parseAttributes(text: string | undefined): unknown {
  try {
    return text === undefined ? {} : parseFastjson(text);
  } catch {
    return {};
  }
}
