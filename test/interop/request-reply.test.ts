import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Producer, PushConsumer, replyWith } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { Jvm } from '../support/jvm.js';
import { Servers, targets } from '../support/servers.js';

interface Event {
  readonly event: 'ready' | 'replied' | 'failed';
  readonly body?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 60_000;
const bodies = ['plain', '请求', 'compressible '.repeat(2_000)];

describe.each(targets)('request and reply on the servers of %s', (target) => {
  let servers: Servers;
  let jvm: Jvm;
  const events: Event[] = [];

  beforeAll(async () => {
    servers = await Servers.start(target, { brokers: [{}, {}] });
    jvm = await Jvm.start('Java requester and replier', [
      'dev.rocketnest.interop.RequestReplyDriver',
      servers.namesrvAddr,
    ]);
    jvm.child.onLine((line) => {
      if (line.startsWith('{')) events.push(JSON.parse(line) as Event);
    });
  });
  afterAll(async () => {
    jvm?.child.endInput();
    await jvm?.[Symbol.asyncDispose]();
    await servers?.[Symbol.asyncDispose]();
  });

  const java = (command: object): void => jvm.child.write(`${JSON.stringify(command)}\n`);
  const eventsOf = async (count: number): Promise<Event[]> => {
    await waitFor(() => events.length >= count, { timeoutMs: TIMEOUT_MS, what: `${count} events of the Java client` });
    return events.splice(0);
  };
  const started = async (): Promise<Producer> => {
    const producer = new Producer({
      namesrvAddr: servers.namesrvAddr,
      group: unique('producers'),
      sendTimeoutMs: TIMEOUT_MS,
    });
    await producer.start();
    return producer;
  };

  it('a Java consumer answers our requests', async () => {
    const topic = unique('T-java-replies');
    java({ command: 'reply', topic });
    expect(await eventsOf(1)).toEqual([{ event: 'ready' }]);
    await using producer = await started();
    // More than there are brokers: the replier takes them in turn.
    for (const body of [...bodies, ...bodies]) {
      const reply = await producer.request({ topic, body, keys: 'k-1' });
      expect(reply.body.toString()).toBe(`Java: ${body}`);
      expect(reply.properties).toMatchObject({ KEYS: 'k-1', MSG_TYPE: 'reply' });
    }
  });

  it('we answer the requests of a Java producer, if only with an error', async () => {
    const topic = unique('T-node-replies');
    await using replier = await started();
    const consumer = new PushConsumer({
      namesrvAddr: servers.namesrvAddr,
      group: unique('G'),
      consumeFrom: 'FIRST_OFFSET',
      pollNameServerIntervalMs: 1_000,
      rebalanceIntervalMs: 1_000,
    });
    consumer.subscribe(topic).listen(
      replyWith(replier, ({ body, properties }) => {
        if (body.toString() === 'wrong') throw new Error('no such order');
        return { body: `Node: ${body}`, keys: properties['KEYS'] };
      }),
    );
    await consumer.start();
    try {
      const asked = [...bodies, 'wrong'];
      for (const body of asked) java({ command: 'request', topic, body, keys: 'k-2', timeoutMs: TIMEOUT_MS });
      const replies = await eventsOf(asked.length);
      expect(replies.map(({ event }) => event)).toEqual(asked.map(() => 'replied'));
      expect(new Set(replies.map(({ body }) => body))).toEqual(
        new Set([...bodies.map((body) => `Node: ${body}`), 'no such order']),
      );
      const fine = replies.find(({ body }) => body === 'Node: plain');
      expect(fine!.properties).toMatchObject({ KEYS: 'k-2' });
    } finally {
      await consumer.close();
    }
  });
});
