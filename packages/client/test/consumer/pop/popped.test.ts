import { describe, expect, it } from '@jest/globals';
import {
  createResponse,
  encodeMessage,
  type MessageExt,
  PropertyName,
  ProtocolError,
  type RemotingCommand,
} from '@rocketnest/protocol';
import { type PopQuestion, readPopped } from '../../../src/consumer/pop/popped.js';
import { pulled } from '../stored-message.js';

const question: PopQuestion = { topic: 'orders', group: 'billing', brokerName: 'broker-a', ordered: false };

function answer(messages: readonly MessageExt[], fields: Record<string, string> = {}): RemotingCommand {
  const header = { popTime: '1700000000000', invisibleTime: '60000', reviveQid: '3', restNum: '0', ...fields };
  const request = { opaque: 1, serializeType: 0 } as RemotingCommand;
  return createResponse(request, 0, null, header, Buffer.concat(messages.map((message) => encodeMessage(message))));
}

const stored = (queueId: number, queueOffset: number, overrides: Partial<MessageExt> = {}): MessageExt =>
  pulled(queueOffset, { topic: 'orders', queueId, ...overrides });

describe('reading what was popped', () => {
  it('makes receipts from where the check point of each queue begins', () => {
    const response = answer([stored(0, 5), stored(0, 7), stored(2, 1)], {
      startOffsetInfo: '0 0 5;0 2 1',
      msgOffsetInfo: '0 0 5,7;0 2 1',
    });
    const popped = readPopped(response, question, 1_000);
    expect(popped.map(({ receipt }) => receipt)).toEqual([
      '5 1700000000000 60000 3 0 broker-a 0 5',
      '5 1700000000000 60000 3 0 broker-a 0 7',
      '1 1700000000000 60000 3 0 broker-a 2 1',
    ]);
    expect(popped[1]).toMatchObject({
      poppedTopic: 'orders',
      topic: 'orders',
      brokerName: 'broker-a',
      queueId: 0,
      queueOffset: 7,
    });
    expect(popped[1]!.message.properties).toMatchObject({
      [PropertyName.POP_CK]: popped[1]!.receipt,
      [PropertyName.FIRST_POP_TIME]: '1700000000000',
    });
  });

  it('measures the invisible time by our clock', () => {
    expect(readPopped(answer([stored(0, 0)]), question, 1_000)[0]!.expiresAt).toBe(61_000);
  });

  it.each([
    ['1', '%RETRY%billing_orders'],
    ['2', '%RETRY%billing+orders'],
  ])('keeps the receipt a broker wrote for a retried message (kind %s)', (kind, topic) => {
    const receipt = `8 1700000000000 60000 3 ${kind} broker-b 0 9`;
    const properties = { [PropertyName.POP_CK]: receipt, [PropertyName.FIRST_POP_TIME]: '1600000000000' };
    const [popped] = readPopped(answer([stored(0, 9, { properties, reconsumeTimes: 2 })]), question, 0);
    expect(popped).toMatchObject({ topic, brokerName: 'broker-b', queueOffset: 9, receipt });
    expect(popped!.message).toMatchObject({ topic: 'orders', reconsumeTimes: 2, properties });
  });

  it('takes a message that comes under the name of the retry topic back to its own', () => {
    const retried = stored(0, 4, { topic: '%RETRY%billing_orders' });
    const [popped] = readPopped(answer([retried], { startOffsetInfo: '1 0 4' }), question, 0);
    expect(popped).toMatchObject({ topic: '%RETRY%billing_orders', receipt: '4 1700000000000 60000 3 1 broker-a 0 4' });
    expect(popped!.message.topic).toBe('orders');
  });

  it('counts the deliveries of ordered messages, each by itself if the broker says so', () => {
    const fields = { startOffsetInfo: '0 0 5;0 1 0', orderCountInfo: '0 qo0%5 3;0 0 0;0 1 1' };
    const messages = () => [stored(0, 5), stored(0, 6), stored(1, 0)];
    const counted = readPopped(answer(messages(), fields), { ...question, ordered: true }, 0);
    expect(counted.map(({ message }) => message.reconsumeTimes)).toEqual([3, 0, 1]);
    const unordered = readPopped(answer(messages(), fields), question, 0);
    expect(unordered.map(({ message }) => message.reconsumeTimes)).toEqual([0, 0, 0]);
  });

  it('refuses what is no receipt', () => {
    const properties = { [PropertyName.POP_CK]: '1 2' };
    expect(() => readPopped(answer([stored(0, 0, { properties })]), question, 0)).toThrow(ProtocolError);
  });
});
