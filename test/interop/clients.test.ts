import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unique, waitFor } from '@rocketnest/testing';
import { node } from '../support/node.js';
import { clientPairs } from '../support/pairs.js';
import {
  type Consumer,
  type OutMessage,
  receivedContent,
  receivedMessages,
  type SendMode,
  sentContent,
} from '../support/peer.js';
import { Servers, targets } from '../support/servers.js';

const { pairs, close } = clientPairs();
const javaPeer = pairs[0]!.consumer;

const compressible = '压缩 compressible '.repeat(1_000); // 22 kB: both clients compress bodies over 4 KiB

function manyKinds(topic: string): OutMessage[] {
  return [
    { topic, body: Buffer.from('plain') },
    { topic, body: Buffer.from('with tags and keys'), tags: 'TagA', keys: 'order-1 order-2' },
    {
      topic,
      body: Buffer.from('订单已创建'),
      tags: '标签',
      keys: '订单-7',
      properties: { 城市: '北京', note: 'a=b c' },
    },
    { topic, body: Buffer.from(compressible), tags: 'TagB', properties: { size: 'large' } },
    { topic, body: Buffer.from([0, 1, 2, 0xff, 0xfe, 0x80]), tags: 'TagA', keys: 'binary' },
    { topic, body: Buffer.from('properties'), properties: { a: '1', 'dotted.name': 'v', UPPER_case: 'x y z' } },
  ];
}

/** As often as a broker retries. */
const ALWAYS = 2 ** 31 - 1;

/** A batch is one request, which no client compresses or may delay. */
const modes: readonly SendMode[] = ['sync', 'async', 'oneway', 'batch'];

afterAll(close);

describe.each(targets)('on the servers of %s', (target) => {
  let servers: Servers;
  let namesrvAddr: string;

  beforeAll(async () => {
    servers = await Servers.start(target, {
      broker: {
        // short steps, so that retries and delays are quick; level 5 is the long one
        messageDelayLevel: '1s 1s 1s 1s 3s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s',
      },
    });
    namesrvAddr = servers.namesrvAddr;
  });

  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  describe.each(pairs)('from $from to $to', ({ producer, consumer }) => {
    it.each(modes)('%s sends arrive with the same bodies, tags, keys and properties', async (mode) => {
      const topic = unique(`T-${mode}`);
      const messages = manyKinds(topic);
      const sent = await producer.send(mode, { namesrvAddr, group: unique('P') }, messages);
      if (mode !== 'oneway') expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 'SEND_OK'));

      await using receiver = await consumer.consume({ namesrvAddr, group: unique('G'), topic });
      const received = await receivedMessages(receiver, messages.length);
      expect(receivedContent(received)).toEqual(sentContent(messages));
      if (mode === 'sync') {
        expect(new Set(received.map(({ msgId }) => msgId))).toEqual(new Set(sent.map(({ msgId }) => msgId)));
      }
    });

    it('ordered sends keep each key in one queue and are received in the order they were sent', async () => {
      const topic = unique('T-ordered');
      const messages = Array.from({ length: 40 }, (_, i) => ({
        topic,
        body: Buffer.from(`${i}`),
        shardingKey: `order-${i % 4}`,
        tags: `order-${i % 4}`,
      }));
      await producer.send('ordered', { namesrvAddr, group: unique('P') }, messages);

      await using receiver = await consumer.consume({ namesrvAddr, group: unique('G'), topic, orderly: true });
      const received = await receivedMessages(receiver, messages.length);
      for (const key of ['order-0', 'order-1', 'order-2', 'order-3']) {
        const ofKey = received.filter(({ tags }) => tags === key);
        expect(new Set(ofKey.map(({ queueId }) => queueId)).size).toBe(1);
        expect(ofKey.map(({ body }) => body.toString())).toEqual(
          messages.filter(({ tags }) => tags === key).map(({ body }) => body.toString()),
        );
      }
    });

    it('a delayed send arrives once its level has passed, not before', async () => {
      const topic = unique('T-delay');
      const messages = [{ topic, body: Buffer.from('later'), tags: 'TagA', keys: 'k', delayLevel: 5 }];
      await using receiver = await consumer.consume({ namesrvAddr, group: unique('G'), topic });
      await producer.send('sync', { namesrvAddr, group: unique('P') }, messages);

      const received = await receivedMessages(receiver, 1);
      expect(receivedContent(received)).toEqual(sentContent(messages));
      const [message] = received;
      expect(message!.receivedTimestamp - message!.bornTimestamp).toBeGreaterThanOrEqual(2_900);
    });

    it('a subscription by tags receives these tags only', async () => {
      const topic = unique('T-tags');
      const messages = ['TagA', 'TagB', 'TagC', 'TagA', '标签'].map((tags, i) => ({
        topic,
        body: Buffer.from(`${tags} ${i}`),
        tags,
      }));
      await producer.send('sync', { namesrvAddr, group: unique('P') }, messages);
      await using receiver = await consumer.consume({
        namesrvAddr,
        group: unique('G'),
        topic,
        expression: 'TagA || 标签',
      });
      await using everything = await consumer.consume({ namesrvAddr, group: unique('G'), topic });
      await receivedMessages(everything, messages.length);
      const received = await receivedMessages(receiver, 3);
      expect(receivedContent(received)).toEqual(
        sentContent(messages.filter(({ tags }) => tags === 'TagA' || tags === '标签')),
      );
    });

    it('a failed message is retried, and goes to the dead-letter topic after the last retry', async () => {
      const topic = unique('T-retry');
      const group = unique('G');
      const messages = [
        { topic, body: Buffer.from('重试'), tags: 'TagA', keys: 'retry-1', properties: { tenant: 'a' } },
      ];
      await using receiver = await consumer.consume({
        namesrvAddr,
        group,
        topic,
        failures: ALWAYS,
        maxReconsumeTimes: 2,
      });
      await producer.send('sync', { namesrvAddr, group: unique('P') }, messages);

      await waitFor(() => receiver.received.length >= 3, {
        timeoutMs: 120_000,
        what: 'first delivery and two retries',
      });
      await using dead = await consumer.consume({ namesrvAddr, group: unique('G'), topic: `%DLQ%${group}` });
      const [message] = await receivedMessages(dead, 1);
      expect(message).toMatchObject({ body: Buffer.from('重试'), tags: 'TagA', keys: 'retry-1' });
      expect(message!.userProperties).toEqual({ tenant: 'a' });
      expect(receiver.received.map(({ topic: seen, reconsumeTimes }) => ({ seen, reconsumeTimes }))).toEqual([
        { seen: topic, reconsumeTimes: 0 },
        { seen: topic, reconsumeTimes: 1 },
        { seen: topic, reconsumeTimes: 2 },
      ]);
      expect(new Set(receiver.received.map(({ msgId }) => msgId)).size).toBe(1);
    });

    it('an orderly consumer gets a failed message again before the next one', async () => {
      const topic = unique('T-orderly-retry');
      const messages = [1, 2, 3].map((i) => ({ topic, body: Buffer.from(`${i}`), shardingKey: 'one' }));
      await producer.send('ordered', { namesrvAddr, group: unique('P') }, messages);
      await using receiver = await consumer.consume({
        namesrvAddr,
        group: unique('G'),
        topic,
        orderly: true,
        failures: 1,
      });
      const received = await receivedMessages(receiver, 6);
      expect(received.map(({ body }) => body.toString())).toEqual(['1', '1', '2', '2', '3', '3']);
    });

    it('in broadcasting mode every consumer of the group gets every message', async () => {
      const topic = unique('T-broadcast');
      const group = unique('G');
      const messages = manyKinds(topic);
      await producer.send('sync', { namesrvAddr, group: unique('P') }, messages);
      await using one = await consumer.consume({ namesrvAddr, group, topic, broadcast: true });
      await using two = await consumer.consume({ namesrvAddr, group, topic, broadcast: true });
      for (const receiver of [one, two]) {
        expect(receivedContent(await receivedMessages(receiver, messages.length))).toEqual(sentContent(messages));
      }
    });

    it('an empty body is refused before it is sent', async () => {
      const empty = [{ topic: unique('T-empty'), body: Buffer.alloc(0) }];
      await expect(producer.send('sync', { namesrvAddr, group: unique('P') }, empty)).rejects.toThrow(
        /body.*(zero|empty)/i,
      );
    });
  });

  it('a Java and a Node consumer in one group share the queues', async () => {
    const topic = unique('T-shared');
    const group = unique('G');
    const bodies: string[] = [];
    const sendSome = async () => {
      const more = Array.from({ length: 8 }, (_, i) => `${bodies.length + i}`);
      bodies.push(...more);
      const messages = more.map((body) => ({ topic, body: Buffer.from(body) }));
      await node.send('async', { namesrvAddr, group: 'sharing' }, messages);
    };
    await sendSome(); // creates the topic
    await using ofJava = await javaPeer.consume({ namesrvAddr, group, topic });
    await using ofNode = await node.consume({ namesrvAddr, group, topic });
    const queuesOf = ({ received }: Consumer) => new Set(received.slice(-8).map(({ queueId }) => queueId));
    await waitFor(
      async () => {
        await sendSome();
        const [java, node] = [queuesOf(ofJava), queuesOf(ofNode)];
        return java.size > 0 && node.size > 0 && [...java].every((queueId) => !node.has(queueId));
      },
      { timeoutMs: 120_000, what: 'messages of different queues at each consumer' },
    );
    const all = () => new Set([...ofJava.received, ...ofNode.received].map(({ body }) => body.toString()));
    await waitFor(() => all().size === bodies.length, { timeoutMs: 120_000, what: 'every message at one of them' });
    expect(all()).toEqual(new Set(bodies));
  });
});
