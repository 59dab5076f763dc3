import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Connection } from '@rocketnest/remoting';
import { resolveBrokerOptions } from '../../src/options.js';
import { HeldRequests } from '../../src/pop/hold.js';
import { PopLocks } from '../../src/pop/locks.js';

/** What runs on the next tick has run. */
const nextTick = () => new Promise((resolve) => setImmediate(resolve));

describe('held requests', () => {
  let now = 0;
  let woken: string[] = [];
  let held: HeldRequests;
  const make = (lastFirst: boolean, options = {}) =>
    new HeldRequests({ options: resolveBrokerOptions(options), clock: { now: () => now }, lastFirst });
  beforeEach(() => {
    now = 1_000;
    woken = [];
    held = make(false);
  });

  const open = { closed: false } as Connection;
  const hold = (name: string, changes = {}) =>
    held.hold({
      topic: 't',
      group: 'g',
      queueId: -1,
      expiresAt: 10_000,
      connection: open,
      filter: undefined,
      retry: () => woken.push(name),
      giveUp: () => woken.push(`nothing for ${name}`),
      ...changes,
    });
  const message = (tagsCode: number, properties: Record<string, string> = {}) => ({
    tagsCode,
    properties: () => properties,
  });

  it('are woken one by one, the one whose time is over first before the others', async () => {
    hold('late', { expiresAt: 20_000 });
    hold('early');
    held.arrived('t', 3, 1, message(0));
    await nextTick();
    expect(woken).toEqual(['early']);
    held.arrived('t', 3, 2, message(0));
    await nextTick();
    expect(woken).toEqual(['early', 'late']);
    expect(held.count('t', 'g', -1)).toBe(0);
  });

  it('of a client that leaves the group are answered with nothing, at once, and only those', async () => {
    const leaving = { closed: false } as Connection;
    hold('stays');
    hold('leaves', { connection: leaving });
    hold('leaves its queue', { connection: leaving, queueId: 2 });
    hold('other group', { connection: leaving, group: 'h' });
    held.left('g', leaving);
    expect(woken).toEqual(['nothing for leaves', 'nothing for leaves its queue']);
    woken = [];
    held.arrived('t', 2, 1, message(0));
    await nextTick();
    expect(woken.sort()).toEqual(['other group', 'stays']);
  });

  it('may be woken last first', async () => {
    held = make(true);
    hold('late', { expiresAt: 20_000 });
    hold('early');
    held.arrived('t', 3, 1, message(0));
    await nextTick();
    expect(woken).toEqual(['late']);
  });

  it('are woken for their queue or for all, in every group', async () => {
    hold('all');
    hold('queue 3', { queueId: 3 });
    hold('queue 4', { queueId: 4 });
    hold('other group', { group: 'h' });
    hold('other topic', { topic: 'u' });
    held.arrived('t', 3, 1, message(0));
    await nextTick();
    expect(woken.sort()).toEqual(['all', 'other group', 'queue 3']);
  });

  it('wait on when their filter does not want the message, unless its offset forces them', async () => {
    const filter = { matchesConsumeQueue: (tagsCode: number) => tagsCode === 7 };
    hold('picky', { filter });
    held.arrived('t', 0, 1, message(8));
    await nextTick();
    expect(woken).toEqual([]);
    held.arrived('t', 0, 2, message(7));
    await nextTick();
    expect(woken).toEqual(['picky']);
    hold('forced', { filter });
    held.arrived('t', 0, 800, message(8));
    await nextTick();
    expect(woken).toEqual(['picky', 'forced']);
  });

  it('are woken by a message in the pop retry topic of their group, not by one that was sent back', async () => {
    hold('waiting');
    held.arrived('%RETRY%g', 0, 1, message(0, { ORIGIN_GROUP: 'g' }));
    held.arrived('%RETRY%h_t', 0, 1, message(0, { ORIGIN_GROUP: 'h' }));
    await nextTick();
    expect(woken).toEqual([]);
    held.arrived('%RETRY%g+t', 0, 1, message(0, { ORIGIN_GROUP: 'g' }));
    await nextTick();
    expect(woken).toEqual(['waiting']);
  });

  it('are answered when their time is over and forgotten when their connection is closed', async () => {
    hold('over');
    hold('gone', { connection: { closed: true } });
    hold('waiting', { expiresAt: 99_000 });
    now = 9_960;
    held.sweep();
    await nextTick();
    expect(woken).toEqual(['over']);
    expect(held.count('t', 'g', -1)).toBe(1);
  });

  it('are limited, altogether and for each queue', () => {
    held = make(false, { maxPopPollingSize: 3, popPollingSize: 1 });
    expect([hold('1'), hold('2'), hold('3')]).toEqual(['HELD', 'HELD', 'FULL']);
    expect([hold('4', { queueId: 0 }), hold('5', { queueId: 1 })]).toEqual(['HELD', 'FULL']);
  });

  it('are not held when there is no time left, and all are answered at the end', () => {
    expect(hold('too late', { expiresAt: 1_040 })).toBe('TIMEOUT');
    hold('waiting');
    held.close();
    expect(woken).toEqual(['waiting']);
    expect(hold('after the end')).toBe('TIMEOUT');
  });
});

describe('locks of queues', () => {
  it('are had by one at a time; those that wait get them in turn', async () => {
    const locks = new PopLocks();
    expect(locks.tryLock('a')).toBe(true);
    expect(locks.tryLock('a')).toBe(false);
    expect(locks.tryLock('b')).toBe(true);
    const order: number[] = [];
    const waiting = [1, 2].map((each) => locks.run('a', () => order.push(each)));
    expect(order).toEqual([]);
    locks.unlock('a');
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    expect(locks.tryLock('a')).toBe(true);
  });

  it('are given back when the work fails', async () => {
    const locks = new PopLocks();
    await expect(
      locks.run('a', () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(locks.tryLock('a')).toBe(true);
  });
});
