import { beforeEach, describe, expect, it } from '@jest/globals';
import { createRequest, Requests } from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { type HeldPull, PullHold } from '../src/pull-hold.js';
import { pullFields } from './harness.js';

const properties = () => ({});

describe('held pulls', () => {
  let now = 0;
  let maxOffset = 0;
  let woken: HeldPull[] = [];
  let hold: PullHold;
  beforeEach(() => {
    now = 1_000_000;
    maxOffset = 5;
    woken = [];
    hold = new PullHold({ clock: { now: () => now }, maxOffset: () => maxOffset, retry: (pull) => woken.push(pull) });
  });

  const pull = (offset: number, changes: Partial<HeldPull> = {}): HeldPull => ({
    request: createRequest(Requests.pullMessage, pullFields('t')),
    // Only its `closed` is looked at.
    connection: { closed: false } as Connection,
    offset,
    deadline: now + 15_000,
    filter: { matchesConsumeQueue: () => true },
    ...changes,
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('wake when the queue grows beyond their offset', async () => {
    const early = pull(5);
    const late = pull(6);
    hold.hold('t', 0, early);
    hold.hold('t', 0, late);
    hold.arrived('t', 1, 9, 0, properties);
    hold.arrived('t', 0, 6, 0, properties);
    await settled();
    expect(woken).toEqual([early]);
    expect(hold.size).toBe(1);
  });

  it('stay when the message is not for them', async () => {
    hold.hold('t', 0, pull(5, { filter: { matchesConsumeQueue: (code) => code === 7 } }));
    hold.arrived('t', 0, 6, 8, properties);
    await settled();
    expect(woken).toHaveLength(0);
    hold.arrived('t', 0, 7, 7, properties);
    await settled();
    expect(woken).toHaveLength(1);
  });

  it('wake at their deadline, and not before', async () => {
    hold.hold('t', 0, pull(5));
    now += 14_999;
    hold.sweep();
    await settled();
    expect(woken).toHaveLength(0);
    now += 1;
    hold.sweep();
    await settled();
    expect(woken).toHaveLength(1);
    expect(hold.size).toBe(0);
  });

  it('are found by the sweep when an arrival was missed', async () => {
    hold.hold('t', 0, pull(5));
    maxOffset = 6;
    hold.sweep();
    await settled();
    expect(woken).toHaveLength(1);
  });

  it('are forgotten when their connection is closed', async () => {
    hold.hold('t', 0, pull(5, { connection: { closed: true } as Connection }));
    hold.arrived('t', 0, 6, 0, properties);
    await settled();
    expect(woken).toHaveLength(0);
    expect(hold.size).toBe(0);
  });

  it('are all answered at close, and none is held after it', () => {
    hold.hold('t', 0, pull(5));
    hold.hold('u', 3, pull(0));
    hold.close();
    expect(woken).toHaveLength(2);
    expect(hold.hold('t', 0, pull(5))).toBe(false);
  });
});
