import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePopReceipt, Requests, ResponseCode } from '@rocketnest/protocol';
import { TestBroker } from '../harness.js';
import { PopClient, texts } from './pop-client.js';

let target: TestBroker;
let client: PopClient;
beforeEach(async () => {
  target = await TestBroker.start();
  client = new PopClient(target);
  for (const text of ['a', 'b', 'c']) await client.send(text);
});
afterEach(() => target.close());

const ordered = { order: true, queueId: 0 };
const committed = async (): Promise<number> => {
  const fields = { consumerGroup: 'consumers', topic: 'orders', queueId: 0 };
  return Number((await target.call(Requests.queryConsumerOffset, fields)).extFields['offset']);
};

describe('an orderly pop', () => {
  it('blocks the queue until everything is acknowledged, in any order', async () => {
    const [a, b] = await client.pop({ ...ordered, maxMsgNums: 2 });
    expect(parsePopReceipt(a!.receipt).reviveQueueId).toBe(999);
    expect(await client.pop(ordered)).toEqual([]);
    await client.ack(b!);
    expect(await client.pop(ordered)).toEqual([]);
    expect(await committed()).toBe(0);
    await client.ack(a!);
    expect(await committed()).toBe(2);
    expect(texts(await client.pop(ordered))).toEqual(['c']);
  });

  it('that waits is woken when the queue becomes free by an acknowledgement', async () => {
    const popped = await client.pop({ ...ordered, maxMsgNums: 2 });
    const waiting = client.request({ ...ordered, pollTime: 10_000 });
    await client.batchAck(popped);
    expect(texts(client.read(await waiting))).toEqual(['c']);
  });

  it('that waits is woken when the messages become visible again, and counts the attempts', async () => {
    const first = await client.request({ ...ordered, invisibleTime: 300 });
    expect(first.extFields['orderCountInfo']).toBe('0 0 0');
    const waiting = await client.request({ ...ordered, pollTime: 10_000 });
    expect(texts(client.read(waiting))).toEqual(['a', 'b', 'c']);
    expect(waiting.extFields['orderCountInfo']).toBe('0 qo0%0 1;0 qo0%1 1;0 qo0%2 1;0 0 1');
  });

  it('of the same attempt gets the same messages again, uncounted', async () => {
    const attempt = { ...ordered, attemptId: 'attempt' };
    expect(texts(await client.pop(attempt))).toEqual(['a', 'b', 'c']);
    const again = await client.request(attempt);
    expect(texts(client.read(again))).toEqual(['a', 'b', 'c']);
    expect(again.extFields['orderCountInfo']).toBe('0 0 0');
    expect(await client.pop({ ...ordered, attemptId: 'another' })).toEqual([]);
  });

  it('obeys a changed invisible time', async () => {
    const [a] = await client.pop({ ...ordered, maxMsgNums: 1, invisibleTime: 60_000 });
    const changed = await client.changeInvisible(a!, 200);
    expect(changed.extFields).toMatchObject({ reviveQid: '999' });
    expect(texts(await client.pop({ ...ordered, pollTime: 10_000 }))).toContain('a');
  });

  it('refuses acknowledgements of messages that are not popped, and ignores those of older pops', async () => {
    const [a] = await client.pop({ ...ordered, maxMsgNums: 1, invisibleTime: 100 });
    expect(await client.ack(a!, { offset: 2 })).toMatchObject({ code: ResponseCode.MESSAGE_ILLEGAL });
    const [again] = await client.pop({ ...ordered, maxMsgNums: 1, pollTime: 10_000 });
    expect(again!.text).toBe('a');
    expect(await client.ack(a!)).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(await committed()).toBe(0);
  });

  it('survives a restart: what is blocked stays blocked', async () => {
    const [a] = await client.pop({ ...ordered, maxMsgNums: 1 });
    await target.restart();
    const file = await readFile(join(target.rootDir, 'config', 'consumerOrderInfo.json'), 'utf8');
    expect(JSON.parse(file)).toMatchObject({ table: { 'orders@consumers': { 0: { o: [0], cm: 0, i: 60_000 } } } });
    expect(await client.pop(ordered)).toEqual([]);
    await client.ack(a!);
    expect(texts(await client.pop(ordered))).toEqual(['b', 'c']);
  });

  it('starts anew where an admin has set the group', async () => {
    await client.pop(ordered);
    await target.call(Requests.invokeBrokerToResetOffset, {
      group: 'consumers',
      topic: 'orders',
      timestamp: 0,
      isForce: true,
      queueId: 0,
      offset: 1,
    });
    expect(texts(await client.pop(ordered))).toEqual(['b', 'c']);
  });
});

describe('NOTIFICATION', () => {
  const ask = (fields = {}) =>
    target.call(
      Requests.notification,
      { consumerGroup: 'consumers', topic: 'orders', queueId: -1, pollTime: 0, bornTime: Date.now(), ...fields },
      null,
      15_000,
    );

  it('tells whether there is something to pop', async () => {
    expect((await ask()).extFields).toMatchObject({ hasMsg: 'true' });
    await client.pop();
    expect((await ask()).extFields).toMatchObject({ hasMsg: 'false' });
  });

  it('waits for a message', async () => {
    await client.pop();
    const waiting = ask({ pollTime: 10_000 });
    await client.send('d');
    expect((await waiting).extFields).toMatchObject({ hasMsg: 'true' });
  });

  it('obeys its filter, also while it waits', async () => {
    const filtered = { expType: 'TAG', exp: 'blue' };
    expect((await ask(filtered)).extFields).toMatchObject({ hasMsg: 'false' });
    const waiting = ask({ ...filtered, pollTime: 10_000 });
    await client.send('d', 0, { TAGS: 'red' });
    await client.send('e', 0, { TAGS: 'blue' });
    expect((await waiting).extFields).toMatchObject({ hasMsg: 'true' });
  });

  it('sees no message in a queue that is blocked', async () => {
    await client.pop({ ...ordered, maxMsgNums: 1 });
    expect((await ask({ order: true, queueId: 0 })).extFields).toMatchObject({ hasMsg: 'false' });
  });
});

describe('PEEK_MESSAGE', () => {
  const peek = (fields = {}) =>
    target.call(Requests.peekMessage, {
      consumerGroup: 'consumers',
      topic: 'orders',
      queueId: -1,
      maxMsgNums: 2,
      ...fields,
    });

  it('shows what a pop would get and leaves it there', async () => {
    const answer = await peek();
    expect(texts(client.read(answer))).toEqual(['a', 'b']);
    expect(answer.extFields).toMatchObject({ restNum: '3' });
    expect(texts(await client.pop())).toEqual(['a', 'b', 'c']);
    expect(await peek()).toMatchObject({ code: ResponseCode.PULL_NOT_FOUND });
  });
});
