import { describe, expect, it } from '@jest/globals';
import { Accumulator, type BatchSender, splitResult } from '../../src/producer/accumulator.js';
import { type OutgoingMessage, type PreparedMessage, prepareMessage } from '../../src/producer/outgoing-message.js';
import type { SendResult } from '../../src/producer/send-result.js';

const queue = { topic: 'T', brokerName: 'a', queueId: 0 };
const options = { batchMaxDelayMs: 5, batchMaxBytes: 100, totalBatchMaxBytes: 250 };
const prepared = (message: Partial<OutgoingMessage> = {}): PreparedMessage =>
  prepareMessage({ topic: 'T', body: 'x', ...message }, undefined, 1_000, 'ID');
const result = (fields: Partial<SendResult> = {}): SendResult => ({
  status: 'SEND_OK',
  msgId: 'A,B',
  offsetMsgId: 'C,D',
  queue,
  queueOffset: 7,
  ...fields,
});

/** An accumulator and the batches it sent. */
function collecting(send?: BatchSender) {
  const batches: string[][] = [];
  const accumulator = new Accumulator(options, (messages, at) => {
    batches.push(messages.map(({ body }) => body.toString()));
    return send?.(messages, at) ?? Promise.resolve(messages.map(() => result()));
  });
  const add = (message: PreparedMessage, at?: typeof queue): Promise<SendResult> =>
    new Promise((resolve, reject) => {
      const taken = accumulator.add(message, at, (error, value) => (error ? reject(error) : resolve(value!)));
      if (!taken) reject(new Error('alone'));
    });
  return { accumulator, batches, add };
}

describe('Accumulator', () => {
  it('sends what comes within the delay as one batch, in order', async () => {
    const { batches, add } = collecting();
    await Promise.all(['1', '2', '3'].map((body) => add(prepared({ body }))));
    expect(batches).toEqual([['1', '2', '3']]);
  });

  it('does not wait once there are bytes enough', async () => {
    const { batches, add, accumulator } = collecting();
    const sends = [add(prepared({ body: 'x'.repeat(60) })), add(prepared({ body: 'y'.repeat(60) }))];
    expect(batches).toHaveLength(1);
    const third = add(prepared({ body: 'z' }));
    accumulator.flushAll();
    expect(batches).toHaveLength(2);
    await Promise.all([...sends, third]);
  });

  it('keeps topics, queues, tags and waitStoreOk apart', async () => {
    const { batches, add } = collecting();
    await Promise.all([
      add(prepared({ body: '1' })),
      add(prepared({ body: '2', topic: 'U' })),
      add(prepared({ body: '3' }), queue),
      add(prepared({ body: '4', tags: 'a' })),
      add(prepared({ body: '5', waitStoreOk: false })),
      add(prepared({ body: '6', tags: 'a' })),
    ]);
    expect(batches).toEqual([['1'], ['2'], ['3'], ['4', '6'], ['5']]);
  });

  it('leaves messages alone that cannot be in a batch, or when it holds too much', async () => {
    const { add, accumulator } = collecting();
    await expect(add(prepared({ delayLevel: 1 }))).rejects.toThrow('alone');
    await expect(add(prepared({ replyTo: { correlationId: 'c', clientId: 'i' } }))).rejects.toThrow('alone');
    await expect(add(prepared({ priority: 3 }))).rejects.toThrow('alone');
    await expect(add(prepared({ topic: '%RETRY%group' }))).rejects.toThrow('alone');
    const held = [add(prepared({ body: 'x'.repeat(99) })), add(prepared({ body: 'y'.repeat(99) }))];
    await expect(add(prepared({ body: 'z'.repeat(60) }))).rejects.toThrow('alone');
    accumulator.flushAll();
    await Promise.all(held);
    await add(prepared({ body: 'z'.repeat(60) }));
  });

  it('tells everybody in a batch that it failed', async () => {
    const failure = new Error('no broker');
    const { add } = collecting(() => Promise.reject(failure));
    const outcomes = await Promise.allSettled([add(prepared()), add(prepared())]);
    expect(outcomes).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failure })));
    await expect(add(prepared())).rejects.toBe(failure); // it holds nothing any more
  });
});

it('tells each message what became of it when a batch was cut', async () => {
  const failure = new Error('the second part failed');
  const { add } = collecting(() => Promise.resolve([result(), failure]));
  const outcomes = await Promise.allSettled([add(prepared()), add(prepared())]);
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: result() },
    { status: 'rejected', reason: failure },
  ]);
});

describe('splitResult', () => {
  it('gives each message its ids and offset', () => {
    expect(splitResult(result(), 2)).toEqual([
      result({ msgId: 'A', offsetMsgId: 'C', queueOffset: 7 }),
      result({ msgId: 'B', offsetMsgId: 'D', queueOffset: 8 }),
    ]);
  });

  it('gives all of them the one result of a batch that is stored as one message', () => {
    const one = result({ msgId: 'A', offsetMsgId: 'C' });
    expect(splitResult(one, 3)).toEqual([one, one, one]);
  });
});
