import { afterEach, describe, expect, it } from '@jest/globals';
import { type Cluster, type ClusterOptions, startCluster, unique, waitFor } from '@rocketnest/testing';
import { Admin, Producer, PushConsumer } from '../src/index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(options: ClusterOptions): Promise<Cluster> {
  const cluster = await startCluster(options);
  open.push(cluster);
  return cluster;
}

async function createTopic(cluster: Cluster, tls: boolean): Promise<string> {
  const admin = new Admin({ namesrvAddr: cluster.namesrvAddr, tls });
  open.push(admin);
  const topic = unique('topic');
  await admin.topics.create({ topic });
  return topic;
}

describe('TLS', () => {
  it.each([
    ['that only speak it', { namesrv: { tlsMode: 'enforcing' }, broker: { 'tls.server.mode': 'enforcing' } }],
    ['that speak both', {}],
  ])('carries messages through servers %s, themselves included', async (_, options) => {
    const cluster = await start(options);
    const topic = await createTopic(cluster, true);
    const common = { namesrvAddr: cluster.namesrvAddr, tls: true };
    const received: string[] = [];
    const consumer = new PushConsumer({ ...common, group: unique('c'), consumeFrom: 'FIRST_OFFSET' });
    consumer.subscribe(topic).listen(async (messages) => {
      received.push(...messages.map(({ body }) => body.toString()));
    });
    const producer = new Producer({ ...common, group: unique('p') });
    open.push(consumer, producer);
    await Promise.all([consumer.start(), producer.start()]);
    await producer.send({ topic, body: 'hello' });
    await waitFor(() => received.length === 1, { what: 'the message' });
    expect(received).toEqual(['hello']);
  });

  it('is not optional where servers enforce it', async () => {
    const cluster = await start({ namesrv: { tlsMode: 'enforcing' }, broker: { 'tls.server.mode': 'enforcing' } });
    await expect(createTopic(cluster, false)).rejects.toThrow(/closed the connection|no name server/i);
  });
});
