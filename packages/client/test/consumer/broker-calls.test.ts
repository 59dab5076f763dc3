import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  encodeMessage,
  encodeResetOffsetBody,
  parseConsumeMessageDirectlyResult,
  parseConsumerRunningInfo,
  parseGetConsumerStatusBody,
  RequestCode,
  Requests,
} from '@rocketnest/protocol';
import { PushConsumer, type PushConsumerOptions } from '../../src/consumer/index.js';
import type { MessageHandler } from '../../src/consumer/outcome.js';
import { ScriptedBroker } from './scripted-broker.js';
import { pulled, QUEUE } from './stored-message.js';
import { bodyOf, range, until } from './testbed.js';

describe('what brokers ask of a consumer', () => {
  let broker: ScriptedBroker;
  let consumer: PushConsumer;
  beforeEach(async () => {
    broker = await ScriptedBroker.start();
  });
  afterEach(async () => {
    await consumer.close();
    await broker.close();
  });

  async function start(options: Partial<PushConsumerOptions>, handler: MessageHandler): Promise<void> {
    const namesrvAddr = broker.peer.address;
    consumer = new PushConsumer({
      namesrvAddr,
      group: 'g',
      consumeFrom: 'FIRST_OFFSET',
      shutdownTimeoutMs: 1_000,
      ...options,
    });
    await consumer.subscribe('T').listen(handler).start();
  }

  const resetTo = (offset: number) =>
    createRequest(
      Requests.resetConsumerClientOffset,
      { group: 'g', topic: 'T', timestamp: 0, isForce: true },
      encodeResetOffsetBody({ offsetTable: [{ queue: QUEUE, offset }] }),
    );

  it.each(['CONCURRENTLY', 'ORDERLY'] as const)('goes back to the offset it is told (%s)', async (consumeMode) => {
    broker.append(...range(5));
    const seen: string[] = [];
    await start({ consumeMode }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 5, 'all are handled');
    broker.tell(resetTo(3));
    await until(() => seen.length === 7, 'the last two are handled again');
    expect(seen.slice(5)).toEqual(['m3', 'm4']);
    await consumer.close();
    expect(broker.committed.get('T')).toBe(5);
  });

  it('throws what it holds away on a reset and waits for running handlers, whose results no longer count', async () => {
    broker.append(...range(5));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    await start({ concurrency: 1 }, async ([message]) => {
      seen.push(bodyOf(message!));
      if (seen.length === 1) await released;
    });
    await until(() => seen.length === 1, 'the first handler runs');
    broker.tell(resetTo(4));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(broker.committed.get('T') ?? 0).toBe(0);
    release();
    await until(() => seen.length === 2, 'consumption goes on');
    expect(seen).toEqual(['m0', 'm4']);
  });

  it('shares the queues anew when the members of its group change', async () => {
    await start({}, () => {});
    const asked = broker.received(RequestCode.GET_CONSUMER_LIST_BY_GROUP).length;
    broker.tell(createRequest(Requests.notifyConsumerIdsChanged, { consumerGroup: 'g' }));
    await until(() => broker.received(RequestCode.GET_CONSUMER_LIST_BY_GROUP).length > asked, 'the group is asked for');
  });

  it('tells its inner state and its offsets', async () => {
    broker.append(...range(3));
    const seen: string[] = [];
    await start({ concurrency: 7 }, ([message]) => {
      seen.push(bodyOf(message!));
    });
    await until(() => seen.length === 3, 'all are handled');
    const { clientId } = consumer.instance;
    const infoRequest = createRequest(Requests.getConsumerRunningInfo, { consumerGroup: 'g', clientId });
    const info = parseConsumerRunningInfo((await broker.ask(infoRequest)).body as Buffer);
    expect(info.properties).toMatchObject({
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_THREADPOOL_CORE_SIZE: '7',
      PROP_CONSUMEORDERLY: 'false',
    });
    expect(info.mqTable.find(({ queue }) => queue.topic === 'T')).toMatchObject({ commitOffset: 3, cachedMsgCount: 0 });
    expect(info.statusTable['T']!.consumeOKTPS).toBeGreaterThan(0);
    const statusRequest = createRequest(Requests.getConsumerStatusFromClient, { topic: 'T', group: 'g' });
    const status = parseGetConsumerStatusBody((await broker.ask(statusRequest)).body as Buffer);
    expect(status.messageQueueTable).toEqual([{ queue: QUEUE, offset: 3 }]);
  });

  it('handles one message directly and tells how that went', async () => {
    const seen: string[] = [];
    await start({}, ([message]) => {
      seen.push(bodyOf(message!));
      if (seen.length === 2) throw new Error('no more');
      return seen.length === 3 ? { action: 'retry' } : undefined;
    });
    const fields = { consumerGroup: 'g', clientId: consumer.instance.clientId, brokerName: 'b' };
    const request = createRequest(Requests.consumeMessageDirectly, fields, encodeMessage(pulled(9)));
    const ask = async () => parseConsumeMessageDirectlyResult((await broker.ask(request)).body as Buffer);
    expect(await ask()).toMatchObject({ consumeResult: 'CR_SUCCESS', order: false });
    expect(await ask()).toMatchObject({ consumeResult: 'CR_THROW_EXCEPTION', remark: 'Error: no more' });
    expect(await ask()).toMatchObject({ consumeResult: 'CR_LATER' });
    expect(seen).toEqual(['body 9', 'body 9', 'body 9']);
    expect(broker.received(RequestCode.CONSUMER_SEND_MSG_BACK)).toEqual([]);
  });
});
