import { describe, expect, it } from '@jest/globals';
import { fullness } from '../../src/consumer/flow-control.js';
import { ProcessQueue } from '../../src/consumer/process-queue.js';
import { pulled, QUEUE } from './stored-message.js';

function queueWith(...offsets: number[]): ProcessQueue {
  const queue = new ProcessQueue(QUEUE);
  queue.put(offsets.map((offset) => pulled(offset)));
  return queue;
}

const offsetsOf = (messages: readonly { queueOffset: number }[]) => messages.map((message) => message.queueOffset);

describe('ProcessQueue', () => {
  it('hands messages out in order and each once', () => {
    const queue = queueWith(5, 6, 7);
    expect(offsetsOf(queue.take(2))).toEqual([5, 6]);
    expect(offsetsOf(queue.take(2))).toEqual([7]);
    expect(queue.hasUntaken).toBe(false);
    queue.put([pulled(8)]);
    expect(offsetsOf(queue.take(10))).toEqual([8]);
  });

  it('commits up to the lowest unfinished message whatever the order of completion', () => {
    const queue = queueWith(10, 11, 13, 14);
    const [a, b, c, d] = queue.take(4);
    expect(queue.remove([c!])).toBe(10);
    expect(queue.remove([a!])).toBe(11);
    expect(queue.remove([b!])).toBe(14);
    expect(queue.remove([d!])).toBe(15);
    expect(queue.count).toBe(0);
  });

  it('keeps count and bytes of what it holds', () => {
    const queue = new ProcessQueue(QUEUE);
    const messages = [pulled(1, { body: Buffer.alloc(10) }), pulled(2, { body: Buffer.alloc(5) })];
    queue.put(messages);
    expect([queue.count, queue.bytes]).toEqual([2, 15]);
    queue.remove([messages[0]!]);
    expect([queue.count, queue.bytes]).toEqual([1, 5]);
    queue.remove([messages[0]!]);
    expect([queue.count, queue.bytes]).toEqual([1, 5]);
  });

  it('has no offset to commit before the first message and none after it was cleared', () => {
    const queue = new ProcessQueue(QUEUE);
    expect(queue.committable).toBe(-1);
    queue.put([pulled(3)]);
    const [message] = queue.take(1);
    queue.clear();
    expect(queue.has(message!)).toBe(false);
    expect(queue.remove([message!])).toBe(-1);
  });

  it('ignores messages it has had before', () => {
    const queue = queueWith(1, 2);
    queue.remove(queue.take(2));
    queue.put([pulled(1), pulled(2), pulled(3)]);
    expect(offsetsOf(queue.take(10))).toEqual([3]);
  });

  it('hands the front out again after a rewind', () => {
    const queue = queueWith(1, 2, 3);
    const batch = queue.take(2);
    queue.remove([batch[0]!]);
    queue.rewind();
    expect(offsetsOf(queue.take(2))).toEqual([2, 3]);
  });

  it('measures the span between the oldest and the newest message it still holds', () => {
    const queue = queueWith(100, 101, 2500);
    const [, , newest] = queue.take(3);
    expect(queue.span).toBe(2400);
    queue.remove([newest!]);
    expect(queue.span).toBe(1);
  });

  it('stays correct over many messages with stuck ones among them', () => {
    const queue = new ProcessQueue(QUEUE);
    const stuck = new Map<number, ReturnType<typeof pulled>>();
    let next = 0;
    for (let round = 0; round < 400; round++) {
      queue.put(Array.from({ length: 16 }, () => pulled(next++)));
      const taken = queue.take(16);
      expect(taken).toHaveLength(16);
      const done = taken.filter((message) => message.queueOffset % 97 !== 0);
      for (const message of taken) if (message.queueOffset % 97 === 0) stuck.set(message.queueOffset, message);
      const expected = stuck.size > 0 ? Math.min(...stuck.keys()) : next;
      expect(queue.remove(done.reverse())).toBe(expected);
      if (stuck.size > 3) {
        const [[offset, message]] = [...stuck];
        stuck.delete(offset!);
        queue.remove([message!]);
      }
      expect(queue.count).toBe(stuck.size);
    }
    expect(queue.remove([...stuck.values()])).toBe(next);
  });

  it('tells a waiter once when messages leave', () => {
    const queue = queueWith(1, 2);
    let told = 0;
    queue.onRoom = () => told++;
    const [a, b] = queue.take(2);
    queue.remove([a!]);
    queue.remove([b!]);
    expect(told).toBe(1);
  });

  it('resolves idle when the last handler is done', async () => {
    const queue = queueWith(1);
    queue.handlerStarted();
    queue.handlerStarted();
    let idle = false;
    const waited = queue.idle().then(() => {
      idle = true;
    });
    queue.handlerDone();
    await Promise.resolve();
    expect(idle).toBe(false);
    queue.handlerDone();
    await waited;
    await queue.idle();
  });
});

describe('flow control', () => {
  const limits = { messages: 3, mib: 1, span: 10 };

  it.each([
    ['there is room', [1, 2, 3], 0, null],
    ['too many messages wait', [1, 2, 3, 4], 0, '4 messages wait'],
    ['too many bytes wait', [1], 2 * 1024 * 1024, '2 MiB wait'],
    ['the span is too long', [1, 12], 0, '11 offsets apart'],
  ])('says so when %s', (_, offsets, bytes, expected) => {
    const queue = queueWith(...offsets);
    queue.bytes += bytes;
    const said = fullness(queue, limits);
    if (expected === null) expect(said).toBeNull();
    else expect(said).toContain(expected);
  });

  it('does not look at the span in ordered consumption', () => {
    expect(fullness(queueWith(1, 5000), { ...limits, span: undefined })).toBeNull();
  });
});
