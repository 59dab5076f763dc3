import { describe, expect, it } from '@jest/globals';
import { Producer } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { node } from './support/node.js';
import { Servers } from './support/servers.js';

const ROUNDS = 20;
const SENDERS = 64;
const TOPIC = 'Survivors';

/** Sends from many loops at once, each message acknowledged before its loop's next one, until the broker goes away. */
async function sendUntilKilled(
  namesrvAddr: string,
  round: number,
  acknowledged: Set<string>,
  kill: () => Promise<unknown>,
): Promise<void> {
  await using producer = new Producer({ namesrvAddr, group: 'load', retryTimes: 0, sendTimeoutMs: 2_000 });
  await producer.start();
  let sent = 0;
  let killed = false;
  const before = acknowledged.size;
  const loops = Array.from({ length: SENDERS }, async () => {
    while (!killed) {
      const id = `${round}-${sent++}`;
      const filling = 'x'.repeat(Math.floor(Math.random() * 4_000));
      try {
        await producer.send({ topic: TOPIC, body: `${id} ${filling}`, keys: id });
      } catch (error) {
        if (!killed) throw error;
        return;
      }
      acknowledged.add(id);
    }
  });
  const enough = 50 + Math.floor(Math.random() * 400); // the kill hits another moment of the log in every round
  const reached = waitFor(() => acknowledged.size - before >= enough, {
    what: `${enough} acknowledged sends in round ${round}`,
  });
  await Promise.race([reached, Promise.all(loops)]); // a send that fails before the kill fails the test
  const dying = kill();
  killed = true;
  await Promise.all([dying, ...loops]);
}

describe('a broker with SYNC_FLUSH that is killed under load', () => {
  it(`has every acknowledged message after ${ROUNDS} kills and restarts`, async () => {
    await using servers = await Servers.start('rocketnest', {
      broker: {
        flushDiskType: 'SYNC_FLUSH',
        mappedFileSizeCommitLog: 1024 * 1024, // small, so that kills also hit the change of files
      },
    });
    const { namesrvAddr } = servers;
    const acknowledged = new Set<string>();
    for (let round = 1; round <= ROUNDS; round++) {
      await sendUntilKilled(namesrvAddr, round, acknowledged, () => servers.broker.kill());
      await servers.restartBroker();
    }

    await using consumer = await node.consume({ namesrvAddr, group: 'survey', topic: TOPIC });
    const missing = () => {
      const received = new Set(consumer.received.map(({ keys }) => keys));
      return [...acknowledged].filter((id) => !received.has(id));
    };
    await waitFor(
      () => {
        const ids = missing();
        if (ids.length > 0) throw new Error(`${ids.length} missing, such as ${ids.slice(0, 10).join(', ')}`);
        return true;
      },
      { timeoutMs: 60_000, what: `all ${acknowledged.size} acknowledged messages` },
    );
    expect(acknowledged.size).toBeGreaterThan(ROUNDS * 50);
    for (const { body, keys } of consumer.received) expect(body.toString()).toMatch(new RegExp(`^${keys} x*$`));
  }, 180_000);
});
