import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, NoRouteError } from '@rocketnest/protocol';
import { unique } from '@rocketnest/testing';
import { Producer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('Producer.createTopic', () => {
  let cluster: TestCluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await TestCluster.start({ brokers: 2 });
    producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers') });
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  it('makes a topic that can be sent to at once, on every broker', async () => {
    const topic = unique('created');
    await producer.createTopic(topic, { queues: 3 });
    expect((await producer.publishQueues(topic)).filter(({ brokerName }) => brokerName === 'broker-a')).toHaveLength(3);
    expect((await producer.send({ topic, body: 'x' })).status).toBe('SEND_OK');
  });

  it('can make it where another topic is', async () => {
    const model = unique('model');
    await cluster.admin.topics.create({ topic: model, queues: 1, broker: 'broker-b' });
    const topic = unique('created');
    await producer.createTopic(topic, { like: model });
    const queues = await producer.publishQueues(topic);
    expect(queues.map(({ brokerName, queueId }) => `${brokerName} ${queueId}`)).toEqual(
      [0, 1, 2, 3].map((queueId) => `broker-b ${queueId}`),
    );
  });

  it('refuses bad names and numbers, and brokers nobody knows', async () => {
    await expect(producer.createTopic('no spaces')).rejects.toThrow(ConfigurationError);
    await expect(producer.createTopic('SCHEDULE_TOPIC_XXXX')).rejects.toThrow(/one of the system/);
    await expect(producer.createTopic('T', { queues: 0 })).rejects.toThrow(/whole number >= 1, got 0/);
    await expect(producer.createTopic('T', { like: unique('nothing') })).rejects.toThrow(NoRouteError);
  });
});
