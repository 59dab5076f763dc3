import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  createResponse,
  type DecodedCommand,
  decodeMessages,
  PermName,
  parseProperties,
  parseRegisterBrokerBody,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingClient, RemotingServer } from '@rocketnest/remoting';
import { TestBroker } from '../harness.js';

/** A name server that notes what brokers register. */
async function nameServer() {
  const registered: ReturnType<typeof parseRegisterBrokerBody>[] = [];
  const server = new RemotingServer({
    host: '127.0.0.1',
    port: 0,
    processors: new Map([
      [
        RequestCode.REGISTER_BROKER,
        (request) => {
          registered.push(parseRegisterBrokerBody(request.body!));
          return createResponse(request, ResponseCode.SUCCESS);
        },
      ],
      [RequestCode.UNREGISTER_BROKER, (request) => createResponse(request, ResponseCode.SUCCESS)],
    ]),
  });
  await server.start();
  return { registered, server, address: `127.0.0.1:${server.port}` };
}

async function until<T>(read: () => T | Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (wanted(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('options of a running broker', () => {
  let target: TestBroker;

  beforeEach(async () => {
    target = await TestBroker.start({ sendThreadPoolQueueCapacity: 9_999 });
  });
  afterEach(() => target.close());

  const update = (source: string): Promise<DecodedCommand> =>
    target.call(Requests.updateBrokerConfig, {}, Buffer.from(source));

  async function set(source: string): Promise<void> {
    expect((await update(source)).remark).toBeNull();
  }

  async function config(): Promise<Map<string, string>> {
    const { body } = await target.call(Requests.getBrokerConfig, {});
    return parseProperties(body!.toString());
  }

  it('are shown, with the real port', async () => {
    const shown = await config();
    expect(shown.get('brokerName')).toBe('broker-a');
    expect(shown.get('listenPort')).toBe(String(target.broker.port));
    expect(shown.get('sendThreadPoolQueueCapacity')).toBe('9999');
    expect([...shown.keys()]).toEqual([...shown.keys()].sort());
  });

  it('change, are written to config/broker.properties, and get a new version', async () => {
    const version = async () => (await target.call(Requests.getBrokerConfig, {})).extFields['version'];
    const before = await version();
    await set('defaultQueryMaxNum=7\nsendMessageThreadPoolNums=3');
    expect(target.broker.options.defaultQueryMaxNum).toBe(7);
    expect((await config()).get('defaultQueryMaxNum')).toBe('7');
    expect((await config()).get('sendMessageThreadPoolNums')).toBe('3');
    const text = await readFile(join(target.rootDir, 'config', 'broker.properties'), 'utf8');
    expect(parseProperties(text).get('defaultQueryMaxNum')).toBe('7');
    expect(await version()).not.toBe(before);
  });

  it.each([
    ['brokerConfigPath=/tmp/x', ResponseCode.NO_PERMISSION, /black list.*brokerConfigPath/],
    ['autoCreateTopicEnabel=true', ResponseCode.INVALID_PARAMETER, /autoCreateTopicEnabel/],
    ['fileReservedTime=long', ResponseCode.INVALID_PARAMETER, /fileReservedTime/],
    ['listenPort=1', ResponseCode.INVALID_PARAMETER, /listenPort counts only at start/],
  ])('refuse %s', async (source, code, remark) => {
    expect(await update(source)).toMatchObject({ code, remark: expect.stringMatching(remark) });
  });

  it('switch topic creation on sends off and on', async () => {
    await set('autoCreateTopicEnable=false');
    expect((await target.send('new-topic', 'a')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await set('autoCreateTopicEnable=true\ndefaultTopicQueueNums=2');
    expect((await target.send('new-topic', 'a')).code).toBe(ResponseCode.SUCCESS);
    const { body } = await target.call(Requests.getTopicConfig, { topic: 'new-topic' });
    expect(JSON.parse(body!.toString())).toMatchObject({ readQueueNums: 2, writeQueueNums: 2 });
  });

  it('make topic creation possible that was off at start', async () => {
    await target.restart({ autoCreateTopicEnable: false });
    expect((await target.send('new-topic', 'a')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await set('autoCreateTopicEnable=true\ntraceTopicEnable=true');
    expect((await target.send('new-topic', 'a')).code).toBe(ResponseCode.SUCCESS);
    expect((await target.call(Requests.getTopicConfig, { topic: 'RMQ_SYS_TRACE_TOPIC' })).code).toBe(0);
  });

  it('switch group creation off', async () => {
    await target.send('orders', 'a');
    await set('autoCreateSubscriptionGroup=false');
    const { code } = await target.pull('orders', { consumerGroup: 'nobody' });
    expect(code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  });

  it('switch long polling off: the sweep of held pulls follows at once', async () => {
    await target.send('orders', 'a');
    await set('longPollingEnable=false\nshortPollingTimeMills=30');
    const startedAt = Date.now();
    const { code } = await target.pull('orders', { queueOffset: 1 }, 20_000);
    expect(code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });

  it('close silent connections sooner, those that come from now on', async () => {
    await set('serverChannelMaxIdleTimeSeconds=1');
    const client = new RemotingClient({ onDisconnect: () => closed() });
    let closed: () => void = () => undefined;
    const silence = new Promise<void>((resolve) => {
      closed = resolve;
    });
    await client.request(target.address, createRequest(Requests.getBrokerConfig, {}), { timeoutMs: 5_000 });
    await silence;
    await client.close();
    expect((await target.send('orders', 'over the old connection')).code).toBe(ResponseCode.SUCCESS);
  });

  it('limit the size of messages', async () => {
    await set('maxMessageSize=10');
    expect((await target.send('orders', 'x'.repeat(11))).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    await set('maxMessageSize=4194304');
    expect((await target.send('orders', 'x'.repeat(11))).code).toBe(ResponseCode.SUCCESS);
  });

  it('change the durability of sends, there and back, under load', async () => {
    const sends: Promise<DecodedCommand>[] = [];
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 25; i++) sends.push(target.send('orders', `m${round}-${i}`));
      await set(`flushDiskType=${round % 2 === 0 ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'}`);
    }
    const codes = new Set((await Promise.all(sends)).map(({ code }) => code));
    expect(codes).toEqual(new Set([ResponseCode.SUCCESS]));
    const { body } = await target.pull('orders', { queueOffset: 990 });
    expect(decodeMessages(body!)).toHaveLength(10);
  });

  it('change the delay levels, and their number', async () => {
    await set('messageDelayLevel=1h 1s');
    const sent = await target.send('orders', 'soon', { properties: 'DELAY\u00012\u0002' });
    expect(sent.code).toBe(ResponseCode.SUCCESS);
    await until(
      () => target.pull('orders'),
      ({ code }) => code === ResponseCode.SUCCESS,
    );
    await set(`messageDelayLevel=${Array(20).fill('1s').join(' ')}`);
    await target.send('orders', 'level 20', { properties: 'DELAY\u000120\u0002' });
    await until(
      () => target.pull('orders', { queueOffset: 1 }),
      ({ code }) => code === ResponseCode.SUCCESS,
    );
  });

  it('tell other name servers, and the permission of the broker with a new version', async () => {
    const first = await nameServer();
    try {
      await set(`namesrvAddr=${first.address}`);
      await until(
        () => first.registered.length,
        (count) => count > 0,
      );
      const before = first.registered.at(-1)!.topicConfigSerializeWrapper;
      await set('brokerPermission=4');
      const after = await until(
        () => first.registered.at(-1)!.topicConfigSerializeWrapper,
        (wrapper) => wrapper.dataVersion.counter > before.dataVersion.counter,
      );
      expect(after.topicConfigTable['BenchmarkTest']!.perm).toBe(PermName.READ);
    } finally {
      await first.server.close();
    }
  });
});
