import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseConsumeMessageDirectlyResult, parseConsumerRunningInfo, Requests } from '@rocketnest/protocol';
import { bodyOf, range, Testbed, unique, until } from './testbed.js';

describe('what operators do to a running consumer', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  it.each(['CONCURRENTLY', 'ORDERLY'] as const)('continues from a reset offset (%s)', async (consumeMode) => {
    const topic = await bed.topic(2);
    const group = unique('group');
    await bed.send(topic, 0, range(5, 'a'));
    await bed.send(topic, 1, range(5, 'b'));
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, group, consumeMode }, async ([message]) => {
      seen.push(bodyOf(message!));
    });
    await consumer.start();
    await until(() => seen.length === 10, 'ten messages are consumed');
    const reset = { group, topic, timestamp: 0, isForce: true };
    await bed.instance.api.call(await bed.brokerAddress(), Requests.invokeBrokerToResetOffset, reset);
    // Brokers that reset on their side tell a waiting consumer only when a message arrives.
    for (const queueId of [0, 1]) await bed.send(topic, queueId, ['poke']);
    const twice = [...range(5, 'a'), ...range(5, 'a'), ...range(5, 'b'), ...range(5, 'b')].sort();
    const consumed = () => seen.filter((body) => body !== 'poke').sort();
    await until(() => consumed().length >= 20, 'they are consumed again');
    expect(consumed()).toEqual(twice);
    await consumer.close();
    expect(await bed.committedOffset(group, topic, 0)).toBe(6);
  });

  it('tells its inner state', async () => {
    const topic = await bed.topic(2);
    const group = unique('group');
    await bed.send(topic, 0, range(5));
    let handled = 0;
    const consumer = bed.consumer({ topic, group, concurrency: 7 }, async () => {
      handled++;
    });
    await consumer.start();
    await until(() => handled === 5, 'five messages are consumed');
    const fields = { consumerGroup: group, clientId: consumer.instance.clientId, jstackEnable: false };
    const { body } = await bed.instance.api.call(await bed.brokerAddress(), Requests.getConsumerRunningInfo, fields);
    const info = parseConsumerRunningInfo(body);
    expect(info.properties).toMatchObject({
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_THREADPOOL_CORE_SIZE: '7',
      PROP_CONSUMEORDERLY: 'false',
    });
    const ours = info.mqTable.filter(({ queue }) => queue.topic === topic);
    expect(ours.map(({ queue, commitOffset }) => [queue.queueId, commitOffset])).toEqual([
      [0, 5],
      [1, 0],
    ]);
    expect(info.statusTable[topic]!.consumeOKTPS).toBeGreaterThan(0);
    expect(info.subscriptionSet.map((subscription) => subscription.topic).sort()).toEqual(
      [`%RETRY%${group}`, topic].sort(),
    );
    await consumer.close();
  });

  it('tells which handlers run when it is asked for its threads', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const { msgId } = await bed.producer.send({ topic, body: 'slow' });
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const consumer = bed.consumer({ topic, group }, () => finished);
    await consumer.start();
    await until(() => consumer.runningHandlers === 1, 'the handler runs');
    const fields = { consumerGroup: group, clientId: consumer.instance.clientId, jstackEnable: true };
    const { body } = await bed.instance.api.call(await bed.brokerAddress(), Requests.getConsumerRunningInfo, fields);
    const { jstack } = parseConsumerRunningInfo(body);
    expect(jstack).toMatch(
      new RegExp(`^1 handlers of group ${group} are running\n  \\d+ ms: topic ${topic}, .*${msgId}\n$`),
    );
    expect(consumer.report().handlers).toMatchObject([{ topic, queueId: 0, msgIds: [msgId] }]);
    finish();
    await consumer.close();
  });

  it('handles one message directly on request, and tells how that went', async () => {
    const topic = await bed.topic(1);
    const group = unique('group');
    const sent = await bed.producer.send({ topic, body: 'special' });
    const seen: string[] = [];
    const consumer = bed.consumer({ topic, group }, async ([message]) => {
      seen.push(bodyOf(message!));
      if (seen.length === 3) throw new Error('no more');
    });
    await consumer.start();
    await until(() => seen.length === 1, 'the message is consumed');
    const address = await bed.brokerAddress();
    const fields = {
      consumerGroup: group,
      clientId: consumer.instance.clientId,
      msgId: sent.offsetMsgId,
      brokerName: sent.queue.brokerName,
      topic,
    };
    const consumeAgain = async () =>
      parseConsumeMessageDirectlyResult(
        (await bed.instance.api.call(address, Requests.consumeMessageDirectly, fields)).body,
      );
    expect(await consumeAgain()).toMatchObject({ consumeResult: 'CR_SUCCESS', order: false });
    expect(await consumeAgain()).toMatchObject({ consumeResult: 'CR_THROW_EXCEPTION', remark: 'Error: no more' });
    expect(seen).toEqual(['special', 'special', 'special']);
    await consumer.close();
  });
});
