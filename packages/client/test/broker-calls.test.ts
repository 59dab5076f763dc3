import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  encodeResetOffsetBody,
  encodeStoredMessage,
  isResponse,
  type MessageExt,
  parseConsumeMessageDirectlyResult,
  parseConsumerRunningInfo,
  parseGetConsumerStatusBody,
  type RemotingCommand,
  Requests,
  ResponseCode,
  type StoredMessageInput,
  storedMessageSize,
} from '@rocketnest/protocol';
import { type PeerConnection, ScriptedPeer, waitFor } from '@rocketnest/testing';
import { compressBodySync, ZLIB_SYS_FLAG } from '../src/compression.js';
import { ClientInstance, type ConsumerRegistration } from '../src/instance.js';

const host = { address: '127.0.0.1', port: 10911 };

function stored(fields: Partial<StoredMessageInput>): Buffer {
  const input: StoredMessageInput = {
    topic: 'T',
    body: Buffer.from('body'),
    flag: 0,
    propertiesData: Buffer.from('PGROUP\u0001tx\u0002UNIQ_KEY\u0001ID1\u0002'),
    queueId: 1,
    queueOffset: 2,
    commitLogOffset: 3,
    sysFlag: 0,
    bornTimestamp: 4,
    bornHost: host,
    storeTimestamp: 5,
    storeHost: host,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    ...fields,
  };
  const buffer = Buffer.alloc(storedMessageSize(input));
  encodeStoredMessage(input, buffer, 0);
  return buffer;
}

describe('calls from a broker', () => {
  let broker: ScriptedPeer;
  let instance: ClientInstance;
  let connection: PeerConnection;

  beforeEach(async () => {
    broker = await ScriptedPeer.start();
    instance = new ClientInstance({ namesrvAddr: '127.0.0.1:9' });
    await instance.start();
    await instance.remoting.connection(broker.address);
    connection = await waitFor(() => [...broker.connections][0]);
  });
  afterEach(async () => {
    await instance.close();
    await broker.close();
  });

  /** Sends a request to the client and resolves with its response. */
  async function call(request: RemotingCommand): Promise<RemotingCommand> {
    const opaque = 4_711 + broker.received.length;
    connection.send({ ...request, opaque });
    return waitFor(() => broker.received.find((command) => isResponse(command) && command.opaque === opaque), {
      what: 'the response',
    });
  }

  const oneway = (request: RemotingCommand) => connection.send({ ...request, flag: 2 });

  function register(overrides: Partial<ConsumerRegistration>): void {
    const refuse = (): never => {
      throw new Error('not expected');
    };
    instance.registerConsumer('g', {
      topics: () => [],
      heartbeat: refuse,
      onConsumerIdsChanged: refuse,
      resetOffset: refuse,
      runningInfo: refuse,
      consumeDirectly: refuse,
      ...overrides,
    });
  }

  it('hands a transaction check to the producer of the message’s group', async () => {
    const checks: unknown[][] = [];
    instance.registerProducer('tx', { topics: () => [], checkTransaction: (...args) => checks.push(args) });
    instance.registerProducer('other', { topics: () => [], checkTransaction: () => checks.push(['wrong group']) });
    const body = Buffer.from('compressed '.repeat(100));
    oneway(
      createRequest(
        Requests.checkTransactionState,
        { tranStateTableOffset: 7, commitLogOffset: 3, msgId: 'ID1', transactionId: 'ID1', bname: 'a' },
        stored({ body: compressBodySync(body, 5), sysFlag: ZLIB_SYS_FLAG }),
      ),
    );
    await waitFor(() => checks.length > 0, { what: 'the check' });
    const [address, message, fields] = checks[0] as [string, MessageExt, object];
    expect(address).toBe(broker.address);
    expect(message).toMatchObject({ topic: 'T', msgId: 'ID1', body });
    expect(fields).toMatchObject({ tranStateTableOffset: 7, commitLogOffset: 3, transactionId: 'ID1', bname: 'a' });
  });

  it('ignores a check for a group that is not here, and goes on', async () => {
    oneway(createRequest(Requests.checkTransactionState, { tranStateTableOffset: 7, commitLogOffset: 3 }, stored({})));
    register({ runningInfo: () => ({}) as never });
    const info = await call(createRequest(Requests.getConsumerRunningInfo, { consumerGroup: 'nobody', clientId: 'c' }));
    expect(info).toMatchObject({
      code: ResponseCode.SYSTEM_ERROR,
      remark: 'The Consumer Group <nobody> not exist in this consumer',
    });
  });

  it('lets every consumer rebalance when members of a group change', async () => {
    let changed = 0;
    register({ onConsumerIdsChanged: () => changed++ });
    oneway(createRequest(Requests.notifyConsumerIdsChanged, { consumerGroup: 'any' }));
    await waitFor(() => changed === 1, { what: 'the rebalance' });
  });

  it('hands new offsets to the group', async () => {
    const resets: unknown[] = [];
    register({ resetOffset: (topic, offsets) => void resets.push([topic, offsets]) });
    const queue = { topic: 'T', brokerName: 'a', queueId: 2 };
    oneway(
      createRequest(
        Requests.resetConsumerClientOffset,
        { topic: 'T', group: 'g', timestamp: 1, isForce: true },
        encodeResetOffsetBody({ offsetTable: [{ queue, offset: 99 }] }),
      ),
    );
    await waitFor(() => resets.length > 0, { what: 'the reset' });
    expect(resets).toEqual([['T', [{ queue, offset: 99 }]]]);
  });

  it('answers what a consumer is doing', async () => {
    register({
      runningInfo: async () =>
        ({
          properties: { PROP_CLIENT_VERSION: 'x' },
          subscriptionSet: [],
          mqTable: [],
          mqPopTable: [],
          statusTable: {},
          userConsumerInfo: {},
        }) as never,
      consumerStatus: (topic) => [{ queue: { topic, brokerName: 'a', queueId: 0 }, offset: 12 }],
    });
    const info = await call(createRequest(Requests.getConsumerRunningInfo, { consumerGroup: 'g', clientId: 'c' }));
    expect(info.code).toBe(ResponseCode.SUCCESS);
    expect(parseConsumerRunningInfo(info.body as Buffer).properties).toEqual({ PROP_CLIENT_VERSION: 'x' });
    const status = await call(createRequest(Requests.getConsumerStatusFromClient, { topic: 'T', group: 'g' }));
    expect(parseGetConsumerStatusBody(status.body as Buffer).messageQueueTable).toEqual([
      { queue: { topic: 'T', brokerName: 'a', queueId: 0 }, offset: 12 },
    ]);
  });

  it('runs a message through a handler on demand', async () => {
    const seen: [MessageExt, string | undefined][] = [];
    register({
      consumeDirectly: async (message, brokerName) => {
        seen.push([message, brokerName]);
        return { order: false, autoCommit: true, consumeResult: 'CR_SUCCESS', remark: 'fine', spentTimeMills: 3 };
      },
    });
    const response = await call(
      createRequest(
        Requests.consumeMessageDirectly,
        { consumerGroup: 'g', clientId: 'c', msgId: 'ID1', brokerName: 'a' },
        stored({}),
      ),
    );
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(parseConsumeMessageDirectlyResult(response.body as Buffer)).toMatchObject({
      consumeResult: 'CR_SUCCESS',
      remark: 'fine',
      spentTimeMills: 3,
    });
    expect(seen).toMatchObject([[{ msgId: 'ID1', queueOffset: 2 }, 'a']]);
  });

  it('tells the broker when a handler fails', async () => {
    register({ consumeDirectly: () => Promise.reject(new Error('handler broke')) });
    const response = await call(
      createRequest(Requests.consumeMessageDirectly, { consumerGroup: 'g', clientId: 'c' }, stored({})),
    );
    expect(response).toMatchObject({ code: ResponseCode.SYSTEM_ERROR, remark: 'Error: handler broke' });
  });

  it('hands a reply to the request that waits for it', async () => {
    const replies: MessageExt[] = [];
    instance.replies.set('cid-1', (reply) => replies.push(reply));
    const response = await call(
      createRequest(
        Requests.pushReplyMessageToClient,
        {
          producerGroup: 'g',
          topic: 'c_REPLY_TOPIC',
          defaultTopic: 'TBW102',
          defaultTopicQueueNums: 4,
          queueId: 0,
          sysFlag: ZLIB_SYS_FLAG,
          bornTimestamp: 1,
          flag: 0,
          properties: 'CORRELATION_ID\u0001cid-1\u0002own\u0001x\u0002',
          bornHost: '/10.0.0.1:5',
          storeHost: '10.0.0.2:10911',
          storeTimestamp: 2,
        },
        compressBodySync(Buffer.from('answer'), 5),
      ),
    );
    expect(response.code).toBe(ResponseCode.SUCCESS);
    expect(replies).toMatchObject([
      {
        topic: 'c_REPLY_TOPIC',
        properties: { own: 'x' },
        bornHost: { address: '10.0.0.1', port: 5 },
        storeHost: { address: '10.0.0.2', port: 10911 },
      },
    ]);
    expect(replies[0]!.body.toString()).toBe('answer');
    expect(Number(replies[0]!.properties['ARRIVE_TIME'])).toBeGreaterThan(1_700_000_000_000);
  });
});
