import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  ConnectionError,
  createResponse,
  type DecodedCommand,
  decodeFields,
  encodeTopicRoute,
  type RemotingCommand,
  RequestCode,
  Requests,
  ResponseCode,
  ResponseError,
  SendError,
  TimeoutError,
} from '@rocketnest/protocol';
import { ScriptedPeer } from '@rocketnest/testing';
import { Producer, type ProducerOptionsInput, type QueueSelector, type SendResult } from '../../src/index.js';

/** A name server and two brokers whose answers each test scripts. */
class Peers {
  producer!: Producer;

  private constructor(
    readonly namesrv: ScriptedPeer,
    readonly a: ScriptedPeer,
    readonly b: ScriptedPeer,
  ) {}

  static async start(): Promise<Peers> {
    const peers = new Peers(await ScriptedPeer.start(), await ScriptedPeer.start(), await ScriptedPeer.start());
    peers.route('a', 'b');
    return peers;
  }

  /** What the name server answers from now on. */
  route(...brokers: ('a' | 'b')[]): void {
    const body = encodeTopicRoute({
      queueDatas: brokers.map((brokerName) => ({
        brokerName,
        readQueueNums: 1,
        writeQueueNums: 1,
        perm: 6,
        topicSysFlag: 0,
      })),
      brokerDatas: brokers.map((brokerName) => ({
        cluster: 'c',
        brokerName,
        brokerAddrs: { 0: this[brokerName].address },
      })),
      filterServerTable: {},
    });
    this.namesrv.script((request) => createResponse(request, ResponseCode.SUCCESS, null, {}, body));
  }

  async start(options: Partial<ProducerOptionsInput> = {}): Promise<Producer> {
    this.producer = new Producer({ namesrvAddr: this.namesrv.address, group: 'g', ...options });
    await this.producer.start();
    return this.producer;
  }

  async close(): Promise<void> {
    await this.producer?.close();
    await Promise.all([this.namesrv, this.a, this.b].map((peer) => peer.close()));
  }
}

const isSend = (command: DecodedCommand) => command.code === RequestCode.SEND_MESSAGE_V2;
const sendsTo = (peer: ScriptedPeer) => peer.received.filter(isSend).length;
const heartbeatsOk = (answer: (request: DecodedCommand) => RemotingCommand | undefined) => (request: DecodedCommand) =>
  isSend(request) ? answer(request) : createResponse(request, ResponseCode.SUCCESS);
const stored = (code: number = ResponseCode.SUCCESS) =>
  heartbeatsOk((request) =>
    createResponse(request, code, null, { msgId: '0'.repeat(32), queueId: '0', queueOffset: '5' }),
  );
const refuse = (code: number, remark: string) => heartbeatsOk((request) => createResponse(request, code, remark));
const silent = heartbeatsOk(() => undefined);

/** Chooses brokers one after another. */
const turns = (...names: string[]): QueueSelector => {
  let turn = 0;
  return (queues) => queues.find(({ brokerName }) => brokerName === names[turn % names.length] && turn++ >= 0)!;
};

describe('a send', () => {
  let peers: Peers;
  beforeEach(async () => {
    peers = await Peers.start();
  });
  afterEach(() => peers.close());

  const send = (producer: Producer, options = {}): Promise<SendResult> =>
    producer.send({ topic: 'T', body: 'x' }, options);

  it('goes to another broker when it is stored less durably than it should be, if told so', async () => {
    peers.a.script(stored(ResponseCode.FLUSH_SLAVE_TIMEOUT));
    peers.b.script(stored());
    const producer = await peers.start({ retryAnotherBrokerWhenNotStoreOk: true });
    for (let i = 0; i < 4; i++) expect((await send(producer)).queue.brokerName).toBe('b');
    expect(sendsTo(peers.a)).toBeGreaterThan(0);
    expect(sendsTo(peers.b)).toBe(4);
  });

  it('keeps what one broker stored weakly when the other one fails, or there is no other', async () => {
    peers.a.script(stored(ResponseCode.FLUSH_DISK_TIMEOUT));
    peers.b.script(refuse(ResponseCode.MESSAGE_ILLEGAL, 'no'));
    const producer = await peers.start({ retryAnotherBrokerWhenNotStoreOk: true });
    const queue = { topic: 'T', brokerName: 'a', queueId: 0 };
    const byTurns = await send(producer, { acceptStatuses: ['FLUSH_DISK_TIMEOUT'], selector: turns('a', 'b') });
    expect(byTurns).toMatchObject({ status: 'FLUSH_DISK_TIMEOUT', queue });
    expect(sendsTo(peers.b)).toBe(1);
    await expect(send(producer, { queue })).rejects.toThrow(SendError);
    expect(sendsTo(peers.a)).toBe(2);
  });

  it('carries the fields of Java’s SendMessageRequestHeaderV2', async () => {
    peers.route('a');
    peers.a.script(stored());
    const producer = await peers.start();
    const before = Date.now();
    const result = await producer.send({ topic: 'T', body: 'x', flag: 9, tags: 'tag' }, { shardingKey: 'key' });
    const request = peers.a.received.find(isSend)!;
    expect(Object.keys(request.extFields).sort()).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
      'h',
      'i',
      'j',
      'k',
      'm',
      'n',
    ]);
    const fields = decodeFields(Requests.sendMessageV2.fields, request.extFields, 'send');
    expect(fields).toMatchObject({
      producerGroup: 'g',
      topic: 'T',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: 0,
      sysFlag: 0,
      flag: 9,
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
    });
    expect(fields.bornTimestamp).toBeGreaterThanOrEqual(before);
    expect(fields.properties).toBe(
      `TAGS\u0001tag\u0002__SHARDINGKEY\u0001key\u0002UNIQ_KEY\u0001${result.msgId}\u0002`,
    );
    expect(request.extFields['n']).toBe('a');
    expect(result).toMatchObject({
      status: 'SEND_OK',
      queueOffset: 5,
      queue: { topic: 'T', brokerName: 'a', queueId: 0 },
    });
  });

  it.each([
    ['TOPIC_NOT_EXIST', ResponseCode.TOPIC_NOT_EXIST],
    ['SERVICE_NOT_AVAILABLE', ResponseCode.SERVICE_NOT_AVAILABLE],
    ['SYSTEM_ERROR', ResponseCode.SYSTEM_ERROR],
    ['SYSTEM_BUSY', ResponseCode.SYSTEM_BUSY],
    ['NO_PERMISSION', ResponseCode.NO_PERMISSION],
  ])('goes to another broker when one answers %s', async (_name, code) => {
    peers.a.script(refuse(code, 'not now'));
    peers.b.script(stored());
    const producer = await peers.start();
    for (let i = 0; i < 4; i++) expect((await send(producer)).queue.brokerName).toBe('b');
    expect(sendsTo(peers.a)).toBeGreaterThan(0);
  });

  it('is not repeated after a refusal that another broker would share', async () => {
    for (const broker of [peers.a, peers.b]) broker.script(refuse(ResponseCode.MESSAGE_ILLEGAL, 'properties too long'));
    const failure = send(await peers.start());
    await expect(failure).rejects.toThrow(ResponseError);
    await expect(failure).rejects.toThrow(/tried once: [ab]\).*MESSAGE_ILLEGAL.*properties too long/);
    expect(sendsTo(peers.a) + sendsTo(peers.b)).toBe(1);
  });

  it('gives up after retryTimes repeats and tells which brokers it tried', async () => {
    for (const broker of [peers.a, peers.b]) broker.script(refuse(ResponseCode.SYSTEM_ERROR, 'disk full'));
    const failure = send(await peers.start({ retryTimes: 2 }));
    await expect(failure).rejects.toMatchObject({ responseCode: ResponseCode.SYSTEM_ERROR, context: { attempts: 3 } });
    await expect(failure).rejects.toThrow(/tried 3 times: (a, b, a|b, a, b)\).*disk full/);
  });

  it('goes to the other broker when one refuses connections', async () => {
    peers.b.script(stored());
    await peers.a.close();
    const producer = await peers.start();
    for (let i = 0; i < 4; i++) expect((await send(producer)).queue.brokerName).toBe('b');
  });

  it('goes to the other broker when the connection breaks before the answer', async () => {
    peers.a.script((request, connection) => {
      if (isSend(request)) connection.socket.destroy();
      return isSend(request) ? undefined : createResponse(request, ResponseCode.SUCCESS);
    });
    peers.b.script(stored());
    const producer = await peers.start();
    for (let i = 0; i < 4; i++) expect((await send(producer)).queue.brokerName).toBe('b');
    expect(sendsTo(peers.a)).toBeGreaterThan(0);
  });

  it('leaves a hanging broker after attemptTimeoutMs', async () => {
    peers.a.script(silent);
    peers.b.script(stored());
    const producer = await peers.start({ attemptTimeoutMs: 100 });
    for (let i = 0; i < 2; i++) expect((await send(producer)).queue.brokerName).toBe('b');
  });

  it('spends no more than its budget on all attempts together', async () => {
    for (const broker of [peers.a, peers.b]) broker.script(silent);
    const producer = await peers.start({ attemptTimeoutMs: 150, retryTimes: 10 });
    const startedAt = performance.now();
    await expect(send(producer, { timeoutMs: 400 })).rejects.toThrow(TimeoutError);
    const elapsed = performance.now() - startedAt;
    expect(elapsed).toBeGreaterThan(390);
    expect(elapsed).toBeLessThan(2_000);
    expect(sendsTo(peers.a) + sendsTo(peers.b)).toBeGreaterThanOrEqual(2);
  });

  it('takes up the route the name server tells after a failure', async () => {
    peers.route('a');
    peers.a.script((request) => {
      if (!isSend(request)) return createResponse(request, ResponseCode.SUCCESS);
      peers.route('b');
      return createResponse(request, ResponseCode.SERVICE_NOT_AVAILABLE, 'shutting down');
    });
    peers.b.script(stored());
    expect((await send(await peers.start())).queue.brokerName).toBe('b');
  });

  it('with a key stays on the queue of the key', async () => {
    peers.a.script(refuse(ResponseCode.SYSTEM_BUSY, 'busy'));
    peers.b.script(refuse(ResponseCode.SYSTEM_BUSY, 'busy'));
    const producer = await peers.start({ retryTimes: 1 });
    await expect(send(producer, { shardingKey: 'k' })).rejects.toThrow(ResponseError);
    expect([sendsTo(peers.a), sendsTo(peers.b)].sort()).toEqual([0, 2]);
  });

  it.each(['FLUSH_DISK_TIMEOUT', 'FLUSH_SLAVE_TIMEOUT', 'SLAVE_NOT_AVAILABLE'] as const)(
    'fails with the status when stored with %s, unless that is accepted',
    async (status) => {
      for (const broker of [peers.a, peers.b]) broker.script(stored(ResponseCode[status]));
      const producer = await peers.start();
      const failure = send(producer);
      await expect(failure).rejects.toThrow(SendError);
      await expect(failure).rejects.toMatchObject({ sendStatus: status, context: { result: { status } } });
      expect(await send(producer, { acceptStatuses: ['SEND_OK', status] })).toMatchObject({ status, queueOffset: 5 });
    },
  );

  it('ends at once when aborted', async () => {
    for (const broker of [peers.a, peers.b]) broker.script(silent);
    const producer = await peers.start();
    const abort = new AbortController();
    const failure = send(producer, { signal: abort.signal });
    await Promise.race([peers.a.receive(1), peers.b.receive(1)]);
    abort.abort(new Error('changed my mind'));
    await expect(failure).rejects.toThrow('changed my mind');
    expect(producer.inFlight).toBe(0);
    await expect(send(producer, { signal: abort.signal })).rejects.toThrow('changed my mind');
  });

  it('finds the broker again after a restart: a failed connect is not remembered', async () => {
    peers.route('a');
    const { port } = peers.a;
    await peers.a.close();
    const producer = await peers.start({ retryTimes: 0 });
    await expect(send(producer)).rejects.toThrow(ConnectionError);
    const { RemotingServer } = await import('@rocketnest/remoting');
    const again = new RemotingServer({
      host: '127.0.0.1',
      port,
      processors: new Map(),
      defaultProcessor: (request) =>
        createResponse(request, ResponseCode.SUCCESS, null, { msgId: '0'.repeat(32), queueId: '0', queueOffset: '5' }),
    });
    await again.start();
    try {
      expect((await send(producer)).status).toBe('SEND_OK');
    } finally {
      await producer.close();
      await again.close();
    }
  });
});
