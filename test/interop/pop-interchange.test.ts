import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { type PopClient, texts } from '../../packages/broker/test/pop/pop-client.js';
import { popClient } from '../support/pop.js';
import { Servers, type Target } from '../support/servers.js';

/** Long enough for a change of servers on a busy machine. */
const INVISIBLE_MS = 40_000;

/** Who pops, then who continues on the same files. */
const directions: readonly (readonly [Target, Target])[] = [
  ['rocketnest', 'apache'],
  ['apache', 'rocketnest'],
];

describe.each(directions)('pops of %s continued by %s', (writer, reader) => {
  let storeDir: string;
  let client: RemotingClient;
  beforeEach(async () => {
    storeDir = await mkdtemp(join(tmpdir(), 'rocketnest-pops-'));
    client = new RemotingClient({});
  });
  afterEach(async () => {
    await client.close();
    await rm(storeDir, { recursive: true, force: true });
  });

  const popsOf = (servers: Servers, topic: string): PopClient => popClient(client, servers.brokers[0]!.address, topic);

  it('return what was not acknowledged, and keep what was popped in order', async () => {
    const options = { storeDir, broker: { popFromRetryProbability: 0 } };
    let ordered: Awaited<ReturnType<PopClient['pop']>>;
    {
      await using servers = await Servers.start(writer, options);
      const orders = popsOf(servers, 'Orders');
      for (const text of ['a', 'b', 'c', 'd', 'e']) await orders.send(text);
      const popped = await orders.take(5, 20_000, { invisibleTime: INVISIBLE_MS });
      expect(texts(popped)).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(await orders.ack(popped[0]!)).toMatchObject({ code: ResponseCode.SUCCESS });
      expect(await orders.batchAck([popped[2]!, popped[3]!])).toMatchObject({ code: ResponseCode.SUCCESS });

      const steps = popsOf(servers, 'Steps');
      for (const text of ['1', '2']) await steps.send(text);
      ordered = await steps.take(1, 20_000, { order: true, queueId: 0, maxMsgNums: 1, invisibleTime: 600_000 });
      expect(texts(ordered)).toEqual(['1']);
    }

    await using servers = await Servers.start(reader, options);
    const steps = popsOf(servers, 'Steps');
    const next = { order: true, queueId: 0 };
    expect(await steps.pop(next)).toEqual([]);
    expect(await steps.ack(ordered[0]!)).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(texts(await steps.pop(next))).toEqual(['2']);

    const orders = popsOf(servers, 'Orders');
    const back = await orders.take(2, INVISIBLE_MS + 60_000);
    expect(texts(back).sort()).toEqual(['b', 'e']);
    for (const each of back) expect(each.message).toMatchObject({ topic: 'Orders', reconsumeTimes: 1 });
    for (const each of back) expect(await orders.ack(each)).toMatchObject({ code: ResponseCode.SUCCESS });
    expect(await orders.pop({ pollTime: 3_000 })).toEqual([]);
  });
});
