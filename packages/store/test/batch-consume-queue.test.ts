import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeMessage, MessageSysFlag } from '@rocketnest/protocol';
import { dumpConsumeQueue, type MessageStore, type MessageStoreInput, type StoreMessage } from '../src/index.js';
import { closeStores, message, openStore, putAll, removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(async () => {
  await closeStores();
  removeDirectories();
});

const PER_FILE = 10;

const openBatchStore = (directory: string, options: Partial<MessageStoreInput> = {}): Promise<MessageStore> =>
  openStore(directory, {
    mapperFileSizeBatchConsumeQueue: PER_FILE * 46,
    queueTypeOf: (topic) => (topic.startsWith('B') ? 'BatchCQ' : 'SimpleCQ'),
    ...options,
  });

const innerBatch = (body: string, count: number, overrides: Partial<StoreMessage> = {}): StoreMessage =>
  message(body, {
    topic: 'B',
    sysFlag: MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP,
    properties: { INNER_NUM: String(count), TAGS: 'red' },
    ...overrides,
  });

/** First offset, number of messages and body of everything in the queue, read from `offset` on. */
async function read(store: MessageStore, offset: number): Promise<[base: number, count: number, body: string][]> {
  const found: [number, number, string][] = [];
  while (offset < store.maxOffset('B', 0)) {
    const result = await store.get('B', 0, offset, 1_000, 1024 * 1024);
    if (result.status !== 'FOUND') throw new Error(`get at ${offset}: ${result.status}`);
    let messages = 0;
    for (const buffer of result.buffers) {
      const { queueOffset, properties, body } = decodeMessage(buffer);
      const count = Number(properties['INNER_NUM'] ?? 1);
      messages += count;
      found.push([queueOffset, count, body.toString()]);
    }
    expect(result.messageCount).toBe(messages);
    offset = result.nextBeginOffset;
  }
  return found;
}

describe('batch consume queue', () => {
  it("writes Apache's 46 bytes per stored message", async () => {
    const directory = temporaryDirectory();
    const store = await openBatchStore(directory, { clock: { now: () => 0x18bcfe56800 } });
    await putAll(store, [innerBatch('a', 3), innerBatch('b', 300)]);
    await store.close();
    expect(existsSync(`${directory}/consumequeue/B`)).toBe(false);
    const bytes = readFileSync(`${directory}/batchconsumequeue/B/0/00000000000000000000`);
    expect(bytes.length).toBe(PER_FILE * 46);
    const [first] = [...dumpConsumeQueue(`${directory}/batchconsumequeue/B/0/00000000000000000000`)];
    const size = first!.size.toString(16).padStart(8, '0');
    const tag = '000000000001b891'; // "red".hashCode()
    const rest = 'ffffffff00000000';
    expect(bytes.subarray(0, 46).toString('hex')).toBe(
      `0000000000000000${size}${tag}0000018bcfe568000000000000000000${'0003'}${rest}`,
    );
    expect(
      bytes
        .subarray(46, 92)
        .toString('hex')
        .slice(16 + 8),
    ).toBe(`${tag}0000018bcfe568000000000000000003${'012c'}${rest}`);
  });

  it('gives an inner batch as many offsets as it has messages, and the property INNER_BASE', async () => {
    const store = await openBatchStore(temporaryDirectory());
    const results = await putAll(store, [innerBatch('a', 3), message('one', { topic: 'B' }), innerBatch('b', 5)]);
    expect(results.map(({ queueOffset, messageCount }) => [queueOffset, messageCount])).toEqual([
      [0, 3],
      [3, 1],
      [4, 5],
    ]);
    expect([store.minOffset('B', 0), store.maxOffset('B', 0)]).toEqual([0, 9]);
    const third = decodeMessage((await store.messageAt(results[2]!.commitLogOffset))!);
    expect([third.queueOffset, third.properties['INNER_BASE']]).toEqual([4, '4']);
  });

  it.each(['in memory', 'after a clean stop', 'after a crash without queue files'])(
    'finds the batch that holds an offset, %s',
    async (state) => {
      const directory = temporaryDirectory();
      let store = await openBatchStore(directory);
      const counts = Array.from({ length: 35 }, (_, i) => 1 + (i % 4));
      await putAll(
        store,
        counts.map((count, i) => innerBatch(`m${i}`, count)),
      );
      if (state !== 'in memory') {
        await store.close();
        if (state.includes('crash')) {
          rmSync(`${directory}/batchconsumequeue`, { recursive: true });
          writeFileSync(`${directory}/abort`, '');
        }
        store = await openBatchStore(directory);
        expect(readdirSync(`${directory}/batchconsumequeue/B/0`).length).toBe(4);
      }
      const total = counts.reduce((sum, count) => sum + count, 0);
      expect(store.maxOffset('B', 0)).toBe(total);
      const all = await read(store, 0);
      expect(all.map(([, count]) => count)).toEqual(counts);
      for (let offset = 0; offset < total; offset++) {
        const holder = all.find(([base, count]) => offset >= base && offset < base + count)!;
        expect((await read(store, offset))[0]).toEqual(holder);
        expect((await store.consumeQueueEntries('B', 0, offset, 1))[0]).toMatchObject({
          queueOffset: holder[0],
          messageCount: holder[1],
        });
      }
      const [result] = await putAll(store, [innerBatch('next', 2)]);
      expect(result!.queueOffset).toBe(total);
    },
  );

  it('counts messages, not batches, against the limits of a get, but always returns one batch', async () => {
    const store = await openBatchStore(temporaryDirectory());
    await putAll(store, [innerBatch('a', 10), innerBatch('b', 10), innerBatch('c', 10)]);
    const lengths = await Promise.all([5, 10, 19, 20].map((max) => store.get('B', 0, 0, max, 1024 * 1024)));
    expect(lengths.map(({ messageCount }) => messageCount)).toEqual([10, 10, 10, 20]);
    const wakeUps: number[] = [];
    store.onMessageArrived = (_topic, _queueId, maxOffset) => wakeUps.push(maxOffset);
    await putAll(store, [innerBatch('d', 10)]);
    expect(wakeUps).toEqual([40]);
  });

  it('searches by store time in its own units', async () => {
    let time = 1_000_000;
    const store = await openBatchStore(temporaryDirectory(), { clock: { now: () => time } });
    for (let i = 0; i < 25; i++, time += 1_000) await putAll(store, [innerBatch(`m${i}`, 2)]);
    const lower = (at: number): Promise<number> => store.offsetByTimestamp('B', 0, at);
    expect(await Promise.all([0, 1_000_000, 1_000_001, 1_003_000, 1_024_000, 9_000_000].map(lower))).toEqual([
      0, 0, 2, 6, 48, 48,
    ]);
    expect(await store.offsetByTimestamp('B', 0, 1_003_500, 'UPPER')).toBe(6);
  });

  it('refuses an inner batch in a simple queue, and INNER_NUM without the flag', async () => {
    const store = await openBatchStore(temporaryDirectory());
    const results = await Promise.all([
      store.putAsync(innerBatch('x', 2, { topic: 'S' })),
      store.putAsync(innerBatch('x', 2, { sysFlag: 0 })),
      store.putAsync(message('fine', { topic: 'S' })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['MESSAGE_ILLEGAL', 'MESSAGE_ILLEGAL', 'PUT_OK']);
    expect([store.maxOffset('B', 0), store.maxOffset('S', 0)]).toEqual([0, 1]);
  });

  it('moves its minimum offset and deletes files when the log is cut at the front', async () => {
    const directory = temporaryDirectory();
    const writer = await openBatchStore(directory);
    await putAll(
      writer,
      Array.from({ length: 60 }, (_, i) => innerBatch('x'.repeat(900) + i, 3)),
    );
    await writer.close();
    const store = await openBatchStore(directory, { fileReservedTime: 0, deleteWhen: hoursOfTheDay() });
    const first = store.minCommitLogOffset;
    await runRetention(store);
    expect(store.minCommitLogOffset).toBeGreaterThan(first);
    const min = store.minOffset('B', 0);
    expect(min % 3).toBe(0);
    expect(min).toBeGreaterThan(0);
    expect((await read(store, min))[0]![0]).toBe(min);
    expect(readdirSync(`${directory}/batchconsumequeue/B/0`).length).toBeLessThan(6);
    await store.close();
    const again = await openBatchStore(directory);
    expect([again.minOffset('B', 0), again.maxOffset('B', 0)]).toEqual([min, 180]);
  });

  it('does not open a store that has a queue in both types', async () => {
    const directory = temporaryDirectory();
    const store = await openBatchStore(directory);
    await putAll(store, [innerBatch('a', 1)]);
    await store.close();
    cpSync(`${directory}/batchconsumequeue/B`, `${directory}/consumequeue/B`, { recursive: true });
    await expect(openBatchStore(directory, { mappedFileSizeConsumeQueue: PER_FILE * 46 })).rejects.toThrow(
      /queue 0 of topic B is there twice/,
    );
  });
});

const hoursOfTheDay = (): string => Array.from({ length: 24 }, (_, hour) => hour).join(';');

/** One pass of the retention service. */
const runRetention = (store: MessageStore): Promise<number> =>
  (store as unknown as { retention: { run(): Promise<number> } }).retention.run();
