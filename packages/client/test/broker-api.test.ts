import { afterEach, expect, it } from '@jest/globals';
import {
  createResponse,
  encodeConsumerListBody,
  encodeTopicRoute,
  RequestCode,
  ResponseCode,
} from '@rocketnest/protocol';
import { ScriptedPeer } from '@rocketnest/testing';
import { ClientInstance } from '../src/instance.js';
import { Producer } from '../src/producer/producer.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A peer that takes messages, and a name server that says the broker listens at `offset` from the peer's port. */
async function startPeers(offset: number) {
  const stored = { msgId: '7F00000100002A9F0000000000000000', queueId: '0', queueOffset: '0' };
  const peer = await ScriptedPeer.start((request) => createResponse(request, ResponseCode.SUCCESS, null, stored));
  const address = `127.0.0.1:${peer.port + offset}`;
  const route = encodeTopicRoute({
    queueDatas: [{ brokerName: 'a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 }],
    brokerDatas: [{ cluster: 'c', brokerName: 'a', brokerAddrs: { 0: address } }],
    filterServerTable: {},
  });
  const namesrv = await ScriptedPeer.start((request) => createResponse(request, ResponseCode.SUCCESS, null, {}, route));
  open.push(peer, namesrv);
  return { peer, namesrv, address };
}

it("sends and asks for offsets at the broker's port minus 2 with vipChannelEnabled", async () => {
  const { peer, namesrv, address } = await startPeers(2);
  const producer = new Producer({ namesrvAddr: namesrv.address, group: 'p', vipChannelEnabled: true });
  open.push(producer);
  await producer.start();
  await producer.send({ topic: 'T', body: 'x' });
  await producer.sendOneway({ topic: 'T', body: 'x' });
  await peer.receive(2);
  await producer.instance.api.updateConsumerOffset(address, {
    consumerGroup: 'g',
    topic: 'T',
    queueId: 0,
    commitOffset: 1,
  });
  expect(peer.received.map(({ code }) => code)).toEqual([
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.UPDATE_CONSUMER_OFFSET,
  ]);
});

it('goes to the port itself without it', async () => {
  const { namesrv, address } = await startPeers(0);
  const instance = new ClientInstance({ namesrvAddr: namesrv.address });
  open.push(instance);
  expect(instance.api.vipAddress(address)).toBe(address);
  expect(instance.api.vipAddress('[::1]:10911')).toBe('[::1]:10911');
});

it('tells brokers about unit mode', async () => {
  const { peer, namesrv } = await startPeers(0);
  const producer = new Producer({ namesrvAddr: namesrv.address, group: 'p', unitMode: true, unitName: 'sh' });
  open.push(producer);
  await producer.start();
  await producer.send({ topic: 'T', body: 'x' });
  const sent = peer.received.find(({ code }) => code === RequestCode.SEND_MESSAGE_V2)!;
  expect(sent.extFields['k']).toBe('true');
  expect(producer.instance.clientId).toMatch(/@sh$/);
});

it('counts a member once that a broker lists twice, as after it had to connect anew', async () => {
  const body = encodeConsumerListBody({ consumerIdList: ['a', 'b', 'a'] });
  const peer = await ScriptedPeer.start((request) => createResponse(request, ResponseCode.SUCCESS, null, {}, body));
  const instance = new ClientInstance({ namesrvAddr: peer.address });
  open.push(peer, instance);
  expect(await instance.api.consumerIdList(peer.address, 'g')).toEqual(['a', 'b']);
});
