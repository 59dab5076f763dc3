import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { java } from '../support/java.js';
import { type InMessage, type OutMessage, receivedMessages } from '../support/peer.js';
import { Servers, type Target } from '../support/servers.js';

const TOPIC = 'Reminders';
/** A reminder every 100 ms, from shortly after they are sent until both implementations have started again. */
const REMINDERS = 250;
const STEP_MS = 100;
const FIRST_MS = 2_000;
const HOUR_MS = 3_600_000;
const CONSUMED_BEFORE = 10;

function reminders(): OutMessage[] {
  const start = Date.now() + FIRST_MS;
  const inTime = Array.from({ length: REMINDERS }, (_, i) => ({
    topic: TOPIC,
    body: Buffer.from(`${i}`),
    deliverAt: start + i * STEP_MS,
  }));
  return [...inTime, { topic: TOPIC, body: Buffer.from('in an hour'), deliverAt: Date.now() + HOUR_MS }];
}

/** Who starts the timers, then who continues on the same files. */
const directions: readonly (readonly [Target, Target])[] = [
  ['rocketnest', 'apache'],
  ['apache', 'rocketnest'],
];

describe.each(directions)('timers started by %s and continued by %s', (writer, reader) => {
  const client = java();
  let storeDir: string;

  beforeEach(async () => {
    storeDir = await mkdtemp(join(tmpdir(), 'rocketnest-timers-'));
  });

  afterEach(async () => {
    await rm(storeDir, { recursive: true, force: true });
  });

  afterAll(async () => {
    await client.close();
  });

  /** Sends the reminders, ends the writer when some have come, and returns all that came from both. */
  async function across(end: (servers: Servers) => Promise<void>): Promise<readonly InMessage[]> {
    {
      await using servers = await Servers.start(writer, { storeDir });
      const { namesrvAddr } = servers;
      await client.send('async', { namesrvAddr, group: 'senders' }, reminders());
      await using early = await client.consume({ namesrvAddr, group: 'early', topic: TOPIC });
      await receivedMessages(early, CONSUMED_BEFORE);
      await end(servers);
    }
    await using servers = await Servers.start(reader, { storeDir });
    const { namesrvAddr } = servers;
    await using consumer = await client.consume({ namesrvAddr, group: 'readers', topic: TOPIC });
    const last = `${REMINDERS - 1}`;
    for (let count = REMINDERS; !consumer.received.some(({ body }) => body.toString() === last); count++) {
      await receivedMessages(consumer, count);
    }
    return consumer.received;
  }

  function expectEachInTime(received: readonly InMessage[]): void {
    const bodies = new Set(received.map(({ body }) => body.toString()));
    const missing = Array.from({ length: REMINDERS }, (_, i) => `${i}`).filter((body) => !bodies.has(body));
    expect(missing).toEqual([]);
    expect(bodies.has('in an hour')).toBe(false);
    const early = received.filter(
      ({ properties }) => Number(properties['TIMER_DEQUEUE_MS']) < Number(properties['TIMER_DELIVER_MS']),
    );
    expect(early).toEqual([]);
  }

  it('are all delivered after a clean stop, none before its time', async () => {
    const received = await across(async (servers) => {
      await servers.broker.stop(60_000);
    });
    expectEachInTime(received);
    // Whoever stops within a second may deliver some of it again; RocketNest does not.
    const again = received.length - REMINDERS;
    expect(again).toBeLessThanOrEqual(writer === 'rocketnest' ? 0 : 1_000 / STEP_MS);
  });

  it('are all delivered after kill -9, none before its time', async () => {
    expectEachInTime(await across((servers) => servers.kill()));
  });
});
