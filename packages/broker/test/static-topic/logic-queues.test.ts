import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  createResponse,
  type DecodedCommand,
  decodeFields,
  encodeClusterInfo,
  encodeTopicQueueMapping,
  type FieldInput,
  type FieldMap,
  type LogicQueueItem,
  parseRegisterBrokerBody,
  parseTopicConfigAndQueueMapping,
  RequestCode,
  type RequestDefinition,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingServer } from '@rocketnest/remoting';
import { sendFields, TestBroker } from '../harness.js';
import { mapping, part } from './support.js';

/** Knows the brokers that register, as a name server does. */
class SmallNameServer {
  readonly addresses = new Map<string, string>();
  readonly mappings = new Map<string, unknown>();
  private readonly server = new RemotingServer({
    host: '127.0.0.1',
    port: 0,
    processors: new Map([
      [RequestCode.REGISTER_BROKER, (request: DecodedCommand) => this.register(request)],
      [RequestCode.UNREGISTER_BROKER, (request: DecodedCommand) => createResponse(request, ResponseCode.SUCCESS)],
      [RequestCode.GET_BROKER_CLUSTER_INFO, (request: DecodedCommand) => this.clusterInfo(request)],
    ]),
  });

  async start(): Promise<this> {
    await this.server.start();
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private register(request: DecodedCommand) {
    const { fields, name } = Requests.registerBroker;
    const { brokerName, brokerAddr } = decodeFields(fields, request.extFields, name);
    this.addresses.set(brokerName, brokerAddr);
    const { topicConfigSerializeWrapper } = parseRegisterBrokerBody(request.body!);
    this.mappings.set(brokerName, topicConfigSerializeWrapper.topicQueueMappingInfoMap);
    return createResponse(request, ResponseCode.SUCCESS);
  }

  private clusterInfo(request: DecodedCommand) {
    const brokerAddrTable = Object.fromEntries(
      [...this.addresses].map(([brokerName, address]) => [brokerName, { brokerName, brokerAddrs: { 0: address } }]),
    );
    return createResponse(request, ResponseCode.SUCCESS, null, {}, encodeClusterInfo({ brokerAddrTable }));
  }
}

let nameServer: SmallNameServer;
let a: TestBroker;
let b: TestBroker;
beforeAll(async () => {
  nameServer = await new SmallNameServer().start();
  const options = { namesrvAddr: nameServer.address, brokerIP1: '127.0.0.1' };
  [a, b] = await Promise.all(
    ['broker-a', 'broker-b'].map((brokerName) => TestBroker.start({ ...options, brokerName })),
  );
});
afterAll(async () => {
  await Promise.all([a?.close(), b?.close()]);
  await nameServer.close();
});

let topics = 0;
const newTopic = () => `static-${++topics}`;

/** Gives a broker its view of logic queue 0. */
async function put(target: TestBroker, topic: string, items: LogicQueueItem[], epoch: number): Promise<void> {
  const body = encodeTopicQueueMapping(
    mapping(topic, target.broker.options.brokerName, items.length === 0 ? {} : { 0: items }, { epoch, totalQueues: 1 }),
  );
  const fields = {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: 2,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    order: false,
  };
  expect(await target.call(Requests.updateAndCreateStaticTopic, fields, body)).toMatchObject({ code: 0 });
}

const partA = part({ bname: 'broker-a' });
const partB = part({ bname: 'broker-b', gen: 1, queueId: 1, logicOffset: 100 });

/** Logic queue 0: two messages in broker-a, then it moves to broker-b at offset 100 and gets two more. */
async function movedTopic(): Promise<string> {
  const topic = newTopic();
  await put(a, topic, [partA], 1);
  await sendTo(a, topic, 'one', 'two');
  await put(b, topic, [partA, partB], 2);
  await put(a, topic, [partA, partB], 2);
  await sendTo(b, topic, 'three', 'four');
  return topic;
}

async function sendTo(target: TestBroker, topic: string, ...bodies: string[]): Promise<DecodedCommand[]> {
  const answers: DecodedCommand[] = [];
  for (const body of bodies) {
    answers.push(await target.call(Requests.sendMessageV2, sendFields(topic), Buffer.from(body)));
  }
  return answers;
}

async function offsetOf<F extends FieldMap, R extends FieldMap>(
  target: TestBroker,
  definition: RequestDefinition<F, R>,
  fields: FieldInput<F>,
): Promise<number> {
  const { code, extFields } = await target.call(definition, fields);
  expect(code).toBe(ResponseCode.SUCCESS);
  return Number(extFields['offset']);
}

describe('A logic queue', () => {
  it('is written through its number and answers with its offsets', async () => {
    const topic = newTopic();
    await put(b, topic, [partA, partB], 1);
    const [first, second] = await sendTo(b, topic, 'one', 'two');
    expect(first!.extFields).toMatchObject({ queueId: '0', queueOffset: '100' });
    expect(first!.extFields['msgId']).toMatch(/^[0-9A-F]{32}$/);
    expect(second!.extFields).toMatchObject({ queueId: '0', queueOffset: '101' });
    const physical = await b.pull(topic, { lo: false, queueId: 1 });
    expect(physical).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { nextBeginOffset: '2' } });
    const anyQueue = await b.call(Requests.sendMessageV2, sendFields(topic, { queueId: -1 }), Buffer.from('three'));
    expect(anyQueue.extFields).toMatchObject({ queueId: '0', queueOffset: '102' });
  });

  it('is registered with the name server by the broker that writes it', async () => {
    const topic = await movedTopic();
    await a.broker.close().then(() => a.restart());
    expect(nameServer.mappings.get('broker-b')).toMatchObject({ [topic]: { bname: 'broker-b', currIdMap: { 0: 1 } } });
    expect(nameServer.mappings.get('broker-a')).toMatchObject({ [topic]: { bname: 'broker-a', currIdMap: {} } });
  });

  it('is shown with its topic to those who ask for it', async () => {
    const topic = await movedTopic();
    const withMapping = await a.call(Requests.getTopicConfig, { topic, lo: true });
    expect(parseTopicConfigAndQueueMapping(withMapping.body)).toMatchObject({
      topicName: topic,
      mappingDetail: { epoch: 2, hostedQueues: { 0: [partA, partB] } },
    });
    const without = await a.call(Requests.getTopicConfig, { topic });
    expect(parseTopicConfigAndQueueMapping(without.body).mappingDetail).toBeUndefined();
  });

  it('is read from its first part on, wherever that is, and then from the next', async () => {
    const topic = await movedTopic();
    const first = await b.pull(topic);
    expect(first).toMatchObject({
      code: ResponseCode.SUCCESS,
      extFields: { nextBeginOffset: '2', minOffset: '0', maxOffset: '100', offsetDelta: '0' },
    });
    expect(first.body!.includes('one') && first.body!.includes('two')).toBe(true);
    const end = await b.pull(topic, { queueOffset: 2 }, 10_000);
    expect(end).toMatchObject({
      code: ResponseCode.PULL_RETRY_IMMEDIATELY,
      extFields: { nextBeginOffset: '100', offsetDelta: '100' },
    });
    const second = await b.pull(topic, { queueOffset: 100 });
    expect(second).toMatchObject({
      code: ResponseCode.SUCCESS,
      extFields: { nextBeginOffset: '102', minOffset: '100', maxOffset: '102', offsetDelta: '100' },
    });
    expect(second.body!.includes('three') && second.body!.includes('four')).toBe(true);
    expect(await b.pull(topic, { queueOffset: 102 })).toMatchObject({
      code: ResponseCode.PULL_NOT_FOUND,
      extFields: { nextBeginOffset: '102' },
    });
  });

  it('is answered for by its leader only', async () => {
    const topic = await movedTopic();
    const pull = await a.pull(topic);
    expect(pull).toMatchObject({
      code: ResponseCode.NOT_LEADER_FOR_QUEUE,
      remark: `${topic}-0 does not exist in request process of current broker broker-a`,
    });
    const [sent] = await sendTo(a, topic, 'lost');
    expect(sent!.code).toBe(ResponseCode.NOT_LEADER_FOR_QUEUE);
    expect((await b.call(Requests.getMaxOffset, { topic, queueId: 7 })).code).toBe(ResponseCode.NOT_LEADER_FOR_QUEUE);
  });

  it('releases the pulls that wait in its old leader when it moves', async () => {
    const topic = newTopic();
    await put(a, topic, [partA], 1);
    const waiting = a.pull(topic, {}, 60_000);
    await sendTo(a, newTopic(), 'later');
    await put(a, topic, [partA, partB], 2);
    expect((await waiting).code).toBe(ResponseCode.NOT_LEADER_FOR_QUEUE);
  });

  it('wakes the pulls that wait in its leader when messages come', async () => {
    const topic = await movedTopic();
    const waiting = b.pull(topic, { queueOffset: 102 }, 60_000);
    await sendTo(b, topic, 'five');
    expect(await waiting).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { nextBeginOffset: '103' } });
  });

  it('begins with its first part and ends with its last', async () => {
    const topic = await movedTopic();
    expect(await offsetOf(b, Requests.getMinOffset, { topic, queueId: 0 })).toBe(0);
    expect(await offsetOf(b, Requests.getMaxOffset, { topic, queueId: 0 })).toBe(102);
    const earliest = await b.call(Requests.getEarliestMsgStoretime, { topic, queueId: 0 });
    const inA = await a.call(Requests.getEarliestMsgStoretime, { topic, queueId: 0, lo: false });
    expect(earliest.extFields).toEqual(inA.extFields);
  });

  it('is searched by time in all its parts', async () => {
    const topic = await movedTopic();
    const search = (timestamp: number) =>
      offsetOf(b, Requests.searchOffsetByTimestamp, { topic, queueId: 0, timestamp });
    expect(await search(0)).toBe(0);
    expect(await search(Date.now() + 60_000)).toBeGreaterThanOrEqual(101);
  });

  it('keeps consumer offsets with the part they lie in', async () => {
    const topic = await movedTopic();
    const consumerGroup = 'consumers';
    const commit = (commitOffset: number) =>
      b.call(Requests.updateConsumerOffset, { consumerGroup, topic, queueId: 0, commitOffset });
    const committed = () => offsetOf(b, Requests.queryConsumerOffset, { consumerGroup, topic, queueId: 0 });
    const nothing = await b.call(Requests.queryConsumerOffset, { consumerGroup, topic, queueId: 0 });
    expect(nothing.code).toBe(ResponseCode.QUERY_NOT_FOUND);
    await b.pull(topic); // makes the group known in both brokers
    await commit(1);
    expect(await committed()).toBe(1);
    const inA = { consumerGroup, topic, queueId: 0, lo: false };
    expect(await offsetOf(a, Requests.queryConsumerOffset, inA)).toBe(1);
    await commit(101);
    expect(await committed()).toBe(101);
    expect(await offsetOf(b, Requests.queryConsumerOffset, { ...inA, queueId: 1 })).toBe(1);
  });

  it('takes messages while its place is being decided, and tells no offsets', async () => {
    const topic = newTopic();
    await put(b, topic, [partA, { ...partB, logicOffset: -1 }], 1);
    const [sent] = await sendTo(b, topic, 'early');
    expect(sent).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { queueOffset: '-1' } });
    await put(b, topic, [partA, partB], 1);
    expect(await offsetOf(b, Requests.getMaxOffset, { topic, queueId: 0 })).toBe(101);
  });

  it('says which broker is missing', async () => {
    const topic = newTopic();
    await put(b, topic, [{ ...partA, bname: 'broker-z' }, partB], 1);
    expect(await b.pull(topic)).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'PULL_MESSAGE(11) to broker broker-z: no name server knows a master of that name',
    });
  });

  it('goes with its topic', async () => {
    const topic = await movedTopic();
    await b.call(Requests.deleteTopicInBroker, { topic });
    const gone = await b.call(Requests.getTopicConfig, { topic, lo: true });
    expect(gone.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await b.request(createRequest(Requests.updateAndCreateTopic, plainTopic(topic)));
    expect((await sendTo(b, topic, 'plain'))[0]!.extFields).toMatchObject({ queueId: '0', queueOffset: '0' });
  });
});

const plainTopic = (topic: string) => ({
  topic,
  defaultTopic: 'TBW102',
  readQueueNums: 1,
  writeQueueNums: 1,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  order: false,
});

describe('UPDATE_AND_CREATE_STATIC_TOPIC', () => {
  it.each([
    ['a system topic', 'SCHEDULE_TOPIC_XXXX', 'SCHEDULE_TOPIC_XXXX', ResponseCode.INVALID_PARAMETER],
    ['a name that is none', 'a b', 'a b', ResponseCode.INVALID_PARAMETER],
    ['the mapping of another topic', 'one', 'other', ResponseCode.INVALID_PARAMETER],
  ])('refuses %s', async (_, topic, mapped, code) => {
    const body = encodeTopicQueueMapping(mapping(mapped, 'broker-a', {}));
    expect((await a.call(Requests.updateAndCreateStaticTopic, plainTopic(topic), body)).code).toBe(code);
  });

  it('refuses a body that is no mapping, and leaves no topic behind', async () => {
    const topic = newTopic();
    const answer = await a.call(Requests.updateAndCreateStaticTopic, plainTopic(topic), Buffer.from('[]'));
    expect(answer).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: expect.stringContaining('STATIC_TOPIC') });
    const wrongBroker = encodeTopicQueueMapping(mapping(topic, 'broker-z', {}));
    expect((await a.call(Requests.updateAndCreateStaticTopic, plainTopic(topic), wrongBroker)).code).toBe(
      ResponseCode.SYSTEM_ERROR,
    );
    expect((await a.call(Requests.getTopicConfig, { topic })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});
