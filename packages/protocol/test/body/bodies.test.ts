import { describe, expect, it } from '@jest/globals';
import * as bodies from '../../src/body/index.js';
import { ProtocolError } from '../../src/errors.js';
import { parseFastjson } from '../../src/json.js';
import { fixture } from '../fixtures.js';

interface Recorded {
  /** Java's class. */
  class: string;
  /** The class with every field set, as fastjson writes it. */
  full: string;
  /** A new object of the class. */
  empty?: string;
}
const java = fixture<{
  bodies: Recorded[];
  routeQuirky: string;
  routeStandard: string;
  registerJson: string;
  registerPartsHex: string;
}>('bodies');

interface Codec {
  encode: (value: never) => Buffer;
  parse: (body: Buffer | null) => object;
}

/** Java's class → our codec. */
const codecs: Record<string, Codec> = {
  AclInfo: { encode: bodies.encodeAclInfo, parse: bodies.parseAclInfo },
  BatchAckMessageRequestBody: { encode: bodies.encodeBatchAckRequest, parse: bodies.parseBatchAckRequest },
  BrokerStatsData: { encode: bodies.encodeBrokerStatsData, parse: bodies.parseBrokerStatsData },
  CheckClientRequestBody: { encode: bodies.encodeCheckClientRequest, parse: bodies.parseCheckClientRequest },
  ClusterInfo: { encode: bodies.encodeClusterInfo, parse: bodies.parseClusterInfo },
  ConsumeMessageDirectlyResult: {
    encode: bodies.encodeConsumeMessageDirectlyResult,
    parse: bodies.parseConsumeMessageDirectlyResult,
  },
  ConsumeStats: { encode: bodies.encodeConsumeStats, parse: bodies.parseConsumeStats },
  ConsumerConnection: { encode: bodies.encodeConsumerConnection, parse: bodies.parseConsumerConnection },
  ConsumerOffsetSerializeWrapper: { encode: bodies.encodeConsumerOffsets, parse: bodies.parseConsumerOffsets },
  ConsumerRunningInfo: { encode: bodies.encodeConsumerRunningInfo, parse: bodies.parseConsumerRunningInfo },
  CreateTopicListRequestBody: {
    encode: bodies.encodeCreateTopicListRequest,
    parse: bodies.parseCreateTopicListRequest,
  },
  DataVersion: { encode: bodies.encodeDataVersion, parse: bodies.parseDataVersion },
  GetBrokerMemberGroupResponseBody: {
    encode: bodies.encodeGetBrokerMemberGroupResponse,
    parse: bodies.parseGetBrokerMemberGroupResponse,
  },
  GetConsumerListByGroupResponseBody: { encode: bodies.encodeConsumerListBody, parse: bodies.parseConsumerListBody },
  GetConsumerStatusBody: { encode: bodies.encodeGetConsumerStatusBody, parse: bodies.parseGetConsumerStatusBody },
  GroupForbidden: { encode: bodies.encodeGroupForbidden, parse: bodies.parseGroupForbidden },
  GroupList: { encode: bodies.encodeGroupList, parse: bodies.parseGroupList },
  HARuntimeInfo: { encode: bodies.encodeHARuntimeInfo, parse: bodies.parseHARuntimeInfo },
  HeartbeatData: { encode: bodies.encodeHeartbeat, parse: bodies.parseHeartbeat },
  KVTable: { encode: bodies.encodeKVTable, parse: bodies.parseKVTable },
  LockBatchRequestBody: { encode: bodies.encodeLockBatchRequest, parse: bodies.parseLockBatchRequest },
  LockBatchResponseBody: { encode: bodies.encodeLockBatchResponse, parse: bodies.parseLockBatchResponse },
  MessageRequestModeSerializeWrapper: {
    encode: bodies.encodeMessageRequestModes,
    parse: bodies.parseMessageRequestModes,
  },
  ProducerConnection: { encode: bodies.encodeProducerConnection, parse: bodies.parseProducerConnection },
  ProducerTableInfo: { encode: bodies.encodeProducerTableInfo, parse: bodies.parseProducerTableInfo },
  QueryAssignmentRequestBody: {
    encode: bodies.encodeQueryAssignmentRequest,
    parse: bodies.parseQueryAssignmentRequest,
  },
  QueryAssignmentResponseBody: {
    encode: bodies.encodeQueryAssignmentResponse,
    parse: bodies.parseQueryAssignmentResponse,
  },
  QueryConsumeQueueResponseBody: {
    encode: bodies.encodeQueryConsumeQueueResponse,
    parse: bodies.parseQueryConsumeQueueResponse,
  },
  QueryCorrectionOffsetBody: {
    encode: bodies.encodeQueryCorrectionOffsetBody,
    parse: bodies.parseQueryCorrectionOffsetBody,
  },
  QuerySubscriptionResponseBody: {
    encode: bodies.encodeQuerySubscriptionResponse,
    parse: bodies.parseQuerySubscriptionResponse,
  },
  RegisterBrokerBody: { encode: bodies.encodeRegisterBrokerBody, parse: bodies.parseRegisterBrokerBody },
  ResetOffsetBody: { encode: bodies.encodeResetOffsetBody, parse: bodies.parseResetOffsetBody },
  SetMessageRequestModeRequestBody: {
    encode: bodies.encodeSetMessageRequestModeRequest,
    parse: bodies.parseSetMessageRequestModeRequest,
  },
  SubscriptionGroupConfig: { encode: bodies.encodeSubscriptionGroupConfig, parse: bodies.parseSubscriptionGroupConfig },
  SubscriptionGroupList: { encode: bodies.encodeSubscriptionGroupList, parse: bodies.parseSubscriptionGroupList },
  SubscriptionGroupWrapper: {
    encode: bodies.encodeSubscriptionGroupWrapper,
    parse: bodies.parseSubscriptionGroupWrapper,
  },
  TopicConfig: { encode: bodies.encodeTopicConfig, parse: bodies.parseTopicConfig },
  TopicConfigAndMappingSerializeWrapper: {
    encode: bodies.encodeTopicConfigSerializeWrapper,
    parse: bodies.parseTopicConfigSerializeWrapper,
  },
  TopicConfigSerializeWrapper: {
    encode: bodies.encodeTopicConfigSerializeWrapper,
    parse: bodies.parseTopicConfigSerializeWrapper,
  },
  TopicList: { encode: bodies.encodeTopicList, parse: bodies.parseTopicList },
  TopicRouteData: { encode: bodies.encodeTopicRoute, parse: bodies.parseTopicRoute },
  TopicStatsTable: { encode: bodies.encodeTopicStatsTable, parse: bodies.parseTopicStatsTable },
  UnlockBatchRequestBody: { encode: bodies.encodeUnlockBatchRequest, parse: bodies.parseUnlockBatchRequest },
  UserInfo: { encode: bodies.encodeUserInfo, parse: bodies.parseUserInfo },
};

const rows = Object.entries(codecs).map(([name, codec]) => {
  const recorded = java.bodies.find((each) => each.class === name);
  if (recorded === undefined) throw new Error(`no recording of ${name}`);
  return { name, codec, full: recorded.full, empty: recorded.empty };
});

describe('bodies recorded from Java', () => {
  it.each(rows)('$name keeps every field through parse and encode', ({ codec, full }) => {
    const again = codec.encode(codec.parse(Buffer.from(full)) as never).toString();
    expect(parseFastjson(again)).toEqual(parseFastjson(full));
    // Same spelling, except that number keys are quoted.
    expect(again).toBe(full.replace(/([{,])(\d+):/g, '$1"$2":'));
  });

  it.each(rows.filter(({ empty }) => empty !== undefined))(
    '$name, new and empty, is parsed or refused by name',
    ({ name, codec, empty }) => {
      try {
        expect(codec.parse(Buffer.from(empty!))).toBeDefined();
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as Error).message).toMatch(new RegExp(`^${name.replace('AndMapping', '')}\\.\\w+ is missing$`));
      }
    },
  );

  it.each(rows)('$name is refused when empty, not JSON or of another type', ({ codec }) => {
    for (const text of ['', '[]', '7', '"x"', 'null', '{']) {
      expect(() => codec.parse(Buffer.from(text))).toThrow(ProtocolError);
    }
    expect(() => codec.parse(null)).toThrow(/: the body is empty$/);
  });
});

describe('topic routes', () => {
  it('are the same from the number-keyed and the standard spelling', () => {
    const route = bodies.parseTopicRoute(Buffer.from(java.routeQuirky));
    expect(bodies.parseTopicRoute(Buffer.from(java.routeStandard))).toEqual(route);
    expect(route.brokerDatas[0]!.brokerAddrs).toEqual({ 0: '10.0.0.1:10911', 1: '10.0.0.2:10911' });
    expect(bodies.encodeTopicRoute(route).toString()).toBe(java.routeStandard);
  });
});

describe('tolerance towards other clients', () => {
  it('reads enums by ordinal, numbers and booleans as texts, and nulls as absent', () => {
    const heartbeat = bodies.parseHeartbeat(
      Buffer.from(
        '{"clientID":"c","producerDataSet":null,"extra":{},"consumerDataSet":[null,{"groupName":"g","consumeType":1,"messageModel":1,' +
          '"consumeFromWhere":4,"unitMode":"false","subscriptionDataSet":[{"topic":"t","subVersion":"1700000000000","codeSet":["7"]}]}]}',
      ),
    );
    expect(heartbeat).toEqual({
      clientID: 'c',
      producerDataSet: [],
      consumerDataSet: [
        {
          groupName: 'g',
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          unitMode: false,
          subscriptionDataSet: [
            {
              topic: 't',
              subString: '*',
              tagsSet: [],
              codeSet: [7],
              subVersion: 1_700_000_000_000,
              expressionType: 'TAG',
              classFilterMode: false,
            },
          ],
        },
      ],
    });
  });

  it.each([
    [
      '{"clientID":"c","consumerDataSet":[{"groupName":"g","messageModel":"SOME"}]}',
      'HeartbeatData.consumerDataSet[0].messageModel is "SOME", expected one of',
    ],
    ['{"clientID":"c","consumerDataSet":[{}]}', 'HeartbeatData.consumerDataSet[0].groupName is missing'],
    ['{"clientID":"c","consumerDataSet":{}}', 'HeartbeatData.consumerDataSet is {}, expected a list'],
    ['{"clientID":{}}', 'HeartbeatData.clientID is {}, expected a text'],
    [
      '{"clientID":"c","heartbeatFingerprint":2147483648}',
      'HeartbeatData.heartbeatFingerprint is 2147483648, expected a 32-bit integer',
    ],
    ['{"clientID":"c","withoutSub":"maybe"}', 'HeartbeatData.withoutSub is "maybe", expected true or false'],
  ])('names the place in %s', (text, message) => {
    expect(() => bodies.parseHeartbeat(Buffer.from(text))).toThrow(message);
  });

  it('reads a long beyond the safe integers as their limit', () => {
    const text = '{"offsetTable":{"t@g":{0:9223372036854775807}}}';
    expect(bodies.parseConsumerOffsets(Buffer.from(text)).offsetTable).toEqual({
      't@g': { 0: Number.MAX_SAFE_INTEGER },
    });
  });

  it('refuses keys that are not queues and not integers', () => {
    expect(() => bodies.parseResetOffsetBody(Buffer.from('{"offsetTable":{"a":1}}'))).toThrow(
      /a map with queues as keys/,
    );
    expect(() => bodies.parseConsumerOffsets(Buffer.from('{"offsetTable":{"t@g":{"x":1}}}'))).toThrow(
      /integers as keys/,
    );
  });

  it('keeps a topic called __proto__', () => {
    const text = '{"table":{"__proto__":"x"}}';
    const { table } = bodies.parseKVTable(Buffer.from(text));
    expect(Object.keys(table)).toEqual(['__proto__']);
    expect(bodies.encodeKVTable({ table }).toString()).toBe(text);
  });
});

describe('registration of a broker', () => {
  const parts = Buffer.from(java.registerPartsHex, 'hex');
  const fromJson = bodies.parseRegisterBrokerBody(Buffer.from(java.registerJson));
  const V5_5_0 = 513;
  const V4_9_8 = 409;

  it('is the same from JSON and from what Java deflates', () => {
    const fromParts = bodies.parseRegisterBrokerParts(parts, V5_5_0);
    const { dataVersion, topicConfigTable, topicQueueMappingInfoMap } = fromJson.topicConfigSerializeWrapper;
    expect(fromParts).toEqual({
      topicConfigSerializeWrapper: { dataVersion, topicConfigTable, topicQueueMappingInfoMap },
      filterServerList: ['f1'],
    });
  });

  it('is written to the bytes that Java deflates', () => {
    expect(bodies.encodeRegisterBrokerParts(fromJson).toString('hex')).toBe(java.registerPartsHex);
  });

  it('of a broker before 5.0.0 has no queue mappings', () => {
    expect(bodies.parseRegisterBrokerParts(parts, V4_9_8).topicConfigSerializeWrapper.topicQueueMappingInfoMap).toEqual(
      {},
    );
  });

  it('cut anywhere is a ProtocolError', () => {
    for (let length = 0; length < parts.length; length++) {
      expect(() => bodies.parseRegisterBrokerParts(parts.subarray(0, length), V5_5_0)).toThrow(ProtocolError);
    }
  });

  it('drops attributes that hold a space, as Java does', () => {
    const topic = bodies.parseTopicConfig(Buffer.from('{"topicName":"t","attributes":{"a":"b c"}}'));
    const body = {
      topicConfigSerializeWrapper: { ...fromJson.topicConfigSerializeWrapper, topicConfigTable: { t: topic } },
      filterServerList: [],
    };
    const again = bodies.parseRegisterBrokerParts(bodies.encodeRegisterBrokerParts(body), V5_5_0);
    expect(again.topicConfigSerializeWrapper.topicConfigTable['t']!.attributes).toEqual({});
  });
});
