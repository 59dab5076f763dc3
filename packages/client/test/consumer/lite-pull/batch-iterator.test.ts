import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/protocol';
import { BatchIterator } from '../../../src/consumer/lite-pull/batch-iterator.js';

const batch = (body: string) => [body] as unknown as MessageExt[];

describe('BatchIterator', () => {
  function over(...batches: (MessageExt[] | null | Error)[]): { loop: BatchIterator; ends: () => number } {
    let ends = 0;
    const nextBatch = async () => {
      const next = batches.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    };
    return {
      loop: new BatchIterator(nextBatch, () => {
        ends++;
      }),
      ends: () => ends,
    };
  }

  it('yields batches until there is none', async () => {
    const { loop, ends } = over(batch('a'), batch('b'), null, batch('never'));
    const seen: unknown[] = [];
    for await (const messages of loop) seen.push(...messages);
    expect(seen).toEqual(['a', 'b']);
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect(ends()).toBeGreaterThan(0);
  });

  it('is over when the loop is left, when reading fails, and not before', async () => {
    const left = over(batch('a'));
    await left.loop.next();
    let over1 = false;
    const ended = left.loop.ended().then(() => {
      over1 = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(over1).toBe(false);
    await left.loop.return();
    await ended;

    const failed = over(new Error('no more'));
    await expect(failed.loop.next()).rejects.toThrow('no more');
    await failed.loop.ended();
    expect(failed.ends()).toBe(1);
  });

  it('is not waited for before it reads', async () => {
    await over(batch('a')).loop.ended();
  });
});
