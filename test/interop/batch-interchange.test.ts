import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRequest, decodeMessages, encodeBatchBody, Requests, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { waitFor } from '@rocketnest/testing';
import { pullFields, sendFields, type TestBroker } from '../../packages/broker/test/harness.js';
import { Servers, type Target } from '../support/servers.js';

/** Who writes, then who continues on the same files, and how the first one ends. */
const changes: readonly (readonly [Target, Target, 'a clean stop' | 'kill -9'])[] = [
  ['rocketnest', 'apache', 'a clean stop'],
  ['apache', 'rocketnest', 'a clean stop'],
  ['rocketnest', 'apache', 'kill -9'],
  ['apache', 'rocketnest', 'kill -9'],
];

const TOPIC = 'Batches';
const BATCHES = 50;
const SIZE = 3;
/** Small files, so that the queues consist of many. */
const broker = { mapperFileSizeBatchConsumeQueue: 46 * 20 };

describe.each(changes)('batch queues of %s continued by %s after %s', (writer, reader, end) => {
  let storeDir: string;
  let client: RemotingClient;
  beforeEach(async () => {
    storeDir = await mkdtemp(join(tmpdir(), 'rocketnest-batches-'));
    client = new RemotingClient({});
  });
  afterEach(async () => {
    await client.close();
    await rm(storeDir, { recursive: true, force: true });
  });

  type Call = TestBroker['call'];
  const callTo = (servers: Servers): Call => {
    const { address } = servers.brokers[0]!;
    return (definition, fields, body = null, timeoutMs = 20_000) =>
      client.request(address, createRequest(definition, fields, body), { timeoutMs });
  };

  async function sendBatch(call: Call, number: number): Promise<Record<string, string>> {
    const body = encodeBatchBody(
      Array.from({ length: SIZE }, (_, i) => ({
        body: Buffer.from(`${number}-${i}`),
        flag: 0,
        properties: { TAGS: 't' },
      })),
    );
    const properties = `UNIQ_KEY\x01BATCH${number}\x02`;
    const response = await call(Requests.sendBatchMessage, sendFields(TOPIC, { batch: true, properties }), body);
    expect(response.code).toBe(ResponseCode.SUCCESS);
    return response.extFields;
  }

  /** First offset and number of messages of each stored batch from `offset` on, pulled to the end. */
  async function batches(call: Call, offset: number): Promise<[number, number][]> {
    const found: [number, number][] = [];
    for (;;) {
      const response = await call(Requests.pullMessage, pullFields(TOPIC, { queueOffset: offset, maxMsgNums: 32 }));
      if (response.code !== ResponseCode.SUCCESS) return found;
      for (const { queueOffset, properties } of decodeMessages(response.body!))
        found.push([queueOffset, Number(properties['INNER_NUM'] ?? 1)]);
      offset = Number(response.extFields['nextBeginOffset']);
    }
  }

  const edges = async (call: Call): Promise<number[]> => {
    const queue = { topic: TOPIC, queueId: 0 };
    const answers = await Promise.all([call(Requests.getMinOffset, queue), call(Requests.getMaxOffset, queue)]);
    return answers.map(({ extFields }) => Number(extFields['offset']));
  };

  it('are read, searched and continued', async () => {
    let middle: number;
    {
      const servers = await Servers.start(writer, { storeDir, broker });
      try {
        const call = callTo(servers);
        const created = await call(Requests.updateAndCreateTopic, {
          topic: TOPIC,
          defaultTopic: 'TBW102',
          readQueueNums: 1,
          writeQueueNums: 1,
          perm: 6,
          topicFilterType: 'SINGLE_TAG',
          topicSysFlag: 0,
          order: false,
          attributes: '+queue.type=BatchCQ',
        });
        expect(created.code).toBe(ResponseCode.SUCCESS);
        middle = 0;
        for (let i = 0; i < BATCHES; i++) {
          expect((await sendBatch(call, i))['queueOffset']).toBe(String(i * SIZE));
          if (i === BATCHES / 2) {
            await new Promise((resolve) => setTimeout(resolve, 20)); // A millisecond of its own.
            middle = Date.now();
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      } finally {
        if (end === 'kill -9') await servers.kill();
        else await servers[Symbol.asyncDispose]();
      }
    }

    await using servers = await Servers.start(reader, { storeDir, broker });
    const call = callTo(servers);
    const all = Array.from({ length: BATCHES }, (_, i) => [i * SIZE, SIZE]);
    expect(await edges(call)).toEqual([0, BATCHES * SIZE]);
    expect(await batches(call, 0)).toEqual(all);
    expect(await batches(call, 100)).toEqual(all.slice(33)); // Batch 33 holds the offsets 99, 100 and 101.
    const search = await call(Requests.searchOffsetByTimestamp, { topic: TOPIC, queueId: 0, timestamp: middle });
    expect(search.extFields['offset']).toBe(String((BATCHES / 2 + 1) * SIZE));
    expect((await sendBatch(call, BATCHES))['queueOffset']).toBe(String(BATCHES * SIZE));
    await waitFor(async () => (await edges(call))[1] === (BATCHES + 1) * SIZE, {
      timeoutMs: 20_000,
      what: 'the new batch',
    });
  });
});
