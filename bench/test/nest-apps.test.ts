import { describe, expect, it } from '@jest/globals';
import { type BenchEvent, now, textOf } from '../nest/apps/app.js';
import { Load } from '../nest/apps/load.js';
import { Tally } from '../nest/apps/tally.js';

const TEXT = textOf(256);
const event = (id: number, more: Partial<BenchEvent> = {}): BenchEvent => ({ id, at: now(), text: TEXT, ...more });

/** Emits into a tally, through whatever `deliver` makes of the events. */
function emitting(deliver: (event: BenchEvent, tally: Tally) => void) {
  const tally = new Tally(TEXT);
  const emitter = { emit: async (one: BenchEvent) => deliver(one, tally), close: async () => undefined };
  return { tally, load: new Load(emitter, TEXT) };
}

describe('what the applications of the Nest benchmarks count', () => {
  it('agrees with what was emitted, in any order', async () => {
    const late: BenchEvent[] = [];
    const { tally, load } = emitting((one, to) => {
      if (one.id % 3 === 0) late.push(one);
      else to.add(one);
    });
    const emitted = await load.flow({ from: 0, count: 1_000, window: 10 });
    for (const one of late.reverse()) tally.add(one);
    const { count, checksum, duplicates, damaged } = tally.result();
    expect(emitted.count).toBe(1_000);
    expect({ count, checksum, duplicates, damaged }).toEqual({
      count: 1_000,
      checksum: emitted.checksum,
      duplicates: 0,
      damaged: 0,
    });
  });

  it('tells an event that is missing from one that came twice in its place', async () => {
    const { tally, load } = emitting((one, to) => to.add(one.id === 7 ? { ...one, id: 8 } : one));
    const emitted = await load.flow({ from: 0, count: 100, window: 1 });
    const { count, checksum, duplicates } = tally.result();
    expect({ count, duplicates }).toEqual({ count: 99, duplicates: 1 });
    expect(checksum).not.toBe(emitted.checksum);
  });

  it('sees one event in the place of another', () => {
    const [right, wrong] = [new Tally(TEXT), new Tally(TEXT)];
    for (const id of [0, 1, 2]) right.add(event(id));
    for (const id of [0, 1, 3]) wrong.add(event(id));
    expect(wrong.result().checksum).not.toBe(right.result().checksum);
  });

  it('counts events of an earlier phase as duplicates, and those with another text as damaged', () => {
    const tally = new Tally(TEXT);
    tally.add(event(0));
    tally.expect({ from: 1, warmup: 0 });
    tally.add(event(0));
    tally.add(event(1, { text: 'other' }));
    const { count, duplicates, damaged } = tally.result();
    expect({ count, duplicates, damaged }).toEqual({ count: 1, duplicates: 1, damaged: 1 });
  });

  it('measures what comes after the warm-up', () => {
    const tally = new Tally(TEXT);
    tally.expect({ from: 0, warmup: 4 });
    for (let id = 0; id < 10; id++) tally.add(event(id));
    expect(tally.result().measured.count).toBe(6);
  });

  it('emits at a rate, whether acknowledged or not', async () => {
    const tally = new Tally(TEXT);
    const acknowledge: (() => void)[] = [];
    const emitter = {
      emit: (one: BenchEvent) => {
        tally.add(one);
        if (tally.count === 100) for (const done of acknowledge) done();
        return tally.count === 100 ? Promise.resolve() : new Promise<void>((resolve) => acknowledge.push(resolve));
      },
      close: async () => undefined,
    };
    const { count, endedAt, startedAt } = await new Load(emitter, TEXT).paced({ from: 0, rate: 500, seconds: 0.2 });
    expect(count).toBe(100);
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(200);
  });

  it('has events of about the size that is asked for', () => {
    expect(Math.abs(JSON.stringify(event(123_456)).length - 256)).toBeLessThan(16);
  });
});
