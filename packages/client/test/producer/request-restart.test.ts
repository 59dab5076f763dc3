import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { startCluster, unique } from '@rocketnest/testing';
import { Producer, PushConsumer, replyWith } from '../../src/index.js';

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));

it('requests are answered again after a restart of brokers and name server', async () => {
  const rootDir = await mkdtemp(join(tmpdir(), 'rocketnest-request-'));
  let cluster = await startCluster({ rootDir, brokers: 2 });
  const { namesrvAddr } = cluster;
  const options = { namesrvAddr, sendTimeoutMs: 25_000 };
  const replier = new Producer({ ...options, group: unique('repliers') });
  const requester = new Producer({ ...options, group: unique('requesters') });
  const topic = unique('topic');
  const consumer = new PushConsumer({ namesrvAddr, group: unique('g'), consumeFrom: 'FIRST_OFFSET' });
  try {
    await replier.start();
    await requester.start();
    await requester.createTopic(topic);
    await consumer
      .subscribe(topic)
      .listen(replyWith(replier, ({ body }) => `re: ${body}`))
      .start();
    const ask = async (body: string) => (await requester.request({ topic, body })).body.toString();
    expect(await ask('before')).toBe('re: before');

    const ports = cluster.brokers.map(({ port }) => ({ listenPort: port }));
    await cluster.close();
    cluster = await startCluster({ rootDir, namesrv: { port: portOf(namesrvAddr) }, brokers: ports });
    // As many as it takes to send and to answer through each broker.
    for (let i = 0; i < 4; i++) expect(await ask(`after ${i}`)).toBe(`re: after ${i}`);
  } finally {
    await Promise.all([consumer.close(), requester.close(), replier.close()]);
    await cluster.close();
    await rm(rootDir, { recursive: true, force: true });
  }
}, 120_000);
