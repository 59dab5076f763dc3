import { expect, it } from '@jest/globals';
import { Producer, RequestCode, WrongPeerError } from '@rocketnest/client';
import { TcpProxy, waitFor } from '@rocketnest/testing';
import { PATIENCE_MS, useCluster } from './support/cluster.js';

const cluster = useCluster();

/** Where the brokers of a topic listen. */
async function brokersOf(topic: string): Promise<string[]> {
  const { routes } = cluster.admin.instance;
  const route = await waitFor(() => routes.refresh(topic), { timeoutMs: PATIENCE_MS, what: `route of ${topic}` });
  return route.brokerNames.map((name) => routes.findBroker(name)!.address);
}

it('keeps the names of a namespace apart from those without: messages, retries, offsets', async () => {
  const namespace = 'MQ_INST_conformance';
  const topic = await cluster.topic();
  await cluster.admin.topics.create({ topic: `${namespace}%${topic}`, queues: 2 });
  const group = cluster.group();
  let attempts = 0;
  const inside = await cluster.consume(topic, {
    namespace,
    group,
    handler: () => (++attempts === 1 ? { action: 'retry', delayLevel: 1 } : undefined),
  });
  const outside = await cluster.consume(topic, { group });
  const producer = await cluster.producer({ namespace });
  const result = await producer.send({ topic, body: 'inside' });
  await (await cluster.producer()).send({ topic, body: 'outside' });
  expect(result.queue.topic).toBe(topic);
  await inside.until(2);
  await outside.until(1);
  expect([inside.bodies, outside.bodies]).toEqual([['inside', 'inside'], ['outside']]);
  expect(inside.messages.map((message) => [message.topic, message.reconsumeTimes])).toEqual([
    [topic, 0],
    [topic, 1],
  ]);
});

it('tells a broker from a name server', async () => {
  const [broker] = await brokersOf(await cluster.topic());
  const lost = await cluster.producer({ namesrvAddr: broker! });
  const failure = lost.send({ topic: 'any', body: 'x' });
  await expect(failure).rejects.toThrow(WrongPeerError);
  await expect(failure).rejects.toThrow(/not a name server, probably a broker/);
});

it('works with a list of name servers of which one is down and one is something else', async () => {
  const topic = await cluster.topic();
  const [broker] = await brokersOf(topic);
  const producer = await cluster.producer({ namesrvAddr: `127.0.0.1:1;${broker};${cluster.namesrvAddr}` });
  expect((await producer.send({ topic, body: 'x' }, { timeoutMs: PATIENCE_MS })).status).toBe('SEND_OK');
  producer.instance.nameServers.update(cluster.namesrvAddr);
  expect((await producer.publishQueues(await cluster.topic())).length).toBeGreaterThan(0);
});

it('shows hooks every request and its response', async () => {
  const topic = await cluster.topic();
  const seen: string[] = [];
  const producer = await cluster.producer({
    rpcHooks: [
      {
        beforeRequest: (_, { code }) => void seen.push(`${code} →`),
        afterResponse: (_, { code }, response) => void seen.push(`${code} ${response.code}`),
      },
    ],
  });
  await producer.send({ topic, body: 'x' });
  await producer.sendOneway({ topic, body: 'x' });
  const ofCode = (code: number) => seen.filter((line) => line.startsWith(`${code} `));
  expect(ofCode(RequestCode.GET_ROUTEINFO_BY_TOPIC).slice(0, 2)).toEqual(['105 →', '105 0']);
  expect(ofCode(RequestCode.SEND_MESSAGE_V2)).toEqual(['310 →', '310 0', '310 →']);
});

it('notices half-open connections, connects anew, and consumes from all queues again', async () => {
  const topic = await cluster.topic(2);
  const proxies = new Map<string, TcpProxy>();
  for (const address of await brokersOf(topic)) {
    const proxy = await TcpProxy.start(Number(address.slice(address.lastIndexOf(':') + 1)));
    cluster.closeLater(() => proxy.close());
    proxies.set(address, proxy);
  }
  const options = {
    addressMap: (address: string) => proxies.get(address)?.address ?? address,
    requestTimeoutMs: 3_000,
    heartbeatBrokerIntervalMs: 1_000,
  };
  const inbox = await cluster.consume(topic, options);
  const producer = await cluster.producer();
  const queues = await producer.publishQueues(topic);
  const toAll = async (body: string) => {
    for (const queue of queues) await producer.send({ topic, body }, { queue });
  };
  await toAll('before');
  await inbox.until(queues.length);
  for (const proxy of proxies.values()) proxy.freeze();
  await toAll('after');
  await waitFor(() => inbox.bodies.filter((body) => body === 'after').length >= queues.length, {
    timeoutMs: PATIENCE_MS,
    what: 'the messages of all queues over new connections',
  });
  await waitFor(() => inbox.consumer.status.state === 'connected', { timeoutMs: PATIENCE_MS, what: 'the status' });
}, 120_000);

it('answers at once, and says what to do, when no name server is given', () => {
  const given = process.env['NAMESRV_ADDR'];
  delete process.env['NAMESRV_ADDR'];
  try {
    expect(() => new Producer({ group: cluster.group() })).toThrow(/Set the option namesrvAddr/);
  } finally {
    if (given !== undefined) process.env['NAMESRV_ADDR'] = given;
  }
});
