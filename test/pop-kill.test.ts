import { describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { waitFor } from '@rocketnest/testing';
import { popClient } from './support/pop.js';
import { Servers } from './support/servers.js';

const ROUNDS = 4;
const POPPERS = 8;
const INVISIBLE_MS = 5_000;

/** What became of the messages, by body. */
interface Fate {
  readonly sent: Set<string>;
  /** Messages that somebody tried to acknowledge; what a kill left unanswered may be acknowledged or not. */
  readonly tried: Set<string>;
  /** Messages whose acknowledgement was answered with success, and the attempt. */
  readonly acknowledged: Map<string, number>;
  /** Messages that came after that. */
  readonly again: string[];
}

/** Sends, pops and acknowledges most of what comes, until the broker goes away. */
async function work(address: string, round: number, fate: Fate, killed: () => boolean): Promise<void> {
  const client = new RemotingClient({});
  const pops = popClient(client, address, 'Survivors');
  const untilKilled = async (step: () => Promise<void>): Promise<void> => {
    while (!killed()) {
      try {
        await step();
      } catch (error) {
        if (!killed()) throw error;
      }
    }
  };
  let sent = 0;
  const sending = untilKilled(async () => {
    const id = `${round}-${sent++}`;
    await pops.send(id, sent % 4);
    fate.sent.add(id);
    await new Promise((resolve) => setTimeout(resolve, 1));
  });
  const popping = Array.from({ length: POPPERS }, () =>
    untilKilled(async () => {
      for (const popped of await pops.pop({ maxMsgNums: 4, pollTime: 500, invisibleTime: INVISIBLE_MS })) {
        const id = popped.text;
        const { reconsumeTimes } = popped.message;
        const before = fate.acknowledged.get(id);
        if (before !== undefined)
          fate.again.push(`${id}: attempt ${before} was acknowledged, attempt ${reconsumeTimes} came`);
        if (round <= ROUNDS && Math.random() < 0.1) continue;
        fate.tried.add(id);
        const { code } = await pops.ack(popped);
        if (code === ResponseCode.SUCCESS) fate.acknowledged.set(id, reconsumeTimes);
      }
    }),
  );
  try {
    await Promise.all([sending, ...popping]);
  } finally {
    await client.close();
  }
}

describe('a broker that is killed while consumers pop', () => {
  it(`brings every message, and none that was acknowledged, after ${ROUNDS} kills and restarts`, async () => {
    await using servers = await Servers.start('rocketnest', {});
    const { address } = servers.brokers[0]!;
    const fate: Fate = { sent: new Set(), tried: new Set(), acknowledged: new Map(), again: [] };
    for (let round = 1; round <= ROUNDS; round++) {
      let killed = false;
      const before = fate.acknowledged.size;
      const working = work(address, round, fate, () => killed);
      const enough = 50 + Math.floor(Math.random() * 200);
      const reached = waitFor(() => fate.acknowledged.size - before >= enough, {
        what: `${enough} acknowledged messages in round ${round}`,
        timeoutMs: 30_000,
      });
      await Promise.race([reached, working]);
      killed = true;
      await Promise.all([servers.broker.kill(), working]);
      await servers.restartBroker();
    }

    let done = false;
    const rest = work(address, ROUNDS + 1, fate, () => done);
    const missing = () => [...fate.sent].filter((id) => !id.startsWith(`${ROUNDS + 1}-`) && !fate.tried.has(id));
    await Promise.race([
      rest,
      waitFor(() => missing().length === 0, { timeoutMs: 60_000, what: 'all messages' }).catch((error: Error) => {
        throw new Error(`${error.message}: ${missing().length} left, such as ${missing().slice(0, 5)}`);
      }),
    ]);
    done = true;
    await rest;
    expect(fate.again).toEqual([]);
    expect(fate.acknowledged.size).toBeGreaterThan(ROUNDS * 50);
  }, 240_000);
});
