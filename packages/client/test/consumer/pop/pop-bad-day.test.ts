import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  type DecodedCommand,
  encodeMessage,
  encodeQueryAssignmentResponse,
  type MessageExt,
  PropertyName,
  parseQueryAssignmentRequest,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocketnest/protocol';
import { type MessageHandler, PushConsumer, type PushConsumerOptions } from '../../../src/consumer/index.js';
import { ok, refuse, ScriptedBroker } from '../scripted-broker.js';
import { pulled } from '../stored-message.js';
import { bodyOf, LogKeeper, until } from '../testbed.js';

describe('a popping consumer whose broker misbehaves', () => {
  let broker: ScriptedBroker;
  let log: LogKeeper;
  let consumers: PushConsumer[];
  /** Answers to pops, in turn; afterwards pops are held. */
  let pops: ((request: DecodedCommand) => RemotingCommand | undefined)[];

  beforeEach(async () => {
    broker = await ScriptedBroker.start();
    log = new LogKeeper();
    consumers = [];
    pops = [];
    broker.answers.set(RequestCode.QUERY_ASSIGNMENT, assigned('POP', -1));
    broker.answers.set(RequestCode.POP_MESSAGE, (request) => pops.shift()?.(request));
    broker.answers.set(RequestCode.ACK_MESSAGE, (request) => ok(request));
    broker.answers.set(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, (request) =>
      ok(request, { popTime: '1700000001000', invisibleTime: request.extFields['invisibleTime']!, reviveQid: '0' }),
    );
  });
  afterEach(async () => {
    for (const consumer of consumers) await consumer.close();
    await broker.close();
  });

  const assigned = (mode: 'PULL' | 'POP', queueId: number) => (request: DecodedCommand) => {
    const { topic } = parseQueryAssignmentRequest(request.body as Buffer);
    const messageQueueAssignments = topic === 'T' ? [{ messageQueue: { topic, brokerName: 'b', queueId }, mode }] : [];
    return ok(request, {}, encodeQueryAssignmentResponse({ messageQueueAssignments }));
  };

  const found =
    (...messages: MessageExt[]) =>
    (request: DecodedCommand) =>
      ok(
        request,
        { popTime: '1700000000000', invisibleTime: '60000', reviveQid: '0', restNum: '0', startOffsetInfo: '0 0 0' },
        Buffer.concat(messages.map(encodeMessage)),
      );

  async function start(options: Partial<PushConsumerOptions>, handler: MessageHandler): Promise<PushConsumer> {
    const consumer = new PushConsumer({
      namesrvAddr: broker.peer.address,
      group: 'g',
      consumeFrom: 'FIRST_OFFSET',
      clientRebalance: false,
      pullRetryDelayMs: 50,
      rebalanceIntervalMs: 100,
      shutdownTimeoutMs: 1_000,
      requestTimeoutMs: 500,
      logger: log,
      ...options,
    });
    consumers.push(consumer);
    await consumer.subscribe('T', 'a || b').listen(handler).start();
    return consumer;
  }

  const requests = (code: number) => broker.received(code);
  const tagged = (offset: number, tag = 'a') => pulled(offset, { properties: { [PropertyName.TAGS]: tag } });

  it('asks as the Java client does', async () => {
    await start({ popBatchNums: 7, popInvisibleTimeMs: 30_000 }, () => {});
    await until(() => requests(RequestCode.POP_MESSAGE).length === 1, 'a pop');
    expect(requests(RequestCode.POP_MESSAGE)[0]!.extFields).toMatchObject({
      consumerGroup: 'g',
      topic: 'T',
      queueId: '-1',
      maxMsgNums: '7',
      invisibleTime: '30000',
      pollTime: '15000',
      initMode: '0',
      expType: 'TAG',
      exp: 'a || b',
      order: 'false',
      bname: 'b',
    });
    const [query] = requests(RequestCode.QUERY_ASSIGNMENT);
    expect(parseQueryAssignmentRequest(query!.body as Buffer)).toMatchObject({
      consumerGroup: 'g',
      clientId: consumers[0]!.instance.clientId,
      strategyName: 'AVG',
      messageModel: 'CLUSTERING',
    });
  });

  it('acknowledges with the receipt, one request a message', async () => {
    pops.push(found(tagged(3), tagged(4)));
    const got: string[] = [];
    await start({ consumeMessageBatchMaxSize: 10 }, async (messages) => {
      got.push(messages.map(bodyOf).join());
    });
    await until(() => requests(RequestCode.ACK_MESSAGE).length === 2, 'the acknowledgements');
    expect(got).toEqual(['body 3,body 4']);
    expect(requests(RequestCode.ACK_MESSAGE).map(({ extFields }) => extFields)).toMatchObject(
      [3, 4].map((offset) => ({
        consumerGroup: 'g',
        topic: 'T',
        queueId: '0',
        offset: `${offset}`,
        extraInfo: `0 1700000000000 60000 0 0 b 0 ${offset}`,
      })),
    );
  });

  it('acknowledges, without handing it out, a message of another tag with the same hash code', async () => {
    pops.push(found(tagged(0, 'other'), tagged(1)));
    const got: string[] = [];
    await start({}, async ([message]) => {
      got.push(bodyOf(message!));
    });
    await until(() => requests(RequestCode.ACK_MESSAGE).length === 2, 'both acknowledgements');
    expect(got).toEqual(['body 1']);
  });

  it.each([
    ['refuses', refuse(ResponseCode.SYSTEM_ERROR)],
    ['is flooded', refuse(ResponseCode.FLOW_CONTROL)],
    ['holds too many pops', refuse(ResponseCode.POLLING_FULL)],
    ['has nothing', refuse(ResponseCode.POLLING_TIMEOUT)],
    ['answers nonsense', (request: DecodedCommand) => ok(request, { popTime: 'never' })],
  ])('pops again when the broker %s', async (_, answer) => {
    pops.push(answer as (request: DecodedCommand) => RemotingCommand, found(tagged(0)));
    const got: string[] = [];
    await start({}, async ([message]) => {
      got.push(bodyOf(message!));
    });
    await until(() => got.length === 1, 'the message');
  });

  it('says why when a message cannot be acknowledged', async () => {
    broker.answers.set(RequestCode.ACK_MESSAGE, refuse(ResponseCode.NO_MESSAGE, 'gone'));
    pops.push(found(tagged(0)));
    await start({}, () => {});
    await until(() => log.of('warn').some(({ message }) => message.includes('acknowledged')), 'the warning');
    expect(log.of('warn').find(({ message }) => message.includes('acknowledged'))).toMatchObject({
      fields: { group: 'g', topic: 'T', queueId: 0, error: expect.objectContaining({ remark: 'gone' }) },
    });
  });

  it('pops no more while too many messages wait for handlers', async () => {
    pops.push(found(tagged(0), tagged(1), tagged(2)));
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await start({ popThresholdForQueue: 2 }, () => released);
    await until(() => log.of('warn').some(({ message }) => message.includes('more than 2')), 'the warning');
    expect(requests(RequestCode.POP_MESSAGE)).toHaveLength(1);
    release();
    await until(() => requests(RequestCode.POP_MESSAGE).length === 2, 'the next pop');
  });

  it('gives back, as never delivered, what arrives while it is paused', async () => {
    let held: DecodedCommand | undefined;
    pops.push((request) => {
      held = request;
      return undefined;
    });
    let handled = 0;
    const consumer = await start({}, () => {
      handled++;
    });
    await until(() => held !== undefined, 'a pop to be held');
    consumer.pause();
    for (const connection of broker.peer.connections) connection.send(found(tagged(0))(held!));
    await until(() => requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME).length === 1, 'the message to go back');
    expect(requests(RequestCode.CHANGE_MESSAGE_INVISIBLETIME)[0]!.extFields).toMatchObject({
      invisibleTime: '0',
      suspend: 'true',
    });
    expect(handled).toBe(0);
  });

  it('repeats an ordered pop without an answer under the same name', async () => {
    pops.push(refuse(ResponseCode.SYSTEM_ERROR) as never, found(tagged(0)));
    await start({ consumeMode: 'ORDERLY' }, () => {});
    await until(() => requests(RequestCode.POP_MESSAGE).length === 3, 'three pops');
    const [first, second, third] = requests(RequestCode.POP_MESSAGE).map(({ extFields }) => extFields);
    expect(first).toMatchObject({ order: 'true', attemptId: expect.any(String) });
    expect(second!['attemptId']).toBe(first!['attemptId']);
    expect(third!['attemptId']).not.toBe(first!['attemptId']);
  });

  it('keeps what it has while the broker cannot say, and gives it up when it has nothing for it', async () => {
    const consumer = await start({}, () => {});
    const popsT = () => consumer.assignment.filter(({ topic }) => topic === 'T').length;
    expect(popsT()).toBe(1);
    const asked = requests(RequestCode.QUERY_ASSIGNMENT).length;
    broker.answers.set(RequestCode.QUERY_ASSIGNMENT, (request) => ok(request, {}, Buffer.from('{}')));
    await until(() => requests(RequestCode.QUERY_ASSIGNMENT).length > asked + 3, 'the broker to be asked again');
    expect(popsT()).toBe(1);
    broker.answers.set(RequestCode.QUERY_ASSIGNMENT, (request) =>
      ok(request, {}, encodeQueryAssignmentResponse({ messageQueueAssignments: [] })),
    );
    await until(() => popsT() === 0, 'the queue to be given up');
  });

  it('shares out the queues itself, and pulls, with brokers that assign none', async () => {
    broker.answers.set(RequestCode.QUERY_ASSIGNMENT, refuse(ResponseCode.REQUEST_CODE_NOT_SUPPORTED));
    broker.log.push(tagged(0));
    const got: string[] = [];
    const consumer = await start({}, async ([message]) => {
      got.push(bodyOf(message!));
    });
    await until(() => got.length === 1, 'the message');
    expect(consumer.assignment).toContainEqual({ topic: 'T', brokerName: 'b', queueId: 0 });
    expect(log.of('warn').filter(({ message }) => message.includes('older than 5.0'))).toHaveLength(1);
  });

  it('refuses a strategy that no broker knows', () => {
    const options = {
      namesrvAddr: 'a:1',
      group: 'g',
      clientRebalance: false,
      allocate: { name: 'MINE', allocate: () => [] },
    };
    expect(() => new PushConsumer(options)).toThrow(ConfigurationError);
    expect(() => new PushConsumer(options)).toThrow(/MINE.*AVG and AVG_BY_CIRCLE/);
    expect(() => new PushConsumer({ ...options, messageModel: 'BROADCASTING' })).not.toThrow();
  });
});
