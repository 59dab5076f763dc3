import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CompressionType, Producer, PushConsumer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { JavaPeer, java } from '../support/java.js';
import { receivedMessages } from '../support/peer.js';
import { Servers, targets } from '../support/servers.js';

const bodies = ['short', 'compressible '.repeat(2_000), '订单已创建，'.repeat(40_000)];
const reading: readonly CompressionType[] = ['ZLIB', 'LZ4', 'ZSTD'];
const writing: readonly CompressionType[] = 'zstdCompressSync' in zlib ? reading : ['ZLIB', 'LZ4'];

describe.each(targets)('compressed bodies through the servers of %s', (target) => {
  let servers: Servers;
  const peers: JavaPeer[] = [];

  beforeAll(async () => {
    servers = await Servers.start(target);
  });
  afterAll(async () => {
    for (const peer of peers) await peer.close();
    await servers?.[Symbol.asyncDispose]();
  });

  const peer = (made: JavaPeer): JavaPeer => {
    peers.push(made);
    return made;
  };

  it.each(reading)('we read the %s of a Java producer', async (type) => {
    const topic = unique('T-java');
    const producer = peer(new JavaPeer(`Java with ${type}`, [`-Drocketmq.message.compressType=${type}`]));
    const messages = bodies.map((body) => ({ topic, body: Buffer.from(body) }));
    await producer.send('sync', { namesrvAddr: servers.namesrvAddr, group: unique('P') }, messages);
    const received: string[] = [];
    const consumer = new PushConsumer({
      namesrvAddr: servers.namesrvAddr,
      group: unique('G'),
      consumeFrom: 'FIRST_OFFSET',
    });
    consumer.subscribe(topic).listen(([message]) => {
      received.push(message!.body.toString());
    });
    await consumer.start();
    try {
      await waitFor(() => received.length >= bodies.length, { timeoutMs: 60_000, what: 'every message' });
      expect(received.sort()).toEqual([...bodies].sort());
    } finally {
      await consumer.close();
    }
  });

  it('a Java consumer reads each type we write', async () => {
    const { namesrvAddr } = servers;
    const topic = unique('T-node');
    for (const compressType of writing) {
      await using producer = new Producer({ namesrvAddr, group: unique('P'), sendTimeoutMs: 30_000, compressType });
      await producer.start();
      for (const body of bodies) await producer.send({ topic, body, tags: compressType });
    }
    await using receiver = await peer(java()).consume({ namesrvAddr, group: unique('G'), topic });
    const received = await receivedMessages(receiver, writing.length * bodies.length);
    for (const type of writing) {
      const ofType = received.filter(({ tags }) => tags === type).map(({ body }) => body.toString());
      expect(ofType.sort()).toEqual([...bodies].sort());
    }
  });
});
