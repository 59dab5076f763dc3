import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  encodeHeartbeat,
  parseGroupForbidden,
  parseProducerTableInfo,
  parseQueryCorrectionOffsetBody,
  parseQuerySubscriptionResponse,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { TestConsumer } from '../test-consumer.js';

describe('administration of groups', () => {
  let target: TestBroker;
  beforeEach(async () => {
    target = await TestBroker.start();
    for (const topic of ['orders', 'invoices']) await target.send(topic, 'a');
  });
  afterEach(() => target.close());

  const commit = async (consumerGroup: string, topic: string, offsets: readonly number[]) => {
    await target.pull(topic, { consumerGroup });
    for (const [queueId, commitOffset] of offsets.entries()) {
      await target.call(Requests.updateConsumerOffset, { consumerGroup, topic, queueId, commitOffset });
    }
  };
  const offset = async (consumerGroup: string, topic: string, queueId = 0) => {
    const fields = { consumerGroup, topic, queueId, setZeroIfNotFound: false };
    return (await target.call(Requests.queryConsumerOffset, fields)).extFields['offset'];
  };

  it('shows what a group subscribes', async () => {
    const query = async (topic: string) => {
      const response = await target.call(Requests.querySubscriptionByConsumer, { group: 'group', topic });
      return parseQuerySubscriptionResponse(response.body!);
    };
    const consumer = await TestConsumer.join(target, 'group', ['orders']);
    expect(await query('orders')).toMatchObject({
      group: 'group',
      topic: 'orders',
      subscriptionData: { subString: 'a || b' },
    });
    expect(await query('invoices')).toEqual({ group: 'group', topic: 'invoices' });
    await consumer.close();
  });

  it('copies where a group is to another one, in one topic or in all', async () => {
    await commit('source', 'orders', [3, 4]);
    await commit('source', 'invoices', [5]);
    const clone = (changes: Partial<RequestInput<typeof Requests.cloneGroupOffset>>) =>
      target.call(Requests.cloneGroupOffset, { srcGroup: 'source', destGroup: 'copy', offline: true, ...changes });
    await clone({ topic: 'orders' });
    expect([await offset('copy', 'orders', 0), await offset('copy', 'orders', 1)]).toEqual(['3', '4']);
    expect(await offset('copy', 'invoices')).toBeUndefined();
    await clone({});
    expect(await offset('copy', 'invoices')).toBe('5');
    // A copy of its own: the groups go separate ways from here.
    await commit('source', 'invoices', [6]);
    expect(await offset('copy', 'invoices')).toBe('5');
  });

  it('copies only what the group still subscribes when it is connected', async () => {
    await commit('source', 'orders', [3]);
    await commit('source', 'invoices', [5]);
    const consumer = await TestConsumer.join(target, 'source', ['orders']);
    // Pulls with their own subscription are remembered like heartbeats: a restart forgets those.
    await consumer.close();
    await target.restart();
    const again = await TestConsumer.join(target, 'source', ['orders']);
    await target.call(Requests.cloneGroupOffset, { srcGroup: 'source', destGroup: 'copy', offline: false });
    expect([await offset('copy', 'orders'), await offset('copy', 'invoices')]).toEqual(['3', undefined]);
    await again.close();
  });

  it('finds the smallest offset of all groups, and no limit where a group is behind it', async () => {
    await commit('one', 'orders', [3, 7]);
    await commit('two', 'orders', [5, 6]);
    const correction = async (changes: { compareGroup: string; filterGroups?: string }) => {
      const response = await target.call(Requests.queryCorrectionOffset, { topic: 'orders', ...changes });
      return parseQueryCorrectionOffsetBody(response.body!).correctionOffsets;
    };
    expect(await correction({ compareGroup: 'nobody' })).toEqual({ 0: 3, 1: 6 });
    await commit('three', 'orders', [1, 9]);
    expect(await correction({ compareGroup: 'three', filterGroups: 'three' })).toEqual({
      0: Number.MAX_SAFE_INTEGER,
      1: 6,
    });
    expect(await offset('three', 'orders')).toBe('1');
  });

  it('forbids a group to read a topic, and says so', async () => {
    const forbidden = async (readable?: boolean, topic = 'orders') => {
      const fields = { group: 'group', topic, ...(readable !== undefined && { readable }) };
      return parseGroupForbidden((await target.call(Requests.updateAndGetGroupForbidden, fields)).body!);
    };
    const pull = () => target.pull('orders', { consumerGroup: 'group', sysFlag: 0 });
    const consumer = await TestConsumer.join(target, 'group', ['orders']);
    expect(await forbidden()).toEqual({ group: 'group', topic: 'orders', readable: true });
    expect((await forbidden(false)).readable).toBe(false);
    await forbidden(false, 'invoices');
    expect(await pull()).toMatchObject({
      code: ResponseCode.NO_PERMISSION,
      remark: 'the consumer group[group] is forbidden for topic[orders]',
      extFields: { forbiddenType: '5' },
    });
    const file = await readFile(join(target.rootDir, 'config', 'subscriptionGroup.json'), 'utf8');
    expect(JSON.parse(file).forbiddenTable).toEqual({ group: { orders: 4, invoices: 4 } });
    expect((await forbidden(true)).readable).toBe(true);
    expect((await forbidden(undefined, 'invoices')).readable).toBe(false);
    expect((await pull()).code).not.toBe(ResponseCode.NO_PERMISSION);
    await consumer.close();
  });

  it('lists the connected producers', async () => {
    const producers = [{ groupName: 'producers-1' }, { groupName: 'producers-2' }];
    const body = encodeHeartbeat({ clientID: 'client-1', producerDataSet: producers, consumerDataSet: [] });
    await target.request(createRequest(Requests.heartBeat, {}, body));
    const { data } = parseProducerTableInfo((await target.call(Requests.getAllProducerInfo, {})).body!);
    expect(Object.keys(data).sort()).toEqual(['producers-1', 'producers-2']);
    expect(data['producers-1']).toEqual([
      expect.objectContaining({ clientId: 'client-1', remoteIP: '127.0.0.1', version: 513 }),
    ]);
  });
});
