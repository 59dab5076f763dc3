import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  encodeProperties,
  groupProblem,
  parseSubscriptionGroupWrapper,
  parseTopicConfigSerializeWrapper,
  Requests,
  ResponseCode,
  topicProblem,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { type HostileRequest, hostileRequests } from '../../protocol/test/hostile.js';
import { TestBroker } from './harness.js';

const TOPIC = 'honest';
const GROUP = 'honest-group';
const MIB = 1024 * 1024;

const honestFields = {
  topic: TOPIC,
  originTopic: TOPIC,
  defaultTopic: 'TBW102',
  consumerGroup: GROUP,
  group: GROUP,
  groupName: GROUP,
  producerGroup: 'honest-producers',
  clientId: 'honest-client',
  clientID: 'honest-client',
  brokerName: 'broker-a',
  bname: 'broker-a',
  defaultTopicQueueNums: '4',
  readQueueNums: '4',
  writeQueueNums: '4',
  perm: '6',
  topicFilterType: 'SINGLE_TAG',
  maxMsgNums: '32',
  maxNum: '32',
  subscription: '*',
  exp: '*',
  expressionType: 'TAG',
  expType: 'TAG',
  // The subscription travels with the pull.
  sysFlag: '4',
  invisibleTime: '10000',
  properties: encodeProperties({ KEYS: 'k', TAGS: 't' }),
  extraInfo: '0 0 10000 0 0 broker-a 0',
};

const subscription = {
  classFilterMode: false,
  topic: TOPIC,
  subString: 'a > 1',
  tagsSet: ['t'],
  codeSet: [116],
  subVersion: 1,
  expressionType: 'SQL92',
};
const queue = { topic: TOPIC, brokerName: 'broker-a', queueId: 0 };
const topicConfig = {
  topicName: TOPIC,
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: { '+message.type': 'NORMAL' },
};
const groupConfig = {
  groupName: GROUP,
  consumeEnable: true,
  retryQueueNums: 1,
  retryMaxTimes: 16,
  groupRetryPolicy: { type: 'CUSTOMIZED', customizedRetryPolicy: { next: [1000] } },
  brokerId: 0,
  consumeTimeoutMinute: 15,
  attributes: { '+lite.sub.model': 'Shared' },
};

const honestBodies = {
  HEART_BEAT: {
    clientID: 'honest-client',
    heartbeatFingerprint: 0,
    withoutSub: false,
    producerDataSet: [{ groupName: 'honest-producers' }],
    consumerDataSet: [
      {
        groupName: GROUP,
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        subscriptionDataSet: [subscription],
        unitMode: false,
      },
    ],
  },
  CHECK_CLIENT_CONFIG: { clientId: 'c', group: GROUP, subscriptionData: subscription },
  LOCK_BATCH_MQ: { consumerGroup: GROUP, clientId: 'c', mqSet: [queue] },
  UNLOCK_BATCH_MQ: { consumerGroup: GROUP, clientId: 'c', mqSet: [queue] },
  UPDATE_AND_CREATE_TOPIC_LIST: { topicConfigList: [topicConfig] },
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: groupConfig,
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST: { groupConfigList: [groupConfig] },
  UPDATE_AND_CREATE_STATIC_TOPIC: {
    ...topicConfig,
    mappingDetail: {
      topic: TOPIC,
      scope: '__global__',
      totalQueues: 2,
      bname: 'broker-a',
      epoch: 1,
      dirty: false,
      hostedQueues: { 0: [{ gen: 0, queueId: 0, bname: 'broker-a', logicOffset: 0, startOffset: 0, endOffset: -1 }] },
    },
  },
  QUERY_ASSIGNMENT: {
    topic: TOPIC,
    consumerGroup: GROUP,
    clientId: 'c',
    messageModel: 'CLUSTERING',
    strategyName: 'AVG',
  },
  SET_MESSAGE_REQUEST_MODE: { topic: TOPIC, consumerGroup: GROUP, mode: 'POP', popShareQueueNum: 0 },
  BATCH_ACK_MESSAGE: {
    brokerName: 'broker-a',
    acks: [{ c: GROUP, t: TOPIC, r: '0', so: 0, q: 0, rq: 0, pt: 1, it: 10_000, b: 'AQ==' }],
  },
  UPDATE_BROKER_CONFIG: 'regionId=honest\nstorePathRootDir=../../hostile\n',
};

/** All files below a directory, as relative paths. */
function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

describe('a broker under hostile requests', () => {
  let target: TestBroker;
  const unexpected: unknown[] = [];
  const note = (reason: unknown): void => {
    unexpected.push(reason);
  };
  const nothing = (): void => undefined;
  const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    target = await TestBroker.start({
      logger,
      enablePropertyFilter: true,
      // A pull that nothing answers is held for a moment only.
      longPollingEnable: false,
      shortPollingTimeMills: 20,
    });
  });
  afterAll(async () => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
    await target.close();
  });

  const sendHonestly = async (): Promise<void> => {
    const response = await target.send(TOPIC, 'honest', { queueId: 1 });
    expect([response.code, response.remark]).toEqual([ResponseCode.SUCCESS, null]);
  };

  const prepare = async (): Promise<void> => {
    await target.call(Requests.updateAndCreateTopic, {
      topic: TOPIC,
      defaultTopic: 'TBW102',
      readQueueNums: 4,
      writeQueueNums: 4,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    });
    await sendHonestly();
  };

  async function ask({ what, command, mustFail }: HostileRequest): Promise<string | null> {
    try {
      const { code, remark } = await target.request(command, 20_000);
      if (mustFail && code === ResponseCode.SUCCESS) return `${what}: accepted`;
      // These say that some code met a value that it did not expect.
      return /^(Type|Range|Reference|Syntax)?Error:/.test(remark ?? '') ? `${what}: ${remark?.slice(0, 200)}` : null;
    } catch (error) {
      return `${what}: ${String(error).slice(0, 200)}`;
    }
  }

  it('answers each with an error, or does no harm, and goes on serving', async () => {
    const before = process.memoryUsage();
    const filesOutside = readdirSync(dirname(target.rootDir)).filter((name) => name.includes('hostile'));
    const failures: string[] = [];
    let asked = 0;
    let batch: HostileRequest[] = [];
    const flush = async (): Promise<void> => {
      await prepare();
      failures.push(...(await Promise.all(batch.map(ask))).filter((failure) => failure !== null));
      asked += batch.length;
      batch = [];
    };
    for (const request of hostileRequests(honestFields, honestBodies)) {
      batch.push(request);
      if (batch.length === 200) await flush();
    }
    await flush();
    expect(asked).toBeGreaterThan(5_000);
    expect(failures).toEqual([]);
    expect(unexpected).toEqual([]);

    const topics = parseTopicConfigSerializeWrapper((await target.call(Requests.getAllTopicConfig, {})).body!);
    expect(Object.keys(topics.topicConfigTable).filter((name) => topicProblem(name) !== null)).toEqual([]);
    const groups = await target.call(Requests.getAllSubscriptiongroupConfig, {});
    const { subscriptionGroupTable } = parseSubscriptionGroupWrapper(groups.body!);
    expect(Object.keys(subscriptionGroupTable).filter((name) => groupProblem(name) !== null)).toEqual([]);

    const legal = /^[%|\w.@-]+(\/[%|\w.@-]+)*$/;
    expect(files(target.rootDir).filter((path) => !legal.test(path) || path.includes('..'))).toEqual([]);
    expect(readdirSync(dirname(target.rootDir)).filter((name) => name.includes('hostile'))).toEqual(filesOutside);

    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(400 * MIB);
  }, 120_000);

  it.each([
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a length of 2 GB', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a header longer than its frame', Buffer.from([0, 0, 0, 8, 0, 0xff, 0xff, 0xff, 1, 2, 3, 4])],
    ['an unknown header format', Buffer.from([0, 0, 0, 6, 9, 0, 0, 2, 0x7b, 0x7d])],
    ['a header that is no JSON', Buffer.from([0, 0, 0, 8, 0, 0, 0, 4, 0x7b, 0x7b, 0x7b, 0x7b])],
    ['a header that is a list', Buffer.from([0, 0, 0, 6, 0, 0, 0, 2, 0x5b, 0x5d])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('closes a connection that sends %s, and goes on serving', async (_what, bytes) => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(target.broker.port, '127.0.0.1', () => socket.write(bytes));
      socket.on('close', () => resolve());
      socket.on('error', reject);
      socket.resume();
    });
    await sendHonestly();
  });

  it('starts again on what is on the disk', async () => {
    await target.restart();
    await sendHonestly();
    expect(unexpected).toEqual([]);
  });
});
