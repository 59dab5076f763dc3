import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, ResponseCode } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { Producer } from '../../src/index.js';
import { TestCluster } from '../support/cluster.js';

describe('Producer.recall', () => {
  let cluster: TestCluster;
  let producer: Producer;

  beforeAll(async () => {
    cluster = await TestCluster.start({ broker: { recallMessageEnable: true } });
    producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('producers') });
    await producer.start();
  });
  afterAll(async () => {
    await producer.close();
    await cluster.close();
  });

  const arrived = (topic: string) =>
    waitFor(
      async () => {
        const messages = await cluster.messages(topic);
        return messages.length > 0 ? messages : undefined;
      },
      { what: `a message in ${topic}` },
    );

  it('takes back a message that is not due yet', async () => {
    const topic = await cluster.topic(1);
    const deliverAt = Date.now() + 2_000;
    const [first, second] = [
      await producer.send({ topic, body: 'first', deliverAt }),
      await producer.send({ topic, body: 'second', deliverAt }),
    ];
    expect(await producer.recall(topic, first.recallHandle!)).toBe(first.msgId);
    const [delivered, ...rest] = await arrived(topic);
    expect(delivered).toMatchObject({ msgId: second.msgId });
    expect(rest).toEqual([]);
  });

  it('is refused when the message is due', async () => {
    const topic = await cluster.topic(1);
    const { recallHandle } = await producer.send({ topic, body: 'x', deliverAt: Date.now() + 50 });
    await arrived(topic);
    await expect(producer.recall(topic, recallHandle!)).rejects.toMatchObject({
      responseCode: ResponseCode.ILLEGAL_OPERATION,
    });
  });

  it('refuses what is no handle, and other messages have none', async () => {
    const topic = await cluster.topic(1);
    const { recallHandle } = await producer.send({ topic, body: 'x' });
    expect(recallHandle).toBeUndefined();
    await expect(producer.recall(topic, 'nonsense')).rejects.toThrow(ConfigurationError);
  });
});
