import { expect, it } from '@jest/globals';
import { unique, waitFor } from '@rocketnest/testing';
import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyStore } from '../../src/idempotency/index.js';

const times = { lockMs: 60_000, ttlMs: 60_000 };

export function claimed(answer: IdempotencyAnswer): IdempotencyClaim {
  if (typeof answer === 'string') throw new Error(`Expected a claim, got ${answer}.`);
  return answer;
}

/** What every store does. @param open the store under test; two calls see the same keys, as two processes would */
export function describeStore(open: () => IdempotencyStore): void {
  it('gives a key to one of many who ask at the same time', async () => {
    const key = unique('k');
    const answers = await Promise.all(Array.from({ length: 20 }, () => open().begin(key, times)));
    expect(answers.filter((answer) => answer === 'busy')).toHaveLength(19);
    expect(answers.filter((answer) => typeof answer === 'object')).toHaveLength(1);
  });

  it('remembers a confirmed key', async () => {
    const key = unique('k');
    await claimed(await open().begin(key, times)).confirm();
    expect(await open().begin(key, times)).toBe('done');
    expect(await open().begin(key, times)).toBe('done');
  });

  it('frees a released key', async () => {
    const key = unique('k');
    await claimed(await open().begin(key, times)).release();
    expect(await open().begin(key, times)).toBeInstanceOf(Object);
  });

  it('tells keys apart by case, spaces at the end and characters beyond Latin', async () => {
    const key = unique('k');
    for (const other of [key, key.toUpperCase(), `${key} `, `${key}é`, `${key}e`, `${key}订单`, `${key}😀`]) {
      await claimed(await open().begin(other, times)).confirm();
    }
  });

  it('takes a key of 255 bytes', async () => {
    const key = unique('k').padEnd(255, 'x');
    await claimed(await open().begin(key, times)).confirm();
    expect(await open().begin(key, times)).toBe('done');
  });

  it('forgets a confirmed key after its ttl', async () => {
    const key = unique('k');
    await claimed(await open().begin(key, times)).confirm();
    const short = unique('k');
    await claimed(await open().begin(short, { ...times, ttlMs: 50 })).confirm();
    await waitFor(async () => typeof (await open().begin(short, times)) === 'object', { what: 'the end of the ttl' });
    expect(await open().begin(key, times)).toBe('done');
  });

  it('ends the claim of a process that died, and then whatever that one still says is too late', async () => {
    const key = unique('k');
    const dead = claimed(await open().begin(key, { ...times, lockMs: 50 }));
    let next: IdempotencyAnswer = 'busy';
    await waitFor(
      async () => {
        next = await open().begin(key, times);
        return typeof next === 'object';
      },
      { what: 'the end of the claim' },
    );
    await dead.release();
    expect(await open().begin(key, times)).toBe('busy');
    await dead.confirm();
    expect(await open().begin(key, times)).toBe('busy');
    await claimed(next).confirm();
    expect(await open().begin(key, times)).toBe('done');
    await dead.extend();
    await claimed(next).release();
    expect(await open().begin(key, times)).toBe('done');
  });

  it('extends a claim for as long as its holder wants', async () => {
    const [key, other] = [unique('k'), unique('k')];
    const claim = claimed(await open().begin(key, { ...times, lockMs: 2_000 }));
    const end = Date.now() + 3_000;
    await open().begin(other, { ...times, lockMs: 3_000 });
    // The other claim, taken after this one, has ended; this one was extended in between.
    await waitFor(
      async () => {
        await claim.extend();
        return Date.now() > end && typeof (await open().begin(other, times)) === 'object';
      },
      { what: 'the end of the other claim' },
    );
    expect(await open().begin(key, times)).toBe('busy');
  });
}
