import { describe, expect, it } from '@jest/globals';
import type { MessageExt } from '@rocketnest/protocol';
import type { AssignedQueue } from '../../../src/consumer/lite-pull/assigned-queue.js';
import { Inbox } from '../../../src/consumer/lite-pull/inbox.js';

/** As much of a queue as the inbox sees. */
class FakeQueue {
  paused = false;
  dropped = false;
  listed = false;
  constructor(private readonly bodies: string[]) {}

  get waiting(): number {
    return this.bodies.length;
  }

  put(body: string): void {
    this.bodies.push(body);
  }

  take(max: number): MessageExt[] {
    return this.bodies.splice(0, max) as unknown as MessageExt[];
  }
}

const offer = (inbox: Inbox, queue: FakeQueue) => inbox.offer(queue as unknown as AssignedQueue);
const next = (inbox: Inbox) => inbox.next()?.messages;

describe('Inbox', () => {
  it('lets queues take turns', () => {
    const inbox = new Inbox(2);
    offer(inbox, new FakeQueue(['a1', 'a2', 'a3']));
    offer(inbox, new FakeQueue(['b1']));
    expect([next(inbox), next(inbox), next(inbox), next(inbox)]).toEqual([['a1', 'a2'], ['b1'], ['a3'], undefined]);
  });

  it('gives what arrives to those who wait, first come, first served', async () => {
    const inbox = new Inbox(1);
    const waiting = [1, 2].map(() => inbox.wait(Number.POSITIVE_INFINITY, undefined));
    const queue = new FakeQueue(['a', 'b', 'c']);
    offer(inbox, queue);
    expect((await Promise.all(waiting)).map((batch) => batch?.messages)).toEqual([['a'], ['b']]);
    expect(inbox.hasWaiters).toBe(false);
    expect(next(inbox)).toEqual(['c']);
  });

  it('passes paused and dropped queues over', () => {
    const inbox = new Inbox(1);
    const [paused, dropped] = [new FakeQueue(['p']), new FakeQueue(['d'])];
    offer(inbox, paused);
    offer(inbox, dropped);
    paused.paused = true;
    dropped.dropped = true;
    expect(next(inbox)).toBeUndefined();
    paused.paused = false;
    offer(inbox, paused);
    expect(next(inbox)).toEqual(['p']);
  });

  it('ends waiting at the deadline, on release and when the signal is aborted', async () => {
    const inbox = new Inbox(1);
    expect(await inbox.wait(1, undefined)).toBeNull();
    const released = inbox.wait(60_000, undefined);
    inbox.release();
    expect(await released).toBeNull();
    const abort = new AbortController();
    const aborted = inbox.wait(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect(inbox.hasWaiters).toBe(false);
  });
});
