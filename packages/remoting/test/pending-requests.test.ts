import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DecodedCommand } from '@rocketnest/protocol';
import { PendingRequests } from '../src/pending-requests.js';
import { command } from './support.js';

function response(opaque: number): DecodedCommand {
  return { ...command(0), body: null, opaque };
}

describe('PendingRequests', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const timeoutError = (timeoutMs: number) => new Error(`late by ${timeoutMs}`);

  it('settles a request once and knows no second response', () => {
    const pending = new PendingRequests(timeoutError);
    const seen: unknown[] = [];
    pending.add(7, 1000, (error, answer) => seen.push([error, answer?.opaque]));
    expect(pending.settle(response(8))).toBe(false);
    expect(pending.settle(response(7))).toBe(true);
    expect(pending.settle(response(7))).toBe(false);
    jest.advanceTimersByTime(5000);
    expect(seen).toEqual([[null, 7]]);
  });

  it('times requests out each at its own deadline, with one timer', () => {
    const pending = new PendingRequests(timeoutError);
    const seen: string[] = [];
    for (const timeoutMs of [300, 100, 200, 100]) {
      pending.add(pending.nextOpaque(), timeoutMs, (error) => seen.push(`${error?.message} at ${performance.now()}`));
    }
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1000);
    expect(seen).toEqual(['late by 100 at 100', 'late by 100 at 100', 'late by 200 at 200', 'late by 300 at 300']);
    expect(pending.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('arms its timer again for requests sent after the first ones were answered', () => {
    const pending = new PendingRequests(timeoutError);
    let failed = 0;
    pending.add(1, 100, () => {});
    pending.settle(response(1));
    jest.advanceTimersByTime(50);
    pending.add(2, 100, () => failed++);
    jest.advanceTimersByTime(99);
    expect(failed).toBe(0);
    jest.advanceTimersByTime(1);
    expect(failed).toBe(1);
  });

  it('fails all at once and leaves no timer', () => {
    const pending = new PendingRequests(timeoutError);
    const seen: (string | undefined)[] = [];
    pending.add(1, 100, (error) => seen.push(error?.message));
    pending.add(2, 100, (error) => seen.push(error?.message));
    pending.failAll(new Error('gone'));
    expect(seen).toEqual(['gone', 'gone']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never gives an opaque that is waiting', () => {
    const pending = new PendingRequests(timeoutError);
    const first = pending.nextOpaque();
    pending.add(first + 1, 1000, () => {});
    expect(pending.nextOpaque()).toBe(first + 2);
  });

  it('keeps thousands of requests apart, in the order they were sent', () => {
    const pending = new PendingRequests(timeoutError);
    const opaques = Array.from({ length: 3000 }, () => {
      const opaque = pending.nextOpaque();
      pending.add(opaque, 1000, (error) => seen.push([opaque, error?.message]));
      return opaque;
    });
    const seen: unknown[] = [];
    expect(new Set(opaques).size).toBe(3000);
    expect(pending.size).toBe(3000);
    const answered = opaques.filter((opaque) => opaque % 3 !== 0);
    for (const opaque of answered.toReversed()) expect(pending.settle(response(opaque))).toBe(true);
    expect(seen).toEqual(answered.toReversed().map((opaque) => [opaque, undefined]));
    seen.length = 0;
    pending.failAll(new Error('gone'));
    expect(seen).toEqual(opaques.filter((opaque) => opaque % 3 === 0).map((opaque) => [opaque, 'gone']));
    expect(pending.size).toBe(0);
  });

  it('gives opaques to others while one waits for long', () => {
    const pending = new PendingRequests(timeoutError);
    const long = pending.nextOpaque();
    let answers = 0;
    pending.add(long, 1000, () => answers++);
    for (let i = 0; i < 100; i++) {
      const opaque = pending.nextOpaque();
      pending.add(opaque, 1000, () => {});
      expect(pending.settle(response(opaque))).toBe(true);
    }
    expect(pending.settle(response(long))).toBe(true);
    expect(answers).toBe(1);
  });
});
