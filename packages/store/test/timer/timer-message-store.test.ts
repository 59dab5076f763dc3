import { appendFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { dumpTimerLog } from '../../src/index.js';
import { removeDirectories } from '../support/store.js';
import { DAY, HOUR, SECOND, TestClock, Timers, waitingMessages } from './support.js';

const open: Timers[] = [];
const track = async (timers: Promise<Timers>): Promise<Timers> => {
  open.push(await timers);
  return open.at(-1)!;
};

describe('timers', () => {
  let clock: TestClock;
  let t: Timers;
  beforeEach(async () => {
    clock = new TestClock();
    t = await track(Timers.open(clock));
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    removeDirectories();
  });

  it('deliver at the millisecond, not before', async () => {
    const due = clock.time + HOUR + 345;
    await t.send('m', due);
    await t.moveTo(due - 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.timers.wake();
    expect(t.store.maxOffset('T', 0)).toBe(0);
    clock.time = due;
    expect(await t.bodies(1)).toEqual(['m']);
  });

  it('deliver in the order of time over hours of waiting', async () => {
    const start = clock.time;
    const delays = [7_200_500, 1_500, 3_600_000, 1_501, 999, 1_000, 1_001];
    for (const delay of delays) await t.send(String(delay), start + delay);
    expect(t.timers.waiting).toBe(delays.length);
    await t.moveTo(start + 3 * HOUR);
    expect(await t.bodies(delays.length)).toEqual([...delays].sort((a, b) => a - b).map(String));
    await t.until(() => t.timers.waiting === 0, 'the wheel to be empty');
  });

  it('have slots of 100 ms, too', async () => {
    await t.close();
    t = await track(Timers.open(clock, t.rootDir, { timerPrecisionMs: 150 })); // the next lower precision
    expect(t.timers.precisionMs).toBe(100);
    const start = clock.time;
    for (const ms of [1_250, 90, 200, 201, HOUR]) await t.send(String(ms), start + ms);
    await t.moveTo(start + 200);
    expect(await t.bodies(2)).toEqual(['90', '200']);
    t = await track(t.restarted({ timerPrecisionMs: 100 }));
    await t.moveTo(start + HOUR);
    expect(await t.bodies(5)).toEqual(['90', '200', '201', '1250', String(HOUR)]);
  });

  it('say when messages were entered and taken out, and keep where they belong', async () => {
    const start = clock.time;
    await t.send('m', start + 2_500, { TAGS: 'a', keep: 'me' });
    await t.moveTo(start + 2_600);
    await t.bodies(1);
    const [message] = await t.delivered();
    expect(message).toMatchObject({
      topic: 'T',
      properties: {
        TAGS: 'a',
        keep: 'me',
        REAL_TOPIC: 'T',
        REAL_QID: '0',
        TIMER_OUT_MS: String(start + 2_000),
        TIMER_ENQUEUE_MS: String(start),
        TIMER_DEQUEUE_MS: String(start + 2_600),
      },
    });
  });

  it('hand on at once what was due when it came', async () => {
    await t.send('late', clock.time - HOUR);
    expect(await t.bodies(1)).toEqual(['late']);
    expect((await t.delivered())[0]?.properties['TIMER_ENQUEUE_MS']).toBe('9223372036854775807'); // Long.MAX_VALUE
  });

  it('carry far messages over the roll window in stages', async () => {
    const start = clock.time;
    const due = start + 3 * DAY - 500;
    await t.send('far', due);
    await t.entered();
    // 3 days with a window of 2: to its end, and one day is left.
    await t.moveTo(start + 2 * DAY);
    expect(await waitingMessages(t.store)).toHaveLength(1);
    await t.moveTo(start + 2 * DAY + SECOND);
    await t.until(() => t.store.maxOffset('rmq_sys_wheel_timer', 0) === 2, 'the second stage');
    const [, second] = await waitingMessages(t.store);
    expect(second?.properties).toMatchObject({ TIMER_ROLL_TIMES: '1', TIMER_OUT_MS: String(start + 3 * DAY - SECOND) });
    await t.moveTo(due - 1);
    expect(t.store.maxOffset('T', 0)).toBe(0);
    await t.moveTo(due);
    expect(await t.bodies(1)).toEqual(['far']);
  });

  it('go half way first when little would be left after the window', async () => {
    const start = clock.time;
    const due = start + 2 * DAY + 10 * HOUR;
    await t.send('far', due);
    await t.moveTo(start + DAY + SECOND);
    await t.until(() => t.store.maxOffset('rmq_sys_wheel_timer', 0) === 2, 'the second stage');
    await t.moveTo(due);
    expect(await t.bodies(1)).toEqual(['far']);
    expect(await waitingMessages(t.store)).toHaveLength(2);
  });

  it('keep what waits over restarts on the way, and roll on after one that lasted hours', async () => {
    const start = clock.time;
    await t.send('far', start + 3 * DAY);
    await t.send('near', start + 5 * HOUR);
    t = await track(t.restarted());
    expect(t.timers.waiting).toBe(2);
    await t.moveTo(start + 4 * HOUR);
    await t.close();
    clock.time = start + 2 * DAY + 5 * HOUR;
    t = await track(Timers.open(clock, t.rootDir));
    expect(await t.bodies(1)).toEqual(['near']);
    await t.until(() => t.store.maxOffset('rmq_sys_wheel_timer', 0) === 3, 'the second stage');
    t = await track(t.restarted());
    await t.moveTo(start + 3 * DAY - 1);
    expect(t.store.maxOffset('T', 0)).toBe(1);
    await t.moveTo(start + 3 * DAY);
    expect(await t.bodies(2)).toEqual(['near', 'far']);
  });

  it('deliver the rest of a second after a clean stop in the middle of it, and nothing twice', async () => {
    const start = clock.time;
    for (const ms of [100, 200, 900]) await t.send(String(ms), start + ms);
    await t.entered();
    clock.time = start + 250;
    await t.bodies(2);
    const closing = t.close(); // drains the second
    clock.time = start + 950;
    t.timers.wake();
    await closing;
    t = await track(Timers.open(clock, t.rootDir));
    await t.send('next', start + 960);
    await t.moveTo(start + 5_000);
    expect(await t.bodies(4)).toEqual(['100', '200', '900', 'next']);
  });

  it('give back after a kill what was not delivered, once, and lose nothing that was acknowledged', async () => {
    const start = clock.time;
    const count = 500; // crosses files of the timer log
    for (let i = 0; i < count; i++) await t.send(`m${i}`, start + HOUR + (i % 7) * 977);
    const crashed = t.crashed(); // nothing says that the last ones are in the timer log
    t = await track(Timers.open(clock, crashed));
    await t.entered();
    await t.moveTo(start + 2 * HOUR);
    const bodies = await t.bodies(count);
    expect(bodies).toHaveLength(count);
    expect(new Set(bodies).size).toBe(count);
  });

  it('give back after a kill in the middle of a second at most that second again', async () => {
    const start = clock.time;
    for (let i = 0; i < 20; i++) await t.send(`m${i}`, start + i * 500 + 100);
    await t.moveTo(start + 5_300);
    await t.bodies(11);
    const readMs = () => Number(readFileSync(`${t.rootDir}/config/timercheck`).readBigInt64BE(0));
    await t.until(() => readMs() === start + 5_000, 'the checkpoint to follow');
    t = await track(Timers.open(clock, t.crashed()));
    await t.moveTo(start + 60_000);
    await t.until(() => t.timers.waiting === 0, 'the wheel to be empty');
    const bodies = (await t.delivered()).map(({ body }) => body.toString());
    expect(new Set(bodies).size).toBe(20);
    expect(bodies.length).toBeLessThanOrEqual(21);
  });

  it('rebuild the wheel from the log when it is lost', async () => {
    const start = clock.time;
    const count = 600; // several files of the log
    for (let i = 0; i < count; i++) await t.send(`m${i}`, start + HOUR + i);
    await t.entered();
    await t.close();
    rmSync(`${t.rootDir}/timerwheel`);
    t = await track(Timers.open(clock, t.rootDir));
    expect(t.timers.waiting).toBe(count);
    await t.moveTo(start + 2 * HOUR);
    expect(new Set(await t.bodies(count)).size).toBe(count);
  });

  it('rebuild the wheel when Apache kept snapshots instead of it', async () => {
    const start = clock.time;
    await t.send('a', start + HOUR);
    t = await track(t.restarted());
    await t.close();
    const stale = readFileSync(`${t.rootDir}/timerwheel`);
    t = await track(Timers.open(clock, t.rootDir));
    await t.send('b', start + HOUR);
    await t.close();
    writeFileSync(`${t.rootDir}/timerwheel`, stale);
    utimesSync(`${t.rootDir}/timerwheel`, 1, 1);
    writeFileSync(`${t.rootDir}/timerwheel.104`, 'content does not matter');
    t = await track(Timers.open(clock, t.rootDir));
    expect(t.timers.waiting).toBe(2);
    await t.moveTo(start + 2 * HOUR);
    expect(await t.bodies(2)).toEqual(['a', 'b']);
  });

  it('enter everything again when log, wheel and checkpoint are lost', async () => {
    const start = clock.time;
    for (let i = 0; i < 10; i++) await t.send(`m${i}`, start + HOUR + i);
    await t.close();
    for (const name of ['timerwheel', 'timerlog', 'config/timercheck']) {
      rmSync(`${t.rootDir}/${name}`, { recursive: true });
    }
    t = await track(Timers.open(clock, t.rootDir));
    await t.moveTo(start + 2 * HOUR);
    expect(await t.bodies(10)).toEqual(Array.from({ length: 10 }, (_, i) => `m${i}`));
  });

  it('refuse a wheel of another size, naming it', async () => {
    await t.close();
    appendFileSync(`${t.rootDir}/timerwheel`, 'x');
    await expect(Timers.open(clock, t.rootDir)).rejects.toThrow(/timer wheel .* has 38707201 bytes, expected 38707200/);
  });

  it('do not deliver what was recalled, whether the second is open or far away, also after a restart', async () => {
    const start = clock.time;
    for (const body of ['a', 'b', 'c', 'd']) await t.send(body, start + HOUR + 500);
    await t.recall('b', start + HOUR + 1);
    t = await track(t.restarted());
    await t.entered();
    clock.time = start + HOUR - 100; // the second is read
    t.timers.wake();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await t.recall('c', start + HOUR + 1);
    await t.moveTo(start + HOUR + 600);
    expect(await t.bodies(2)).toEqual(['a', 'd']);
    await t.moveTo(start + 2 * HOUR);
    expect(await t.bodies(2)).toEqual(['a', 'd']);
    expect(t.timers.metrics.count('T')).toBe(0);
  });

  it('count what waits for each topic', async () => {
    const start = clock.time;
    await t.send('a', start + HOUR);
    await t.send('b', start + HOUR);
    await t.send('c', start + HOUR, {}, 'U');
    await t.entered();
    expect([t.timers.metrics.count('T'), t.timers.metrics.count('U')]).toEqual([2, 1]);
    t = await track(t.restarted());
    expect([t.timers.metrics.count('T'), t.timers.metrics.count('U')]).toEqual([2, 1]);
    await t.moveTo(start + HOUR);
    await t.bodies(2);
    await t.bodies(1, 'U');
    expect([t.timers.metrics.count('T'), t.timers.metrics.count('U')]).toEqual([0, 0]);
  });

  it.each([
    ['names no topic', { REAL_TOPIC: '' }],
    ['names the timer topic', { REAL_TOPIC: 'rmq_sys_wheel_timer' }],
    ['names no queue', { REAL_QID: 'x' }],
    ['has no time', { TIMER_OUT_MS: 'x' }],
  ])('drop a message that %s, and go on', async (_what, properties) => {
    await t.send('bad', clock.time - 1, properties);
    await t.send('bad, later', clock.time + SECOND, properties);
    await t.send('good', clock.time + SECOND);
    await t.moveTo(clock.time + 2 * SECOND);
    expect(await t.bodies(1)).toEqual(['good']);
    expect(await waitingMessages(t.store)).toHaveLength(3);
  });

  it('count anew what waits, from the log', async () => {
    const start = clock.time;
    for (let i = 0; i < 250; i++) await t.send(`m${i}`, start + HOUR, {}, i % 5 === 0 ? 'Aa' : 'BB'); // equal hash codes
    await t.send('gone', start + SECOND);
    await t.recall('m0', start + HOUR - SECOND + 1);
    await t.moveTo(start + 2 * SECOND);
    await t.bodies(1);
    for (const topic of ['Aa', 'BB', 'T']) t.timers.metrics.set(topic, 7);
    await t.timers.recount();
    expect(['Aa', 'BB', 'T'].map((topic) => t.timers.metrics.count(topic))).toEqual([50, 200, -1]);
  });

  it('try again until the store takes a message that is due', async () => {
    await t.close();
    let refusals = 5;
    t = await track(
      Timers.open(
        clock,
        t.rootDir,
        {},
        {
          put: (put, done) => {
            if (refusals-- > 0) {
              done({ ...NOTHING, status: 'OS_PAGE_CACHE_BUSY' });
            } else t.store.put(put, done);
          },
        },
      ),
    );
    await t.send('m', clock.time - 1);
    expect(await t.bodies(1)).toEqual(['m']);
  });

  it('keep units of 52 bytes, each with the one before it in its second', async () => {
    const start = clock.time;
    await t.send('a', start + HOUR + 1);
    await t.send('b', start + 2 * HOUR);
    await t.send('c', start + HOUR + 900);
    await t.entered();
    await t.close();
    const units = [...dumpTimerLog(`${t.rootDir}/timerlog/00000000000000000000`)];
    expect(
      units.map(({ position, previous, slotMs, dueMs, magic }) => [position, previous, slotMs, dueMs, magic]),
    ).toEqual([
      [0, -1, start + HOUR, start + HOUR + 1, 1],
      [52, -1, start + 2 * HOUR - SECOND, start + 2 * HOUR, 1],
      [104, 0, start + HOUR, start + HOUR + 900, 1],
    ]);
    const wheel = readFileSync(`${t.rootDir}/timerwheel`);
    const slot = ((start + HOUR) / SECOND) % (7 * 24 * 3600 * 2);
    const at = slot * 32;
    const longs = [0, 8, 16].map((offset) => Number(wheel.readBigInt64BE(at + offset)));
    expect([...longs, wheel.readInt32BE(at + 24)]).toEqual([(start + HOUR) / SECOND, 0, 104, 2]);
  });

  it('cross the end of a file of the log with a blank record, and delete files whose messages are gone', async () => {
    const start = clock.time;
    const perFile = Math.floor((10 * 1024 - 16) / 52);
    for (let i = 0; i < perFile * 2 + 1; i++) await t.send(`m${i}`, start + HOUR + i);
    t = await track(t.restarted());
    await t.moveTo(start + 2 * HOUR);
    expect(await t.bodies(perFile * 2 + 1)).toHaveLength(perFile * 2 + 1);
    const first = readFileSync(`${t.rootDir}/timerlog/00000000000000000000`);
    expect(first.readInt32BE(perFile * 52)).toBe(10 * 1024 - perFile * 52);
    expect(first.readInt32BE(perFile * 52 + 12)).toBe(-875286124);
  });
});

const NOTHING = { commitLogOffset: -1, queueOffset: -1, msgIds: '', storeTimestamp: 0, bytes: 0, messageCount: 0 };
