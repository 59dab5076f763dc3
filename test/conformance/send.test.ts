import { describe, expect, it } from '@jest/globals';
import { useCluster } from './support/cluster.js';

const cluster = useCluster();

describe('sending', () => {
  it('says SEND_OK with the place of the message, and a consumer gets it as it was sent', async () => {
    const topic = await cluster.topic();
    const producer = await cluster.producer();
    const inbox = await cluster.consume(topic);

    const sent = await producer.send({
      topic,
      body: Buffer.from('十二 pairs of 靴'),
      tags: 'created',
      keys: ['order-12', 'customer-7'],
      properties: { colour: 'rouge foncé', size: '42' },
      flag: 7,
    });

    expect(sent).toMatchObject({ status: 'SEND_OK', queueOffset: 0, queue: { topic } });
    const [received] = await inbox.until(1);
    expect(received).toMatchObject({
      topic,
      msgId: sent.msgId,
      offsetMsgId: sent.offsetMsgId,
      queueId: sent.queue.queueId,
      queueOffset: 0,
      reconsumeTimes: 0,
      flag: 7,
      properties: { TAGS: 'created', KEYS: 'order-12 customer-7', colour: 'rouge foncé', size: '42' },
    });
    expect(received!.body.toString()).toBe('十二 pairs of 靴');
  });
});
