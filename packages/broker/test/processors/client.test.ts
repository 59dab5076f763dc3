import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createRequest,
  encodeCheckClientRequest,
  encodeHeartbeat,
  encodeLockBatchRequest,
  parseConsumerConnection,
  parseConsumerListBody,
  parseLockBatchResponse,
  parseProducerConnection,
  parseSubscription,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { TestBroker } from '../harness.js';

/** A client of its own connection; counts NOTIFY_CONSUMER_IDS_CHANGED by group. */
class Member {
  readonly notified: string[] = [];
  private waiting: (() => void)[] = [];
  readonly client = new RemotingClient({
    processors: new Map([
      [
        RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
        (request) => {
          this.notified.push(request.extFields['consumerGroup'] ?? '');
          for (const wake of this.waiting.splice(0)) wake();
        },
      ],
    ]),
  });

  constructor(
    private readonly target: TestBroker,
    readonly clientId: string,
  ) {}

  beat(topics: string[], changes: { heartbeatFingerprint?: number; withoutSub?: boolean } = {}) {
    const body = encodeHeartbeat({
      clientID: this.clientId,
      producerDataSet: [{ groupName: 'producers' }],
      consumerDataSet: [
        {
          groupName: 'group',
          consumeType: 'CONSUME_PASSIVELY',
          messageModel: 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          subscriptionDataSet: topics.map((topic) => parseSubscription(topic, 'a || b', 'TAG', 1)),
          unitMode: false,
        },
      ],
      ...changes,
    });
    return this.call(createRequest(Requests.heartBeat, {}, body));
  }

  call(command: ReturnType<typeof createRequest>) {
    return this.client.request(this.target.address, command, { timeoutMs: 5_000 });
  }

  async notifications(count: number): Promise<void> {
    while (this.notified.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

describe('clients', () => {
  let target: TestBroker;
  let members: Member[];
  const member = (clientId: string): Member => {
    const created = new Member(target, clientId);
    members.push(created);
    return created;
  };
  const consumers = async () => {
    const response = await target.call(Requests.getConsumerListByGroup, { consumerGroup: 'group' });
    return response.code === ResponseCode.SUCCESS ? parseConsumerListBody(response.body!).consumerIdList.sort() : [];
  };
  beforeEach(async () => {
    target = await TestBroker.start();
    members = [];
  });
  afterEach(async () => {
    for (const each of members) await each.client.close();
    await target.close();
  });

  it('join their group by heartbeat, and the members learn of each other', async () => {
    const first = member('c1');
    const response = await first.beat(['orders']);
    expect(response.extFields).toMatchObject({ IS_SUPPORT_HEART_BEAT_V2: 'true', IS_SUB_CHANGE: 'true' });
    await first.notifications(1);
    await member('c2').beat(['orders']);
    await first.notifications(2);
    expect(await consumers()).toEqual(['c1', 'c2']);
  });

  it('are not told about heartbeats that change nothing', async () => {
    const first = member('c1');
    await first.beat(['orders']);
    await first.beat(['orders']);
    await first.beat(['orders', 'refunds']);
    await first.notifications(2);
    expect(first.notified).toEqual(['group', 'group']);
  });

  it('leave by UNREGISTER_CLIENT and by closing their connection', async () => {
    const [first, second, third] = [member('c1'), member('c2'), member('c3')];
    for (const each of [first, second, third]) await each.beat(['orders']);
    await first.notifications(3);
    await second.call(createRequest(Requests.unregisterClient, { clientID: 'c2', consumerGroup: 'group' }));
    await first.notifications(4);
    await third.client.close();
    await first.notifications(5);
    expect(await consumers()).toEqual(['c1']);
  });

  it('get a retry topic for their group', async () => {
    await member('c1').beat(['orders']);
    const topics = JSON.parse((await target.call(Requests.getAllTopicConfig, {})).body!.toString());
    expect(topics.topicConfigTable['%RETRY%group']).toMatchObject({ readQueueNums: 1, writeQueueNums: 1, perm: 6 });
  });

  it('keep their subscription when a heartbeat of version 2 leaves it out', async () => {
    const first = member('c1');
    await first.beat(['orders'], { heartbeatFingerprint: 5 });
    const response = await first.beat([], { heartbeatFingerprint: 5, withoutSub: true });
    expect(response.extFields['IS_SUB_CHANGE']).toBe('false');
    const list = await target.call(Requests.getConsumerConnectionList, { consumerGroup: 'group' });
    expect(Object.keys(parseConsumerConnection(list.body!).subscriptionTable)).toEqual(['orders']);
  });

  it('are asked for their subscription when the broker does not have it', async () => {
    const response = await member('c1').beat([], { heartbeatFingerprint: 5, withoutSub: true });
    expect(response.extFields['IS_SUB_CHANGE']).toBe('true');
  });

  it('are listed with address, language and version', async () => {
    await member('c1').beat(['orders']);
    const asConsumer = parseConsumerConnection(
      (await target.call(Requests.getConsumerConnectionList, { consumerGroup: 'group' })).body!,
    );
    expect(asConsumer).toMatchObject({
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      connectionSet: [{ clientId: 'c1', clientAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/), language: 'NODE_JS' }],
    });
    const asProducer = parseProducerConnection(
      (await target.call(Requests.getProducerConnectionList, { producerGroup: 'producers' })).body!,
    );
    expect(asProducer.connectionSet.map((each) => each.clientId)).toEqual(['c1']);
  });

  it.each([
    [Requests.getConsumerListByGroup, { consumerGroup: 'nobody' }, ResponseCode.SYSTEM_ERROR],
    [Requests.getConsumerConnectionList, { consumerGroup: 'nobody' }, ResponseCode.CONSUMER_NOT_ONLINE],
    [Requests.getProducerConnectionList, { producerGroup: 'nobody' }, ResponseCode.SYSTEM_ERROR],
  ] as const)('that are not there are refused: $name', async (definition, fields, code) => {
    const response = await target.request(
      createRequest(definition as typeof Requests.getConsumerListByGroup, fields as { consumerGroup: string }),
    );
    expect(response.code).toBe(code);
    expect(response.remark).toMatch(/nobody/);
  });

  it('may check their subscription', async () => {
    const check = (expression: string, type: string) =>
      target.call(
        Requests.checkClientConfig,
        {},
        encodeCheckClientRequest({
          clientId: 'c1',
          group: 'group',
          subscriptionData: parseSubscription('orders', expression, type),
        }),
      );
    expect((await check('a || b', 'TAG')).code).toBe(ResponseCode.SUCCESS);
    const refused = await check('a > 1', 'SQL92');
    expect(refused.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(refused.remark).toMatch(/SQL92/);
  });

  it('lock queues for orderly consumption', async () => {
    const mqSet = [0, 1].map((queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }));
    const lock = async (clientId: string) => {
      const body = encodeLockBatchRequest({ consumerGroup: 'group', clientId, mqSet });
      const response = await target.call(Requests.lockBatchMq, {}, body);
      return parseLockBatchResponse(response.body!).lockOKMQSet;
    };
    expect(await lock('c1')).toEqual(mqSet);
    expect(await lock('c2')).toEqual([]);
    await target.call(
      Requests.unlockBatchMq,
      {},
      encodeLockBatchRequest({ consumerGroup: 'group', clientId: 'c1', mqSet }),
    );
    expect(await lock('c2')).toEqual(mqSet);
  });

  it('answers an error for a heartbeat that is no heartbeat', async () => {
    const response = await target.call(Requests.heartBeat, {}, Buffer.from('{"clientID":'));
    expect(response.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(response.remark).toMatch(/HEART_BEAT/);
  });
});
